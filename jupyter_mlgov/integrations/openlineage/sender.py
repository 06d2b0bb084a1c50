"""Sends a step run's events through OpenLineage's own transports, once and in order."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, SystemUnreachable
from jupyter_mlgov.lineage.fold import read_run, read_session

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

SECONDS = 5.0
DEFAULT_NAMESPACE = "mlgov"
_EXPECTED = "Expected `file:PATH`, an http(s) address, or `auto` for what OPENLINEAGE_URL or openlineage.yml says."


class OpenLineageSender:
    """Delivers parcels of run_parcels().

    `target` is `file:PATH` (JSON lines; a relative path is below the workspace), an http(s) address, or `auto`: the library's own settings.
    """

    def __init__(self, target: str, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self.target, self.root = target, root
        self._environ = os.environ if environ is None else environ

    @property
    def namespace(self) -> str:
        """The jobs' namespace: `OPENLINEAGE_NAMESPACE`, as every producer reads it."""
        return self._environ.get("OPENLINEAGE_NAMESPACE", "") or DEFAULT_NAMESPACE

    def deliver(self, parcel: Parcel) -> dict[str, object]:
        """Send both events of the parcel's run. Raises SystemUnreachable where they did not arrive, BadInput for a wrong `target`."""
        payload = cast("Mapping[str, Any]", parcel.payload)
        with _translated(self.shown), self._client() as client:
            from jupyter_mlgov.integrations.openlineage.events import events

            try:
                run, session = read_run(payload["run"]), read_session(payload["session"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                what = f"The parcel {parcel.key[:80]} cannot be read: {type(error).__name__}."
                raise BadInput(what, expected="A payload made by run_parcels().") from None
            for event in events(run, session, namespace=self.namespace, root=self.root):
                client.emit(event)
        return {"run": run.id, "uri": self.shown, "namespace": self.namespace}

    @property
    def shown(self) -> str:
        """The target without user, password and query."""
        if not self.target.startswith(("http://", "https://")):
            return self.target
        parts = urlsplit(self.target)
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"

    @contextmanager
    def _client(self) -> Iterator[OpenLineageClient]:
        try:
            from openlineage.client import OpenLineageClient
        except ImportError:
            raise NotReady(
                "OpenLineage events are asked for, and its client is not installed.", next='Type: pip install "jupyter-mlgov[openlineage]"'
            ) from None
        client = OpenLineageClient() if self.target == "auto" else OpenLineageClient(transport=self._transport())
        try:
            # Without settings the library prints events, or drops them when it is disabled; neither has told anybody.
            if client.transport.kind in ("console", "noop"):
                raise NotReady(
                    "OpenLineage's own settings name no place for events.", next="Set OPENLINEAGE_URL, or MLGOV_OPENLINEAGE=file:PATH."
                )
            yield client
        finally:
            client.close(SECONDS)

    def _transport(self) -> Any:
        if self.target.startswith("file:"):
            from openlineage.client.transport.file import FileConfig, FileTransport

            path = Path(self.target.removeprefix("file:").removeprefix("//"))
            path = path if path.is_absolute() else self.root / path
            path.parent.mkdir(parents=True, exist_ok=True)
            return FileTransport(FileConfig(log_file_path=str(path), append=True))
        if self.target.startswith(("http://", "https://")):
            from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

            key = self._environ.get("OPENLINEAGE_API_KEY", "")
            auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
            # No retry in here: the outbox tries again, and says so.
            return HttpTransport(HttpConfig(url=self.target, timeout=SECONDS, auth=auth, retry={"total": 0}))
        raise BadInput(f"{self.shown[:80]!r} is no place for OpenLineage events.", expected=_EXPECTED, next="Set MLGOV_OPENLINEAGE.")


@contextmanager
def _translated(target: str) -> Iterator[None]:
    """What the client, its HTTP library or the file system raises, as one sentence without its secrets."""
    log = logging.getLogger("openlineage")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own deprecations are not the reader's
            yield
    except MlgovError:
        raise
    except Exception as error:  # noqa: BLE001 # transports let exceptions of requests, fsspec and the system through; all mean the same
        cause = type(error).__name__ if not isinstance(error, OSError) or error.strerror is None else error.strerror
        raise SystemUnreachable(
            f"OpenLineage events did not reach {target}: {cause}.", next="See that it takes events, then `mlgov sync`; nothing is lost."
        ) from None
    finally:
        log.setLevel(before)

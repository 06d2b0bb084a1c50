"""A checkpoint told to a URL the operator names. It is told, not asked back: what the other side keeps is theirs to show."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from jupyter_mlgov.audit.anchors import Occasion, Receipt, Testimony
from jupyter_mlgov.core.errors import SystemUnreachable, UsageError
from jupyter_mlgov.core.facts import fields_of

TIMEOUT = 10.0
_HERE = ("127.0.0.1", "localhost", "::1")


class WebhookAnchor:
    """The Anchor port over `POST` of `{"checkpoint": note, "model": …}`. Only https, or http to this machine; no redirects."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or (parts.scheme == "http" and parts.hostname not in _HERE):
            raise UsageError("A webhook in MLGOV_ANCHORS must be an https URL.", expected="Expected `https://host/path`.")
        self._url, self._host = url, parts.hostname

    @property
    def name(self) -> str:
        """The host alone: paths of webhooks are often secrets."""
        return f"webhook {self._host}"

    def leave(self, note: str, occasion: Occasion) -> Mapping[str, str]:
        body = json.dumps({"checkpoint": note, **fields_of(occasion)}).encode()
        request = urllib.request.Request(self._url, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310 the scheme was checked
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
                status = int(answer.status)
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise SystemUnreachable(f"{self._host} did not take it ({str(reason)[:200]}).", next="See MLGOV_ANCHORS.") from None
        if not 200 <= status < 300:
            raise SystemUnreachable(f"{self._host} did not take it (HTTP {status}).", next="See MLGOV_ANCHORS.")
        return {"status": str(status)}

    def testify(self, receipts: Sequence[Receipt]) -> Testimony:
        told = f"{len(receipts)} checkpoints were sent there" if receipts else "nothing was sent there yet"
        return Testimony(anchor=self.name, cannot=f"a webhook cannot be read back ({told}); ask whoever keeps it for a checkpoint.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> NoReturn:
        raise urllib.error.URLError("it points elsewhere, and that is not followed")

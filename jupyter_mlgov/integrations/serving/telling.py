"""What Prometheus is told of the record: a page over HTTP or a file for node_exporter, and the door through which Alertmanager answers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from jupyter_mlgov.core.errors import BadInput, MlgovError, StorageProblem
from jupyter_mlgov.integrations.serving.bodies import Refused, admit, body_of

Row = tuple[str, tuple[str, ...], float]  # metric, label values, value
Shape = tuple[str, str, tuple[str, ...], str]  # metric, help, label names, kind
Turn = Callable[[], Awaitable[None]]
MOST = 1 << 20  # bytes of a message


class _Page:
    """A collector over rows that are there already."""

    def __init__(self, shapes: Sequence[Shape], rows: Iterable[Row]) -> None:
        self._shapes, self._rows = shapes, rows

    def collect(self) -> Iterator[Any]:
        """The families in order, each with all its rows; one without rows is left out."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        made: dict[str, Any] = {}
        for name, help_, labels, kind in self._shapes:
            make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
            made[name] = make(name.removesuffix("_total") if kind == "counter" else name, help_, labels=labels)
        for name, values, number in self._rows:
            made[name].add_metric(values, number)
        return (family for family in made.values() if family.samples)


def text(shapes: Sequence[Shape], rows: Iterable[Row]) -> bytes:
    """The page in Prometheus' text format. Raises KeyError for a row of a metric that no shape names."""
    from prometheus_client import generate_latest

    registry: Any = _Page(shapes, rows)  # all that is asked of it is collect()
    return generate_latest(registry)


def write(path: Path, content: bytes) -> None:
    """Put the page where node_exporter's textfile collector reads it: whole or not at all. Raises BadInput, StorageProblem."""
    if path.suffix != ".prom":
        raise BadInput(f"node_exporter reads only files that end in .prom, and {path.name} does not.", next="Name it FILE.prom.")
    draft = ""
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            draft = stream.name
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except OSError as error:
        if draft:
            with suppress(OSError):
                Path(draft).unlink()
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name a folder that can be written.") from None


def metrics_app(page: Callable[[], bytes], *, secret: str, begin: Turn, end: Turn) -> Starlette:
    """`GET /metrics`. Without a secret only loopback is answered."""
    from prometheus_client import CONTENT_TYPE_LATEST

    async def metrics(request: Request) -> Response:
        admit(request, secret)
        content = await run_in_threadpool(page)
        return Response(content, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    return _app([Route("/metrics", metrics)], begin, end)


def alerts_app(take: Callable[[object], dict[str, int]], *, secret: str, begin: Turn, end: Turn) -> Starlette:
    """`POST /alerts`, for who shows the secret. 503 where the trail takes nothing: Alertmanager then tells it again."""

    async def alerts(request: Request) -> Response:
        admit(request, secret)
        raw = await body_of(request, MOST)
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Refused(400, f"The body is no JSON: {str(error)[:160]}.") from None
        return _json(await run_in_threadpool(take, document))

    return _app([Route("/alerts", alerts, methods=["POST"])], begin, end)


def _app(routes: list[Route], begin: Turn, end: Turn) -> Starlette:
    async def refused(_: Request, error: Exception) -> Response:
        return _json({"error": str(error)}, error.status if isinstance(error, Refused) else 400)

    async def bad(_: Request, error: Exception) -> Response:
        return _json({"error": str(error)}, 400)

    async def unavailable(_: Request, error: Exception) -> Response:
        return _json({"error": str(error)}, 503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> Any:  # Starlette's own type
        await begin()
        try:
            yield
        finally:
            await end()

    handlers: dict[Any, Any] = {Refused: refused, BadInput: bad, ClientDisconnect: bad, MlgovError: unavailable}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)


def _json(body: object, status: int = 200) -> Response:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return Response(orjson.dumps(body), status, media_type="application/json", headers=headers)

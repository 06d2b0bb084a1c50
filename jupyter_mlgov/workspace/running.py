"""`mlgov serve` put together: the replica, its metrics, the application and the process they run in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.serving import Replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and how to listen; `most` bytes a body, `grace` seconds at a stop, `bucket` the header of a router that splits the traffic."""

    host: str = "127.0.0.1"
    port: int = 8080
    most: int = 8 * 2**20
    grace: float = 20.0
    bucket: str = ""


def application(
    workspace: Workspace, models: tuple[str, ...], *, endpoint: str = "", most: int = 8 * 2**20, bucket: str = ""
) -> tuple[Any, Replica]:
    """(the ASGI application, its replica). Raises what stands in the way of answering: nothing is served half.

    Raises NotReady without the extra `serve`.
    """
    try:
        from jupyter_mlgov.integrations.serving.app import Desk
        from jupyter_mlgov.integrations.serving.app import application as made
        from jupyter_mlgov.integrations.serving.metrics import Metrics
        from jupyter_mlgov.integrations.serving.running import in_loop
    except ImportError:
        raise NotReady("Serving needs Starlette, uvicorn and prometheus-client.", next='Type: pip install "jupyter-mlgov[serve]"') from None
    from jupyter_mlgov.workspace.serving import Replica

    metrics = Metrics()
    replica = Replica(workspace, models, metrics.meter, bucket=bucket)
    replica.look(first=True)
    begin, end = in_loop(lambda call: replica.begin(call, endpoint), replica.end)
    return made(Desk(replica.services, metrics, most=most), begin=begin, end=end), replica


def run(workspace: Workspace, models: tuple[str, ...], place: Place, say: Callable[[str], None]) -> bool:
    """Serve until the process is told to stop. False where something that had to be written was not."""
    from jupyter_mlgov.integrations.serving.running import listening
    from jupyter_mlgov.integrations.serving.running import run as serve

    made, replica = None, None
    socket = listening(place.host, place.port)
    port = socket.getsockname()[1]
    endpoint = f"http://{place.host}:{port}"
    made, replica = application(workspace, models, endpoint=endpoint, most=place.most, bucket=place.bucket)
    for name, seat in replica.seats.items():
        champion = seat.service.lineup.champion
        what = f"version {champion.vouched.version}" if champion else "its baseline" if seat.service.lineup.baseline else "nobody (stopped)"
        say(f"{name}: {what} answers at {endpoint}/v2/models/{name}/infer")
        for line in champion.vouched.looked if champion else ():
            say(f"  {line}")
    serve(lambda: made, socket, grace=place.grace)
    return replica.whole

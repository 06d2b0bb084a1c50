"""uvicorn around the application: one process, loopback unless somebody says otherwise, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mlgov.core.errors import NotReady, StorageProblem

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises StorageProblem where the address is taken."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(1024)
        found.set_inheritable(True)
    except OSError as error:
        raise StorageProblem(f"Nobody can listen at {host}:{port}: {error.strerror or error}.", next="Name another with --port.") from None
    return found


def run(make: Callable[[], Any], place: socket.socket, *, grace: float) -> None:
    """Serve the application that `make` gives until SIGTERM or SIGINT; requests under way get `grace` seconds to end."""
    try:
        import uvicorn
    except ImportError:
        raise NotReady("Serving needs Starlette and uvicorn.", next='Type: pip install "jupyter-mlgov[serve]"') from None
    config = uvicorn.Config(
        make(),
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=max(1, int(grace)),
        h11_max_incomplete_event_size=64 * 1024,
        limit_concurrency=2000,
        timeout_keep_alive=30,
    )
    uvicorn.Server(config).run(sockets=[place])


def in_loop(
    begin: Callable[[Callable[[Callable[[], None]], None]], None], end: Callable[[], object]
) -> tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]:
    """(begin, end) for the application's lifespan: `begin` is handed a way to run an act in the loop; `end` runs in a thread."""

    async def first() -> None:
        loop = asyncio.get_running_loop()

        def call(act: Callable[[], None]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(act)

        begin(call)

    async def last() -> None:
        await asyncio.get_running_loop().run_in_executor(None, end)

    return first, last

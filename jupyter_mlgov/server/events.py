"""Live: a websocket that says which notebook's record has moved. The browser names what it looks at and asks for the news itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.server.queries import Desk, Moment

EVERY = 1.0
MOST_PATHS = 64
MOST_TEXT = 1 << 16


@dataclass(slots=True)
class Watched:
    """A path somebody looks at, and how its record stood when they were last told."""

    path: str
    moment: Moment | None = None


class EventsHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """GET events (websocket): send {"watch": [path, …]} and hear {"changed": path} whenever the record behind a path moves."""

    auth_resource = "mlgov"
    every = EVERY

    async def prepare(self) -> None:  # type: ignore[override] # as in base.py
        """Refuse by any method, not only by the handshake."""
        await ensure_async(super().prepare())
        if not self.current_user:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, "read", "mlgov")):
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        await super().get(*args, **kwargs)

    def get_compression_options(self) -> None:
        """None: the messages are a line each."""

    def open(self, *args: str, **kwargs: str) -> None:
        super().open(*args, **kwargs)
        self._watched: dict[str, Watched] = {}
        self._task = asyncio.ensure_future(self._watch())

    def on_message(self, message: str | bytes) -> None:
        """Take over what is looked at now; anything that cannot be meant closes the line."""
        paths = _paths(message)
        if paths is None:
            self.close(1008, 'Expected {"watch": [path, ...]}.')
            return
        self._watched = {path: self._watched.get(path, Watched(path)) for path in paths}

    def on_close(self) -> None:
        super().on_close()
        self._task.cancel()

    async def _watch(self) -> None:
        desk = cast("Desk", self.settings["mlgov_desk"])
        try:
            while True:
                for watched in tuple(self._watched.values()):
                    news = await asyncio.to_thread(look, desk, watched)
                    if news is not None:
                        await self.write_message(json.dumps(news))
                await asyncio.sleep(self.every)
        except WebSocketClosedError:
            return
        except Exception:
            # An open line on which nobody looks any more would pass for "nothing happened".
            self.log.exception("mlgov: looking after a record failed; the browser is told by the end of its line, and comes again.")
            self.close(1011, "Looking after the record failed.")


def _paths(message: str | bytes) -> list[str] | None:
    if len(message) > MOST_TEXT:
        return None
    try:
        paths = json.loads(message).get("watch")
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(paths, list) or len(paths) > MOST_PATHS or not all(isinstance(path, str) for path in paths):
        return None
    return paths


def look(desk: Desk, watched: Watched) -> dict[str, str] | None:
    """The news of a path since `watched` was last told, or None. The first look is news too: the browser may have read before it."""
    before = watched.moment
    try:
        watched.moment = desk.moment(watched.path, before)
    except MlgovError as problem:
        watched.moment = Moment(files=(), head=problem.what)
        return {"refused": watched.path, "message": problem.what} if watched.moment != before else None
    moved = before is None or watched.moment.told != before.told
    return {"changed": watched.path} if moved else None

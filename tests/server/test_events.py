"""Live news: a browser that named a notebook hears of every move of its record, and of nothing else."""

import asyncio
import json

import nbformat
import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.server.events import EventsHandler


@pytest.fixture
def workspace(jp_root_dir, monkeypatch):
    from jupyter_mlgov.workspace import Workspace

    monkeypatch.setattr(EventsHandler, "every", 0.05)
    for name in ("model", "other"):
        (jp_root_dir / f"{name}.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()))
    room = Workspace.create(jp_root_dir, Settings(actor="ann"))
    yield room
    room.close()


async def heard(socket, seconds=60):
    return json.loads(await asyncio.wait_for(socket.read_message(), seconds))


async def quiet(socket, seconds=0.5):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(socket.read_message())), seconds)


@pytest.fixture
def url(jp_http_port, jp_base_url):
    return f"ws://127.0.0.1:{jp_http_port}{jp_base_url}mlgov/api/events"


async def test_an_act_on_the_record_is_news_once(jp_ws_fetch, workspace):
    socket = await jp_ws_fetch("mlgov", "api", "events")
    await socket.write_message(json.dumps({"watch": ["model.ipynb"]}))
    assert await heard(socket) == {"changed": "model.ipynb"}
    await asyncio.to_thread(workspace.record, Draft(action="alarm.raised", subject="m", payload={"problem": "x"}))
    assert await heard(socket) == {"changed": "model.ipynb"}
    await quiet(socket)
    socket.close()


async def test_looking_alone_is_no_news(jp_ws_fetch, jp_fetch, workspace):
    """Reading opens and closes the database, which moves its files: told of that, two tabs would call one another for ever."""
    socket = await jp_ws_fetch("mlgov", "api", "events")
    await socket.write_message(json.dumps({"watch": ["model.ipynb"]}))
    assert await heard(socket) == {"changed": "model.ipynb"}
    for _ in range(3):
        await jp_fetch("mlgov", "api", "notebook", params={"path": "model.ipynb"})
    await quiet(socket)
    socket.close()


async def test_a_path_that_climbs_out_is_refused_once_in_a_sentence(jp_ws_fetch, workspace):
    socket = await jp_ws_fetch("mlgov", "api", "events")
    await socket.write_message(json.dumps({"watch": ["../x.ipynb"]}))
    said = await heard(socket)
    assert said["refused"] == "../x.ipynb" and "climbs out" in said["message"]
    await quiet(socket, 0.3)
    socket.close()


@pytest.mark.parametrize("message", ["", "[]", "nonsense", '{"watch": 3}', '{"watch": [1]}', json.dumps({"watch": ["a.ipynb"] * 65})])
async def test_what_cannot_be_meant_closes_the_line(jp_ws_fetch, workspace, message):
    socket = await jp_ws_fetch("mlgov", "api", "events")
    await socket.write_message(message)
    assert await asyncio.wait_for(socket.read_message(), 60) is None
    assert socket.close_code == 1008
    socket.close()


# tornado's client warns of the connection that the server refused to open.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*WebSocketClientConnection:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Unclosed WebSocketClientConnection:ResourceWarning")
async def test_the_line_is_refused_without_a_token_and_without_the_right(jp_serverapp, jp_ws_fetch, url, workspace):
    with pytest.raises(HTTPClientError) as refusal:
        await websocket_connect(url)
    assert refusal.value.code == 403

    class Denies:
        def is_authorized(self, handler, user, action, resource):
            return resource != "mlgov"

    jp_serverapp.web_app.settings["authorizer"] = Denies()
    with pytest.raises(HTTPClientError) as refusal:
        await jp_ws_fetch("mlgov", "api", "events")
    assert refusal.value.code == 403


def test_an_act_while_the_server_looks_is_news_at_the_next_look(workspace, jp_root_dir):
    """The trail is read, somebody writes, and the look ends: what was written then must not count as seen."""
    from jupyter_mlgov.server.queries import Desk, open_workspace

    class Interrupted:
        """The real workspace; somebody records right behind the reading of its head."""

        def __init__(self, room):
            self.room, self.root = room, room.root

        @property
        def journal(self):
            return self

        def head(self):
            head = self.room.journal.head()
            workspace.record(Draft(action="alarm.raised", subject="m", payload={"problem": "meanwhile"}))
            return head

        def close(self):
            self.room.close()

    settings = Settings(actor="ann")
    busy = Desk(root=jp_root_dir, settings=settings, open=lambda start, found: Interrupted(open_workspace(start, found)))
    seen = busy.moment("model.ipynb", None)
    after = Desk(root=jp_root_dir, settings=settings).moment("model.ipynb", seen)
    assert int(after.head) == int(seen.head) + 1


def test_a_record_at_rest_is_not_asked_again(workspace, jp_root_dir, monkeypatch):
    """Looking moves the database's files; it must come to rest all the same, or each tab would cost a reading a second."""
    from jupyter_mlgov.server import queries

    monkeypatch.setattr(queries, "RACY", 0.0)
    desk = queries.Desk(root=jp_root_dir, settings=Settings(actor="ann"))
    moments = [None]
    for _ in range(5):
        moments.append(desk.moment("model.ipynb", moments[-1]))
    assert moments[-1] is moments[-2]


async def test_a_look_that_breaks_ends_the_line_so_that_the_browser_knows(jp_ws_fetch, jp_serverapp, workspace, monkeypatch):
    from jupyter_mlgov.server import events

    def broken(desk, watched):
        raise OSError("the disk went away")

    monkeypatch.setattr(events, "look", broken)
    socket = await jp_ws_fetch("mlgov", "api", "events")
    await socket.write_message(json.dumps({"watch": ["model.ipynb"]}))
    assert await asyncio.wait_for(socket.read_message(), 60) is None
    assert socket.close_code == 1011
    socket.close()

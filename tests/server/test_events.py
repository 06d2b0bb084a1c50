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


async def heard(socket, seconds=20):
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
    assert await asyncio.wait_for(socket.read_message(), 20) is None
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

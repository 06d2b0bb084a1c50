"""Who may do what: every method is guarded by a right on `mlgov`, writes need the XSRF token, and a review is its signer's."""

import json
from http.cookies import SimpleCookie

import nbformat
import pytest
from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httpclient import HTTPClientError

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.server.base import ACTIONS, BODY_LIMIT, GovernanceHandler
from jupyter_mlgov.server.handlers import ROUTES
from jupyter_mlgov.server.openapi import METHODS, operations

HTTP = ("get", "post", "put", "patch", "delete")
OPERATIONS = [(path, method, one) for path, handler in ROUTES if path != "events" for method, one in operations(handler).items()]
GUARDED = [(path, method, one.action) for path, method, one in OPERATIONS]


def test_every_method_of_every_route_is_described_and_so_guarded():
    own = {
        (path, method) for path, handler in ROUTES if issubclass(handler, GovernanceHandler) for method in HTTP if method in vars(handler)
    }
    assert own == {(path, method) for path, method, _ in GUARDED}
    assert {method for _, method in own} <= set(METHODS)
    assert {action for _, _, action in GUARDED} <= set(ACTIONS)
    assert all(action != "read" for _, method, action in GUARDED if method == "post")


class Allows:
    """An authorizer that allows these actions on `mlgov`, and everything elsewhere."""

    def __init__(self, *actions):
        self.actions = actions

    def is_authorized(self, handler, user, action, resource):
        return resource != "mlgov" or action in self.actions


@pytest.fixture
def workspace(jp_root_dir):
    from jupyter_mlgov.workspace import Workspace

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import pandas as pd\ndata = pd.read_csv('x.csv')", id="one")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, jp_root_dir / "model.ipynb")
    Workspace.create(jp_root_dir, Settings(actor="ann")).close()
    return jp_root_dir


async def asked(jp_fetch, method, path, body=None, **query):
    try:
        answer = await jp_fetch("mlgov", "api", path, params={"path": "model.ipynb", **query}, method=method.upper(), body=body)
    except HTTPClientError as error:
        answer = error.response
    return answer.code, json.loads(answer.body)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
async def test_a_right_that_is_missing_is_403_and_one_that_is_there_is_not(jp_fetch, jp_serverapp, workspace, path, method, operation):
    body = "{}" if method == "post" else None
    settings = jp_serverapp.web_app.settings
    enough = (operation.action, *operation.or_else)
    settings["authorizer"] = Allows(*(one for one in ACTIONS if one not in enough))
    code, said = await asked(jp_fetch, method, path, body, control="SR26-2.V.2")
    assert (code, set(said)) == (403, {"message", "expected", "next"})
    for action in enough:
        settings["authorizer"] = Allows(action)
        assert (await asked(jp_fetch, method, path, body, control="SR26-2.V.2"))[0] != 403


async def test_status_tells_which_rights_one_has(jp_fetch, jp_serverapp):
    jp_serverapp.web_app.settings["authorizer"] = Allows("read", "run")
    code, said = await asked(jp_fetch, "get", "status")
    assert (code, said["rights"], said["proven"]) == (200, ["read", "run"], False)


async def test_a_write_by_cookie_needs_the_xsrf_token(jp_serverapp, http_server_client, jp_base_url, jp_auth_header, workspace):
    signed_in = await http_server_client.fetch(jp_base_url + f"api/me?token={jp_serverapp.identity_provider.token}", headers={})
    jar = SimpleCookie()
    for cookie in signed_in.headers.get_list("Set-Cookie"):
        jar.load(cookie)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in jar.items())
    assert "username" in cookies
    url = jp_base_url + "mlgov/api/review?path=model.ipynb"
    with pytest.raises(HTTPClientError) as without:
        await http_server_client.fetch(url, method="POST", body="{}", headers={"Cookie": cookies})
    assert without.value.code == 403
    with pytest.raises(HTTPClientError) as forged:
        await http_server_client.fetch(url, method="POST", body="{}", headers={"Cookie": cookies, "X-XSRFToken": "2|guess|guess|1"})
    assert forged.value.code == 403
    with pytest.raises(HTTPClientError) as token:
        await http_server_client.fetch(url, method="POST", body="{}", headers=jp_auth_header)
    assert token.value.code == 400


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_big_body_is_413_with_a_sentence(jp_fetch, jp_http_port, jp_base_url, jp_auth_header, chunked):
    """The body of a declared length is never sent: a server that wanted to read it would wait for ever."""
    import asyncio

    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {BODY_LIMIT * 500}"
    lines = [f"POST {jp_base_url}mlgov/api/review?path=model.ipynb HTTP/1.1", "Host: 127.0.0.1", size]
    lines += [f"{name}: {value}" for name, value in jp_auth_header.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    if chunked:
        piece = b"x" * 65536
        for _ in range(BODY_LIMIT // len(piece) + 1):
            writer.write(b"10000\r\n" + piece + b"\r\n")
        writer.write(b"0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(4096), 60)
    writer.close()
    assert b" 413 " in answer.splitlines()[0]
    assert b"too large" in answer


class Named(IdentityProvider):
    """A provider that knows persons: who they are is in a header."""

    def get_user(self, handler):
        name = handler.request.headers.get("X-Who", "")
        return User(username=name, name=name.title()) if name else None

    def is_token_authenticated(self, handler):
        return True


async def test_a_review_is_its_signers_and_only_of_the_report_that_was_read(jp_fetch, jp_serverapp, workspace, monkeypatch):
    from jupyter_mlgov.validation.results import Report, SubjectRef
    from jupyter_mlgov.workspace import Workspace, judging

    report = Report(subject=SubjectRef(kind="model", name="model", rows=1), policies=(), results=(), requirements=())
    monkeypatch.setattr(judging, "last_report", lambda workspace, notebook: report)
    jp_serverapp.web_app.settings["identity_provider"] = Named(parent=jp_serverapp)
    said = {"verdict": "approve", "report": report.digest, "comment": "read it all", "attests_unchecked": True}

    async def give(who, **changed):
        try:
            query, body = {"path": "model.ipynb"}, json.dumps(said | changed)
            found = await jp_fetch("mlgov", "api", "review", params=query, method="POST", body=body, headers={"X-Who": who})
        except HTTPClientError as error:
            found = error.response
        return found.code, json.loads(found.body)

    assert (await give("rae", report=Digest.of_text("older")))[0] == 409
    assert (await give("rae", verdict="maybe"))[0] == 400
    code, given = await give("rae")
    assert code == 200, given
    assert given["actor"] == {"id": "rae", "source": "jupyter", "name": "Rae"}
    room = Workspace(workspace, Settings(actor="ann"))
    written = list(room.journal.entries(actions=("review.given",)))
    room.close()
    assert [entry.actor.id for entry in written] == ["rae"]
    assert written[0].payload["report"] == report.digest


async def test_a_shared_token_makes_no_second_pair_of_eyes(jp_fetch, jp_serverapp, workspace, monkeypatch):
    """Jupyter draws a new anonymous name for each browser; taken for persons, one author with two browsers could approve their own work."""
    from jupyter_mlgov.validation.results import Report, SubjectRef
    from jupyter_mlgov.workspace import judging

    report = Report(subject=SubjectRef(kind="model", name="model", rows=1), policies=(), results=(), requirements=())
    monkeypatch.setattr(judging, "last_report", lambda workspace, notebook: report)
    monkeypatch.setenv("MLGOV_ACTOR", "")
    said = json.dumps({"verdict": "approve", "report": report.digest, "comment": "read it", "attests_unchecked": False})
    actors = [(await asked(jp_fetch, "post", "review", said))[1]["actor"] for _ in range(2)]
    assert actors[0] == actors[1]
    assert actors[0]["source"] in ("git", "os", "declared")


async def test_suggestions_name_the_cell_and_why(jp_fetch, workspace):
    code, found = await asked(jp_fetch, "get", "suggestions")
    assert (code, [(one["cell"], one["kind"]) for one in found]) == (200, [("one", "data")])
    assert "read_csv" in found[0]["why"]


async def test_a_notebook_that_cannot_be_read_has_no_suggestions(jp_fetch, workspace):
    """It once was a 422, and so a console error in the browser, whenever a save was under way."""
    (workspace / "model.ipynb").write_text("{ not json")
    assert await asked(jp_fetch, "get", "suggestions") == (200, [])


async def test_the_trail_is_paged_and_verified(jp_fetch, workspace):
    code, page = await asked(jp_fetch, "get", "trail", limit="1")
    assert (code, page["entries"], [line["seq"] for line in page["lines"]]) == (200, 1, [1])
    assert (await asked(jp_fetch, "get", "trail", before="1"))[1]["lines"] == []
    assert (await asked(jp_fetch, "get", "trail", limit="-1"))[0] == 400
    code, said = await asked(jp_fetch, "get", "verify")
    assert (code, said["ok"]) == (200, True), said
    assert said["cannot_see"]

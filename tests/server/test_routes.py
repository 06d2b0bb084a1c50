"""Every route refuses who is not signed in; bad paths get a sentence, never a 500; nothing heavy is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError
from tornado.routing import PathMatches

from jupyter_mlgov._version import __version__
from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import Lineage, Step, StepState, StepStatus
from jupyter_mlgov.reports.views import NotebookView
from jupyter_mlgov.server.handlers import ROUTES
from jupyter_mlgov.server.openapi import operations
from jupyter_mlgov.server.queries import Desk

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes_of(app):
    """Every rule of the running server whose pattern lies under /mlgov/, also those that nobody wrote in ROUTES."""
    found, routers = set(), [app.wildcard_router, app.default_router]
    while routers:
        for rule in routers.pop().rules:
            if isinstance(rule.matcher, PathMatches) and "/mlgov/" in rule.matcher.regex.pattern:
                found.add(rule.matcher.regex.pattern.rstrip("$"))
            if hasattr(rule.target, "rules"):
                routers.append(rule.target)
    return sorted(found)


def test_every_registered_route_is_in_the_table(jp_serverapp):
    prefix = jp_serverapp.base_url + "mlgov/api/"
    assert routes_of(jp_serverapp.web_app) == sorted(prefix + path for path, _ in ROUTES)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}], ids=["no token", "wrong token"])
@pytest.mark.parametrize("method", METHODS)
async def test_every_route_refuses_the_unauthenticated(jp_serverapp, http_server_client, method, headers):
    routes = routes_of(jp_serverapp.web_app)
    assert routes
    for route in routes:
        body = b"{}" if method in ("POST", "PUT", "PATCH") else None
        with pytest.raises(HTTPClientError) as refusal:
            await http_server_client.fetch(route + "?path=a.ipynb", method=method, body=body, headers=headers, follow_redirects=False)
        assert refusal.value.code in (302, 403), (route, method)


async def test_status_says_version_and_user(jp_fetch):
    answer = json.loads((await jp_fetch("mlgov", "api", "status")).body)
    assert answer["version"] == __version__
    assert answer["user"]


async def asked(jp_fetch, route, path):
    """Status and body of a signed-in GET; the query is sent as written."""
    try:
        answer = await jp_fetch("mlgov", "api", route, params={"path": path} if path is not None else {})
    except HTTPClientError as error:
        answer = error.response
    return answer.code, json.loads(answer.body)


HOSTILE = [
    "", "/etc/passwd", "/a.ipynb", "../a.ipynb", "x/../../a.ipynb", "..\\a.ipynb", "C:\\a.ipynb", "\\\\host\\a.ipynb", "~/a.ipynb",
    "a\0.ipynb", "a\n.ipynb", "a.txt", "link.ipynb", "out/secret.ipynb", "x" * 5000 + ".ipynb", "a/" * 3000 + "a.ipynb",
]  # fmt: skip


@pytest.mark.parametrize("route", ["notebook", "report"])
@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: ascii(path[:20]))
async def test_a_bad_path_is_refused_with_a_sentence(jp_fetch, jp_root_dir, tmp_path_factory, route, path):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.ipynb").write_text("secret")
    (jp_root_dir / "link.ipynb").symlink_to(outside / "secret.ipynb")
    (jp_root_dir / "out").symlink_to(outside)
    code, body = await asked(jp_fetch, route, path)
    assert code == 400
    assert set(body) == {"message", "expected", "next"}
    assert all(body.values())
    assert len(body["message"]) < 300
    assert body["message"].isprintable()


async def test_no_path_at_all_is_refused_with_a_sentence(jp_fetch):
    code, body = await asked(jp_fetch, "notebook", None)
    assert (code, body["message"]) == (400, "No notebook was named.")


async def test_bytes_that_are_no_text_are_refused(http_server_client, jp_serverapp, jp_base_url, jp_auth_header):
    with pytest.raises(HTTPClientError) as refusal:
        await http_server_client.fetch(jp_base_url + "mlgov/api/notebook?path=%ff.ipynb", headers=jp_auth_header)
    assert refusal.value.code == 400
    assert set(json.loads(refusal.value.response.body)) == {"message", "expected", "next"}


async def test_a_missing_notebook_is_404_with_a_sentence(jp_fetch):
    code, body = await asked(jp_fetch, "notebook", "gone.ipynb")
    assert code == 404
    assert body["message"] == 'There is no notebook "gone.ipynb".'


@pytest.fixture
def notebook(jp_root_dir):
    folder = jp_root_dir / "sub folder"
    folder.mkdir()
    (folder / "ä b.ipynb").write_text("{}")
    return "sub folder/ä b.ipynb"


async def test_without_a_workspace_the_view_is_empty_and_says_what_to_do(jp_fetch, notebook):
    code, body = await asked(jp_fetch, "notebook", notebook)
    assert code == 200
    assert body["steps"] == []
    assert body["problem"]
    assert "%load_ext jupyter_mlgov" in body["next"]


async def test_without_a_workspace_there_is_no_report(jp_fetch, notebook):
    code, body = await asked(jp_fetch, "report", notebook)
    assert code == 404
    assert body["message"]
    assert body["next"]


async def test_without_a_workspace_there_is_no_graph(jp_fetch, notebook):
    code, body = await asked(jp_fetch, "graph", notebook)
    assert code == 404
    assert body["message"]


class Room:
    """A workspace at the seam that answers as told."""

    def __init__(self, root: Path, answer):
        self.root, self.answer, self.asked, self.closed = root, answer, [], False

    def view(self, notebook):
        self.asked.append(notebook)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def report(self, notebook):
        self.asked.append(notebook)

    def lineage(self, notebook):
        self.asked.append(notebook)
        return self.answer

    def close(self):
        self.closed = True


def seat(app, root, answer):
    room = Room(root, answer)
    app.web_app.settings["mlgov_desk"] = Desk(root=root, settings=Settings(), open=lambda start, settings: room)
    return room


async def test_the_graph_is_one_svg_of_the_notebooks_lineage(jp_fetch, jp_serverapp, jp_root_dir, notebook):
    step = StepStatus(step=Step(kind="train"), cells=("c1",), state=StepState.STALE, why="its <b>input</b> changed")
    room = seat(jp_serverapp, jp_root_dir, Lineage(notebook="n", session=None, runs=(), steps=(step,)))
    code, body = await asked(jp_fetch, "graph", notebook)
    assert (code, room.asked, room.closed) == (200, [notebook], True)
    assert body["svg"].startswith("<svg") and 'data-cell="c1"' in body["svg"] and "<b>" not in body["svg"]


async def test_the_view_of_the_notebook_is_asked_by_its_name_in_the_workspace(jp_fetch, jp_serverapp, jp_root_dir, notebook):
    steps = (StepStatus(step=Step(kind="train"), cells=("c1",), state=StepState.STALE, why="its <b>input</b> changed"),)
    room = seat(jp_serverapp, jp_root_dir, NotebookView(notebook="n", workspace="w", steps=steps))
    code, body = await asked(jp_fetch, "notebook", notebook)
    assert room.asked == [notebook]
    assert room.closed
    assert code == 200
    assert body["steps"][0]["state"] == "stale"
    assert body["steps"][0]["why"] == "its <b>input</b> changed"
    assert body["steps"][0]["step"] == {"kind": "train", "name": ""}


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (BadInput("mlgov.toml is not valid TOML.", next="Mend it."), 422),
        (UsageError("No key."), 422),
        (NotReady("Nothing ran."), 404),
        (StorageProblem("The database is locked by another kernel."), 503),
        (RuntimeError("secret detail"), 500),
    ],
)
async def test_a_problem_reaches_the_browser_as_a_sentence(jp_fetch, jp_serverapp, jp_root_dir, notebook, problem, code):
    seat(jp_serverapp, jp_root_dir, problem)
    found, body = await asked(jp_fetch, "notebook", notebook)
    assert found == code
    assert set(body) == {"message", "expected", "next"}
    assert body["message"] == (problem.what if code != 500 else "Internal Server Error")
    assert "secret" not in json.dumps(body)


async def test_no_report_yet_is_404_and_says_how_to_get_one(jp_fetch, jp_serverapp, jp_root_dir, notebook):
    seat(jp_serverapp, jp_root_dir, None)
    code, body = await asked(jp_fetch, "report", notebook)
    assert code == 404
    assert "%mlgov validate" in body["next"]


class Denies:
    """An authorizer that lets nobody read `mlgov`."""

    def is_authorized(self, handler, user, action, resource):
        return resource != "mlgov"


async def test_who_has_no_right_to_read_mlgov_is_refused(jp_fetch, jp_serverapp, notebook):
    jp_serverapp.web_app.settings["authorizer"] = Denies()
    for path, handler in ROUTES:
        if "get" in operations(handler):
            code, _ = await asked(jp_fetch, path, notebook)
            assert code == 403, path


def test_the_operators_traits_become_settings(monkeypatch):
    from jupyter_mlgov.server import GovernanceApp

    monkeypatch.setenv("MLGOV_TRACKING_URI", "http://127.0.0.1:5000")
    monkeypatch.setenv("MLGOV_ACTOR", "ann")
    app = GovernanceApp(actor="bob")
    assert app.operator_settings == Settings(tracking_uri="http://127.0.0.1:5000", actor="bob")


def test_starting_the_extension_imports_nothing_heavy():
    heavy = ("pandas", "mlflow", "sklearn", "duckdb", "ibis", "pyarrow", "sqlalchemy", "papermill", "pydantic", "scipy")
    code = f"import sys, jupyter_mlgov.server; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

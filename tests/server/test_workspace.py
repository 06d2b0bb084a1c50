"""The routes over a real workspace: a real database, a real team file, no fake between."""

import json
import threading

import nbformat
import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlgov.core.settings import Settings


@pytest.fixture
def workspace(jp_root_dir):
    from jupyter_mlgov.workspace import Workspace

    root = jp_root_dir / "project"
    root.mkdir()
    cells = [nbformat.v4.new_code_cell("a = 1", id="one", metadata={"tags": ["mlgov:data"]}), nbformat.v4.new_code_cell("b = a", id="two")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (root / "sub").mkdir()
    nbformat.write(notebook, root / "sub" / "model.ipynb")
    (root / "mlgov.toml").write_text('[model]\nname = "credit"\n')
    Workspace.create(root, Settings(actor="ann")).close()
    return root


async def view_of(jp_fetch):
    return json.loads((await jp_fetch("mlgov", "api", "notebook", params={"path": "project/sub/model.ipynb"})).body)


async def test_a_tagged_notebook_that_never_ran_is_shown_so_and_its_gate_has_reasons(jp_fetch, workspace):
    view = await view_of(jp_fetch)
    assert view["problem"] == ""
    assert view["notebook"] == "sub/model.ipynb"
    assert view["model"] == "credit"
    assert [(step["step"]["kind"], step["cells"], step["state"]) for step in view["steps"]] == [("data", ["one"], "never ran")]
    assert view["gate"] == "development → staging"
    assert view["why"]
    assert view["report"] == ""
    assert "made this workspace" in view["trail"][-1]["sentence"]


async def test_a_broken_team_file_is_said_in_the_view(jp_fetch, workspace):
    (workspace / "mlgov.toml").write_text('[model]\nnmae = "x"\n')
    view = await view_of(jp_fetch)
    assert '"nmae"' in view["problem"]
    assert view["workspace"] == "project"


async def test_a_notebook_that_is_not_json_is_said_in_the_view_and_stays_as_it_is(jp_fetch, workspace):
    path = workspace / "sub" / "model.ipynb"
    path.write_text("{ not json")
    view = await view_of(jp_fetch)
    assert view["problem"]
    assert path.read_text() == "{ not json"


async def test_a_damaged_database_is_no_500(jp_fetch, workspace):
    (workspace / ".mlgov" / "mlgov.db").write_bytes(b"this is no database" * 500)
    view = await view_of(jp_fetch)
    assert view["problem"]
    assert view["steps"] == []


async def test_half_a_file_during_a_save_is_looked_at_again(jp_fetch, workspace):
    """Jupyter writes notebooks in place; the panel once showed "not JSON" in red while a save was under way."""
    path = workspace / "sub" / "model.ipynb"
    whole = path.read_text()
    path.write_text("")
    later = threading.Timer(0.3, lambda: path.write_text(whole))
    later.start()
    view = await view_of(jp_fetch)
    later.join()
    assert view["problem"] == ""
    assert view["steps"]


async def test_what_a_control_asks_is_shown_and_an_answer_without_a_model_is_refused(jp_fetch, workspace):
    params = {"path": "project/sub/model.ipynb", "control": "SR26-2.V.2"}
    asked = json.loads((await jp_fetch("mlgov", "api", "answers", params=params)).body)
    assert [one["id"] for one in asked["questions"]] == ["data_choice", "alternatives", "judgement", "misuse", "holds"]
    assert asked["answered"] is None
    words = {one["id"]: f"What {one['id']} says, in a sentence." for one in asked["questions"]} | {"holds": "yes"}
    for body, code in (({"answers": words}, 404), ({"answers": {**words, "misuse": "todo"}}, 422), ({"answers": 3}, 400), ([], 400)):
        with pytest.raises(HTTPClientError) as refusal:
            await jp_fetch("mlgov", "api", "answers", params=params, method="POST", body=json.dumps(body))
        assert refusal.value.code == code, refusal.value.response.body

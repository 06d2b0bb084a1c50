"""The contract of export targets, which every installed one passes: whole files below the folder, with the four digests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.team import read_team
from jupyter_mlgov.lineage.facts import CellRun, Environment, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Session, Step
from jupyter_mlgov.pipelines import target as targets
from jupyter_mlgov.pipelines.export import draft, write
from jupyter_mlgov.pipelines.plan import Deployment, Plan, plan
from jupyter_mlgov.pipelines.target import Target, known_targets, target

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAME = "a folder/kreditä.ipynb"
PINNED = Deployment(
    image="registry.example.com/credit@sha256:" + "ab" * 32, base="docker.io/library/python@sha256:" + "cd" * 32, schedule="0 6 * * 1"
)
CELLS = {
    "c1": (["parameters"], "rows: int = 4  # 1..10\nname = 'x'"),
    "c2": (["mlgov:data"], "table = read(rows)"),
    "c3": (["mlgov:train"], "model = fit(table)"),
}


@pytest.fixture
def made(tmp_path: Path) -> Plan:
    root = tmp_path / "work space"
    (root / NAME).parent.mkdir(parents=True)
    cells = [nbformat.v4.new_code_cell(source, id=name, metadata={"tags": tags}) for name, (tags, source) in CELLS.items()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), root / NAME)
    (root / "mlgov.toml").write_text('[model]\nname = "credit"\n')
    (root / "requirements.lock").write_text("a==1\njupyter-mlgov==0.1.0\n")
    (root / "data").mkdir()
    (root / "data" / "a b.csv").write_text("a\n1\n")
    return plan(root, NAME, read_team(root), lineage(), PINNED)


@pytest.fixture
def portable(made: Plan) -> Plan:
    """A plan whose steps hand on values alone, which every target can carry."""
    return plan(made.root, NAME, read_team(made.root), lineage(handed_on=False), PINNED)


def lineage(*, handed_on: bool = True) -> Lineage:
    environment = Environment(python="3.11", platform="x", packages={})
    session = Session(id="s", notebook=NAME, host="papermill", started=NOW, environment=environment)
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="m", root=Digest.of_text("model")))
    runs = (
        run("c2", "data", files_read=(FileRef(path="data/a b.csv", digest=None),), files_written=(FileRef(path="made.csv", digest=None),)),
        run("c3", "train", outputs=(model,), files_read=(FileRef(path="made.csv", digest=None),) if handed_on else ()),
    )
    return Lineage(notebook=NAME, session=session, runs=runs, steps=())


def run(cell: str, kind: str, **more: object) -> CellRun:
    facts = {"id": cell, "session": "s", "notebook": NAME, "cell_id": cell, "order": 1, "started": NOW, "outcome": Outcome.OK}
    return CellRun(**{**facts, "source_digest": Digest.of_text("x"), "step": Step(kind=kind), **more})  # type: ignore[arg-type]  # built by name


def test_the_plan_knows_files_digests_and_the_stage(made: Plan) -> None:
    data, train = made.graph.steps
    assert (data.data, data.writes, train.reads, train.after) == (("data/a b.csv",), ("made.csv",), ("made.csv",), ("data",))
    assert made.digests.model == Digest.of_text("model") and made.digests.environment == Digest.of_file(made.root / "requirements.lock")
    assert (made.model, made.stage, made.lock) == ("credit", "staging", "requirements.lock")
    assert made.digests.notebook == Digest.of_file(made.root / NAME)


@pytest.mark.parametrize("name", known_targets())
def test_a_target_gives_whole_files_below_its_folder_and_writes_nothing(name: str, portable: Plan, tmp_path: Path) -> None:
    one = target(name)
    assert isinstance(one, Target) and one.name == name and one.by_step(portable) in (True, False)
    folder = portable.root / "out ü"
    before = set(tmp_path.rglob("*"))
    files = one.files(portable, folder)
    assert files and all(path.is_relative_to(folder) and isinstance(content, bytes) and content for path, content in files.items())
    assert files == one.files(portable, folder), "equal plans give equal bytes"
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", known_targets())
def test_a_target_carries_the_four_digests(name: str, portable: Plan) -> None:
    content = b"\n".join(target(name).files(portable, portable.root / "out").values()).decode()
    assert [what for what, digest in portable.digests.told().items() if digest not in content] == []


@pytest.mark.parametrize("name", known_targets())
def test_a_target_carries_no_path_of_this_machine(name: str, portable: Plan) -> None:
    content = b"\n".join(target(name).files(portable, portable.root / "out").values()).decode()
    assert str(portable.root) not in content and str(Path.home()) not in content


@pytest.mark.parametrize("name", ["kfp", "argo"])
def test_a_file_that_one_step_leaves_to_another_is_refused_where_they_share_no_folder(name: str, made: Plan) -> None:
    with pytest.raises(BadInput, match=r"Step train reads 'made.csv'.*share no such file.*in a variable"):
        target(name).files(made, made.root)


@pytest.mark.parametrize("name", ["kfp", "argo", "airflow"])
def test_a_notebook_that_cannot_be_cut_is_refused_where_the_job_runs_by_step(name: str, portable: Plan) -> None:
    document = nbformat.read(portable.root / NAME, 4)
    for place, (tag, source) in enumerate((("mlgov:data", "again = model"), ("mlgov:train", "more = again"))):
        document.cells.append(nbformat.v4.new_code_cell(source, id=f"d{place}", metadata={"tags": [tag]}))
    nbformat.write(document, portable.root / NAME)
    circle = plan(portable.root, NAME, read_team(portable.root), lineage(handed_on=False), PINNED)
    with pytest.raises(BadInput, match="in a circle"):
        target(name).files(circle, portable.root)


def test_a_team_with_one_stage_has_no_gate_to_ask_at(portable: Plan) -> None:
    with pytest.raises(UsageError, match="one stage only"):
        target("cron").files(replace(portable, stage=""), portable.root)


def test_only_what_rests_on_known_files_is_cached(portable: Plan) -> None:
    from jupyter_mlgov.pipelines.targets.job import job_of

    assert job_of(portable).cacheable
    for changed in ({"live": ("snowflake:LOANS",)}, {"outside": ("/srv/x",)}, {"recorded": False}):
        assert not job_of(replace(portable, **changed)).cacheable  # type: ignore[arg-type]  # one field by name


def test_a_notebook_that_was_edited_during_the_export_is_not_written(made: Plan) -> None:
    ready = draft(made.root, NAME, read_team(made.root), lineage(), ("papermill",), made.root)
    (made.root / NAME).write_text((made.root / NAME).read_text().replace("read(rows)", "read(rows + 1)"))
    with pytest.raises(BadInput, match="was edited while it was exported"):
        write(ready)
    assert not any(path.exists() for path in ready.paths)


def test_an_unknown_target_and_one_that_cannot_be_loaded_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    with pytest.raises(UsageError, match='Did you mean "papermill"'):
        target("papermil")
    points = {"odd": EntryPoint("odd", "nowhere.at:all", targets.GROUP), "text": EntryPoint("text", "os:sep", targets.GROUP)}
    monkeypatch.setattr(targets, "_points", lambda: points)
    with pytest.raises(NotReady, match=r"cannot be loaded: ModuleNotFoundError"):
        target("odd")
    with pytest.raises(NotReady, match="is no target called text"):
        target("text")

"""Exports that real papermill and real DVC run, or a sentence and no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
import yaml

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem, UsageError
from jupyter_mlgov.core.team import Team, read_team
from jupyter_mlgov.lineage.facts import CellRun, Environment, FileRef, Lineage, Session, Step
from jupyter_mlgov.pipelines.export import export
from jupyter_mlgov.pipelines.target import known_targets

PYTHON = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python", "version": "3.11.7"},
}
NOW = datetime(2026, 11, 23, tzinfo=UTC)
NAME = "train.ipynb"

# Stands in for `mlgov`: reads the parameters, the notebook and the data that the stage names, and writes what the stage must make.
STAND_IN = """\
#!{python}
import json, pathlib, sys, yaml
words = sys.argv[1:]
if words[0] != "run":
    with open("asked.log", "a") as log: log.write(" ".join(words) + "\\n")
    said = pathlib.Path({{"promote": "gate", "validate": "judged"}}[words[0]])
    sys.exit(int(said.read_text()) if said.exists() else 0)
value = lambda name: words[words.index(name) + 1] if name in words else None
notebook = pathlib.Path(words[1]); json.loads(notebook.read_text("utf-8"))
parameters = yaml.safe_load(open("params.yaml")) if value("--params-file") else {{}}
out = pathlib.Path(value("-o")); out.parent.mkdir(exist_ok=True)
out.write_text(notebook.read_text("utf-8") + str(__import__("time").time_ns()))  # an executed notebook tells when it ran
data = sorted(path.read_text() for path in (pathlib.Path(value("--workspace")) / "data").glob("*"))
pathlib.Path(value("--metrics")).write_text(json.dumps({{"folds": parameters.get("folds"), "data": len("".join(data))}}))
with open("calls.log", "a") as log: log.write("run\\n")
"""


def notebook(root: Path, name: str = NAME, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    sources = sources or ("folds: int = 5  # 2..20\nseed = 7\nrate = 1e-05\nname = '1e3'\npair = (1, 2)", "open('data/x.csv')")
    cells = [nbformat.v4.new_code_cell(source, id=f"c{number}") for number, source in enumerate(sources, 1)]
    for number, names in ({1: ["parameters"], 2: ["mlgov:train"]} if tags is None else tags).items():
        cells[number - 1].metadata["tags"] = names
    cells[0].outputs = [nbformat.v4.new_output("stream", text="ann@example.org")]
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=PYTHON), path)
    return path


def lineage(name: str = NAME, *, reads: tuple[str, ...] = (), writes: tuple[str, ...] = (), recorded: bool = True) -> Lineage:
    session = Session(
        id="s", notebook=name, host="papermill", started=NOW, environment=Environment(python="3.11", platform="x", packages={})
    )
    run = CellRun(
        id="r", session="s", notebook=name, cell_id="c2", order=1, started=NOW, source_digest=Digest.of_text("x"), step=Step(kind="train"),
        files_read=tuple(FileRef(path=path, digest=None) for path in reads),
        files_written=tuple(FileRef(path=path, digest=None) for path in writes),
    )  # fmt: skip
    return Lineage(notebook=name, session=session if recorded else None, runs=(run,) if recorded else (), steps=())


def everything(root: Path, name: str = NAME, *, found: Lineage | None = None, folder: Path | None = None) -> tuple[Path, ...]:
    return export(root, name, read_team(root), found or lineage(name, reads=("data/x.csv",)), ("papermill", "dvc"), folder or root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "x.csv").write_text("hej")
    (folder / "mlgov.toml").write_text('[model]\nname = "m"\n')
    (folder / "requirements.lock").write_text("a==1\n")
    return folder


def test_the_papermill_notebook_is_clean_and_keeps_its_ids(root: Path) -> None:
    notebook(root)
    path = everything(root)[0]
    assert path == root / "train.papermill.ipynb"
    found = nbformat.read(path, 4)
    nbformat.validate(found)
    assert [cell.id for cell in found.cells] == ["c1", "c2", "gate"]
    assert found.cells[-1].source.endswith("%mlgov validate\n%mlgov promote staging --or-stop")
    assert all(cell.outputs == [] and cell.execution_count is None for cell in found.cells)
    assert "ann@example.org" not in path.read_text()
    assert found.metadata.kernelspec.name == "python3"
    assert found.metadata.mlgov.parameters == ["folds", "seed", "rate", "name", "pair"]
    assert found.metadata.mlgov.team == read_team(root).digest


def test_a_notebook_without_a_parameters_cell_gets_one(root: Path) -> None:
    notebook(root, NAME, "x = 1", tags={1: ["mlgov:train"]})
    found = nbformat.read(everything(root)[0], 4)
    assert found.cells[0].metadata.tags == ["parameters"]
    assert not (root / "params.yaml").exists()
    assert "params" not in yaml.safe_load((root / "dvc.yaml").read_text())["stages"]["run"]


def test_the_stage_names_all_that_the_result_rests_on(root: Path) -> None:
    notebook(root)
    found = lineage(reads=("data/x.csv", "made.csv", NAME, ".mlgov/x"), writes=("made.csv",))
    everything(root, found=found)
    assert yaml.safe_load((root / "dvc.yaml").read_text()) == {
        "stages": {
            "run": {
                "cmd": "mlgov run train.ipynb -o runs/train.ipynb --params-file params.yaml --metrics metrics.json --workspace .",
                "deps": ["train.ipynb", "data/x.csv", "mlgov.toml", "requirements.lock"],
                "params": ["folds", "seed", "rate", "name"],
                "outs": [{"runs/train.ipynb": {"cache": False}}],
                "metrics": [{"metrics.json": {"cache": False}}],
            },
            "gate": {
                "cmd": "sh -c 'judged=0; mlgov validate --notebook train.ipynb --workspace . || judged=$?; "
                "mlgov promote staging --notebook train.ipynb --workspace . && exit $judged'",
                "deps": ["runs/train.ipynb", "mlgov.toml", "requirements.lock"],
            },
        }
    }


def test_params_read_alike_by_old_and_new_yaml_and_leave_out_what_yaml_cannot_hold(root: Path) -> None:
    from ruamel.yaml import YAML

    notebook(root)
    everything(root)
    text = (root / "params.yaml").read_text()
    expected = {"folds": 5, "seed": 7, "rate": 1e-05, "name": "1e3"}
    assert yaml.safe_load(text) == YAML(typ="safe").load(text) == expected
    assert "pair" in text.splitlines()[1]


def test_equal_input_gives_equal_bytes(root: Path, tmp_path: Path) -> None:
    notebook(root)
    first = {path.name: path.read_bytes() for path in everything(root)}
    again = {path.name: path.read_bytes() for path in everything(root)}
    assert first == again
    assert set(first) == {"train.papermill.ipynb", "dvc.yaml", "params.yaml"}


@pytest.mark.parametrize(
    ("found", "reason"),
    [(lineage(recorded=False), "no run is recorded yet"), (lineage(reads=("/etc/passwd",)), "files outside the workspace.*/etc/passwd")],
)
def test_a_stage_whose_files_are_not_known_always_runs(root: Path, found: Lineage, reason: str) -> None:
    import re

    notebook(root)
    everything(root, found=found)
    text = (root / "dvc.yaml").read_text()
    assert yaml.safe_load(text)["stages"]["run"]["always_changed"] is True
    assert re.search(reason, text)


@pytest.mark.parametrize(
    ("sources", "tags", "sentence"),
    [
        (("x = 1",), {}, "no tagged steps.*mlgov tag train.ipynb CELL train"),
        (("x = 1", "2", "x = 2"), {1: ["parameters"], 2: ["mlgov:data"], 3: ["parameters"]}, r"2 cells tagged `parameters`: \[1\], \[3\]"),
        (("x = 1",), {1: ["mlgov:trian"]}, r"[cC]ell \[1\].*mlgov:trian"),
        (("x = = 1", "2"), {1: ["parameters"], 2: ["mlgov:data"]}, "not valid Python"),
    ],
)
def test_what_is_no_pipeline_is_refused_and_nothing_is_written(
    root: Path, sources: tuple[str, ...], tags: dict[int, list[str]], sentence: str
) -> None:
    notebook(root, NAME, *sources, tags=tags)
    before = sorted(root.rglob("*"))
    with pytest.raises(BadInput, match=sentence):
        everything(root)
    assert sorted(root.rglob("*")) == before


def test_an_unknown_target_is_refused_with_the_nearest(root: Path) -> None:
    notebook(root)
    with pytest.raises(UsageError, match=r'No target "papermil". Did you mean "papermill"[?] Known: .*dvc'):
        export(root, NAME, Team(), lineage(), ("dvc", "papermil"), root)
    assert not (root / "dvc.yaml").exists()
    assert {"papermill", "dvc"} <= set(known_targets())


def test_a_folder_that_cannot_be_written_is_said(root: Path) -> None:
    notebook(root)
    (root / "file").write_text("")
    with pytest.raises(StorageProblem, match=r"cannot be written.*--output"):
        everything(root, folder=root / "file" / "sub")


def test_dvc_outside_the_workspace_is_refused(root: Path, tmp_path: Path) -> None:
    notebook(root)
    with pytest.raises(UsageError, match="outside the workspace"):
        everything(root, folder=tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml", "train.papermill.ipynb"])
def test_a_file_of_somebody_else_is_never_overwritten(root: Path, name: str) -> None:
    notebook(root)
    (root / name).write_text("{}")
    with pytest.raises(BadInput, match=name):
        everything(root)
    assert (root / name).read_text() == "{}"
    assert {path.name for path in root.iterdir() if path.is_file()} == {name, NAME, "mlgov.toml", "requirements.lock"}


def test_an_edited_export_stays_and_set_values_are_kept(root: Path) -> None:
    notebook(root)
    everything(root)
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("folds: 5", "folds: 9"))
    everything(root)
    assert yaml.safe_load(params.read_text())["folds"] == 9
    pipeline = root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace("runs/", "mine/"))
    with pytest.raises(BadInput, match="changed by hand"):
        everything(root)
    assert "mine/" in pipeline.read_text()


def test_two_notebooks_have_two_pipelines(root: Path) -> None:
    (root / "by_sex").mkdir()
    (root / "by_sex" / "mlgov.toml").write_text('[model]\nname = "other"\n')
    notebook(root)
    notebook(root, f"by_sex/{NAME}")
    everything(root)
    everything(root, f"by_sex/{NAME}")
    stage = yaml.safe_load((root / "by_sex" / "dvc.yaml").read_text())["stages"]["run"]
    assert stage["cmd"].endswith("--workspace ..")
    assert stage["deps"] == ["train.ipynb", "../data/x.csv", "mlgov.toml", "../requirements.lock"]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH on which `mlgov` is the stand-in: these tests are about dvc.yaml, the journeys run the real command."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "mlgov").write_text(STAND_IN.format(python=sys.executable))
    (bin_folder / "mlgov").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")


def dvc(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("name", [NAME, "sub/-we ird ${folds} 'ü' $(touch x).ipynb"])
def test_dvc_repro_runs_it_once_and_again_when_something_changed(root: Path, name: str) -> None:
    path = notebook(root, name)
    everything(root, name)
    dvc(root, "init", "--no-scm", "-q")
    place = path.parent

    def calls() -> int:
        dvc(place, "repro")
        return len((place / "calls.log").read_text().splitlines())

    assert calls() == 1
    assert json.loads((place / "metrics.json").read_text()) == {"folds": 5, "data": 3}
    assert calls() == 1
    (root / "data" / "x.csv").write_text("changed")
    assert calls() == 2
    (place / "params.yaml").write_text((place / "params.yaml").read_text().replace("folds: 5", "folds: 9"))
    assert calls() == 3
    assert json.loads((place / "metrics.json").read_text()) == {"folds": 9, "data": 7}
    (root / "mlgov.toml").write_text('[model]\nname = "other"\n')
    assert calls() == 4
    assert not list(root.rglob("x"))
    asked = (place / "asked.log").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["validate", "promote"] * 4, "each run is judged, and asks for the stage"


@pytest.mark.slow
@pytest.mark.usefixtures("shell")
def test_dvc_repro_fails_while_the_gate_stays_shut_and_asks_again_without_a_second_run(root: Path) -> None:
    notebook(root)
    everything(root)
    dvc(root, "init", "--no-scm", "-q")
    (root / "gate").write_text("1")
    words = [sys.executable, "-m", "dvc", "repro"]
    shut = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert shut.returncode != 0 and "gate" in shut.stderr
    (root / "gate").write_text("0")
    (root / "judged").write_text("1")
    (root / "asked.log").unlink()
    blocked = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert blocked.returncode != 0, "a verdict that blocks fails the stage"
    assert [line.split()[0] for line in (root / "asked.log").read_text().splitlines()] == ["validate", "promote"], "and the gate is asked"
    (root / "judged").unlink()
    dvc(root, "repro")
    assert (root / "calls.log").read_text() == "run\n"


@pytest.mark.slow
@pytest.mark.usefixtures("shell")
def test_dvc_always_runs_a_stage_whose_files_are_not_known(root: Path) -> None:
    notebook(root)
    everything(root, found=lineage(recorded=False))
    dvc(root, "init", "--no-scm", "-q")
    for _ in range(2):
        dvc(root, "repro")
    assert (root / "calls.log").read_text() == "run\nrun\n"

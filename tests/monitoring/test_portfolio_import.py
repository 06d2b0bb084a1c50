"""Imports: all of it or nothing, every wrong place named, the other registry untouched, each entry an act that later edits stand beside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import BadInput, MlgovError, SystemUnreachable, UsageError
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.monitoring.portfolio.importing import read_csv
from jupyter_mlgov.monitoring.portfolio.inventory import DECLARABLE, FIELDS
from jupyter_mlgov.reports.portfolio.table import csv_text
from jupyter_mlgov.testing import BEN
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.inventory import declare, import_csv, import_mlflow
from jupyter_mlgov.workspace.portfolio import point, portfolio
from tests.monitoring.histories import demand, validated


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    found = Workspace.create(tmp_path / "house", Settings(actor="ann"))
    yield found
    found.close()


def inventory(workspace: Workspace) -> dict[str, dict[str, tuple[str, str]]]:
    found = portfolio(point(workspace), workspace, inventory=True).inventory
    return {one.model: {value.field: (value.text, value.how) for value in one.values} for one in found}


def file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "models.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def size(workspace: Workspace) -> int:
    return workspace.database.head()[0]


def test_a_csv_becomes_audited_entries_that_are_marked_as_declared(workspace: Workspace, tmp_path: Path) -> None:
    done = import_csv(workspace, file(tmp_path, "model,owner,tier,purpose\nfraud,ana@firm.example,2,scores cards\nchurn,,,\n"))
    assert (done.models, done.unchanged) == (1, 1)
    row = inventory(workspace)["fraud"]
    assert row["owner"] == ("ana@firm.example", "declared")
    assert row["tier"] == ("2", "declared")
    assert row["exposure"] == ("", "unknown")
    whole, entry = workspace.personal.entries(actions=("inventory.imported", "inventory.declared"))
    assert str(whole) == "ann (declared, not proven) imported 1 models into the inventory from csv"
    assert (entry.subject, entry.payload["version"], entry.payload["source"]) == ("fraud", 1, "csv")


def test_a_second_import_of_the_same_writes_nothing_and_an_edit_stands_beside_the_first(workspace: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, "model,owner,purpose\nfraud,ana,scores cards\n")
    import_csv(workspace, path)
    before = size(workspace)
    assert import_csv(workspace, path).unchanged == 1
    assert size(workspace) == before
    declare(workspace, "fraud", {"owner": "ben", "purpose": ""})
    row = inventory(workspace)["fraud"]
    assert (row["owner"], row["purpose"]) == (("ben", "declared"), ("", "unknown"))
    told = [entry.payload for entry in workspace.personal.entries(actions=("inventory.declared",))]
    assert [(one["version"], one["names"]) for one in told] == [(1, ["owner", "purpose"]), (2, ["owner", "purpose"])]


def test_people_are_sealed_and_an_erased_owner_is_a_pseudonym_everywhere(workspace: Workspace, tmp_path: Path) -> None:
    import_csv(workspace, file(tmp_path, "model,owner\nfraud,ana@firm.example\n"))
    point(workspace)
    with closing(sqlite3.connect(workspace.root / ".mlgov" / "mlgov.db")) as link:
        dump = "\n".join(link.iterdump())
    assert "ana@firm.example" not in dump
    pseudonym = next(one.pseudonym for one in workspace.people.everybody() if one.id == "ana@firm.example")
    workspace.people.erase([pseudonym])
    assert inventory(workspace)["fraud"]["owner"] == (pseudonym, "declared")


WRONG = """model,owner,tier,materiality,next_validation
a,x,7,,
b,x,1,grave,
,x,1,,
b,x,1,high,tomorrow
c,x,1
"""


def test_every_wrong_place_is_named_by_row_and_column_and_nothing_is_imported(workspace: Workspace, tmp_path: Path) -> None:
    before = size(workspace)
    with pytest.raises(BadInput) as problem:
        import_csv(workspace, file(tmp_path, WRONG))
    said = str(problem.value)
    for place in (
        "row 2, column tier: '7'",
        "row 3, column materiality: 'grave'",
        "row 4, column model",
        "row 5, column model: b stands in row 3 already",
        "row 5, column next_validation: 'tomorrow'",
        "row 6 has 3 cells, the header 5",
        "Nothing was imported",
    ):
        assert place in said
    assert size(workspace) == before


@pytest.mark.parametrize(
    "content",
    [
        "model;owner\r\nfraud;ana, the first\r\n",
        '\ufeffmodel,owner\nfraud,"ana, the first"\n',
        "Model\tOwner\nfraud\tana, the first\n",
        "model;owner\nfraud;ana, the first\n".encode("utf-16"),
        'model,owner,stage,owner_from\nfraud,"ana, the first",production,declared\n\n',
    ],
)
def test_marks_semicolons_tabs_and_utf_16_read_alike(content: str | bytes) -> None:
    read = read_csv(content if isinstance(content, bytes) else content.encode(), "m.csv")
    assert [(one.model, dict(one.fields)) for one in read.declarations] == [("fraud", {"owner": "ana, the first"})]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"model,ovner\nfraud,x\n", 'Did you mean "owner"?'),
        (b"owner\nx\n", "no column `model`"),
        (b"model,owner,owner\nx,y,z\n", "the column owner twice"),
        (b"model,owner\nx,\xff\n", "is not UTF-8"),
        (b'model,owner\n"x,y\n', "is no CSV"),
        ("model\nx\u202ey\n".encode(), "printable"),
    ],
)
def test_what_is_no_inventory_is_refused_with_what_is_wrong(content: bytes, said: str) -> None:
    with pytest.raises(MlgovError, match=said.replace("?", r"\?")):
        read_csv(content, "m.csv")


@given(st.binary(max_size=200))
def test_no_bytes_are_a_traceback(content: bytes) -> None:
    with suppress(MlgovError):
        read_csv(b"model,owner\n" + content, "m.csv")


def test_an_export_read_back_changes_nothing_and_runs_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """Formulas come back as they were declared; what the trail and the team file say is not turned into somebody's word."""
    workspace.personal.append([validated("fraud", "r", [demand("A", "v", "pass")], inventory={"exposure": "1 m"})], actor=BEN)
    declare(workspace, "fraud", {"purpose": "=1+1", "owner": "ana"})
    found = portfolio(point(workspace), workspace, inventory=True).inventory
    exported = csv_text(found)
    assert "'=1+1" in exported
    done = import_csv(workspace, file(tmp_path, exported))
    assert (done.models, done.unchanged) == (0, 1)
    assert "stage" in done.notes[0]


def test_a_declared_value_that_the_team_file_contradicts_is_shown_beside_it(workspace: Workspace) -> None:
    workspace.personal.append([validated("fraud", "r", [demand("A", "v", "pass")], tier=1, inventory={"materiality": "high"})], actor=BEN)
    declare(workspace, "fraud", {"tier": "3", "materiality": "HIGH"})
    (entry,) = portfolio(point(workspace), workspace, inventory=True).inventory
    values = {value.field: value for value in entry.values}
    assert (values["tier"].text, values["tier"].how, values["tier"].conflict) == ("1", "team file", "3")
    assert values["materiality"].conflict == ""
    assert entry.tier == 1


def test_unknown_fields_and_an_empty_word_are_refused(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match='Did you mean "owner"'):
        declare(workspace, "fraud", {"ownr": "x"})
    with pytest.raises(UsageError, match="Declare what"):
        declare(workspace, "fraud", {})
    assert set(DECLARABLE) < {field.id for field in FIELDS}


# -- MLflow -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real registry with three models, one of them with a version and an alias."""
    from jupyter_mlgov.integrations.mlflow.connection import connected

    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with connected(uri) as client:
        client.create_registered_model("fraud", tags={"owner": "ana", "tier": "gold", "team": "cards"}, description="scores cards")
        client.create_registered_model("churn", tags={"tier": "2"})
        client.create_registered_model("=evil", description="<script>")
        client.create_model_version("fraud", source=str(folder))
        client.set_registered_model_alias("fraud", "champion", "1")
    return uri


def test_an_mlflow_registry_is_taken_over_and_not_touched(workspace: Workspace, registry: str) -> None:
    path = Path(registry.removeprefix("sqlite:///"))
    before = path.read_bytes()
    done = import_mlflow(workspace, registry)
    assert path.read_bytes() == before
    assert (done.models, done.notes) == (3, ("fraud, tag tier: 'gold' is neither 1, 2 nor 3; not taken.",))
    found = inventory(workspace)
    assert found["fraud"]["owner"] == ("ana", "declared")
    assert found["fraud"]["description"] == ("scores cards", "declared")
    assert found["fraud"]["status"] == ("newest version 1; aliases: champion = version 1", "declared")
    assert found["fraud"]["origin"][0].startswith("MLflow registry sqlite:///")
    assert (found["fraud"]["stage"], found["fraud"]["version"]) == (("", "unknown"), ("", "unknown"))
    assert found["churn"]["tier"] == ("2", "declared")
    assert import_mlflow(workspace, registry).unchanged == 3


def test_a_registry_that_is_not_there_is_not_made(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SystemUnreachable):
        import_mlflow(workspace, f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


def test_the_shell_imports_declares_and_a_dry_run_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, "model,owner\nfraud,ana\n")
    before = size(workspace)
    root = str(workspace.root)

    def run(*words: str) -> Any:
        return CliRunner().invoke(mlgov, ["portfolio", *words, "--workspace", root])

    assert "1 models would be declared" in run("import", "--csv", str(path), "--dry-run").output
    assert size(workspace) == before
    assert "1 models declared, 0 unchanged" in run("import", "--csv", str(path)).output
    assert "1 models declared" in run("declare", "fraud", "purpose=a=b").output
    assert inventory(workspace)["fraud"]["purpose"] == ("a=b", "declared")
    for words in (("import",), ("import", "--csv", str(path), "--mlflow", "x"), ("declare", "fraud", "purpose")):
        assert isinstance(run(*words).exception, UsageError)

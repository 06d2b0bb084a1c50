"""Proposed steps: the kind with its reason, unsure where two fit, nothing where a cell is no step; Kale's tags as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.lineage.facts import Step
from jupyter_mlgov.lineage.kale import KaleCell, kale_cell
from jupyter_mlgov.lineage.suggest import suggest
from jupyter_mlgov.lineage.tags import step_of

NOTEBOOK = [
    ("import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\nfrom sklearn.preprocessing import StandardScaler", ""),
    ("FOLDS = 3\nLIMIT = 0.8", ""),
    ("loans = pd.read_csv('loans.csv')", "data"),
    ("def clip(x):\n    return min(x, LIMIT)", ""),
    ("loans['ratio'] = loans['debt'] / loans['income']", "features"),
    ("scaler = StandardScaler()\nX = scaler.fit(loans).transform(loans)", "features"),
    ("model = LogisticRegression()\nmodel.fit(X, y)", "train"),
    ("from sklearn.metrics import roc_auc_score\nauc = roc_auc_score(y, model.predict_proba(X)[:, 1])", "evaluate"),
    ("import joblib\njoblib.dump(model, 'm.pkl')", "register"),
    ("import matplotlib.pyplot as plt\nplt.plot(X)\nplt.show()", "report"),
    ("%%sql\nselect 1", "data"),
    ("b = = 2", ""),
    ("", ""),
]


def test_each_kind_is_known_by_what_the_cell_does() -> None:
    found = suggest([(f"c{n}", source, ()) for n, (source, _) in enumerate(NOTEBOOK)])
    assert [one.kind for one in found] == [kind for _, kind in NOTEBOOK]
    assert all(one.why for one in found)
    assert found[6].why == "it fits `model`, a `LogisticRegression`"


def test_what_fits_two_kinds_is_unsure_and_names_both() -> None:
    (found,) = suggest([("c", "df = pd.read_csv('a.csv')\nmodel.fit(df, y)\nprint(accuracy_score(y, model.predict(df)))", ())])
    assert (found.kind, found.others, found.is_sure) == ("train", ("evaluate", "data"), False)
    assert "but it also" in found.why


def test_cells_that_are_steps_already_are_left_alone() -> None:
    assert suggest([("a", "pd.read_csv('a')", ("mlgov:data",)), ("b", "x = 1", ("step:load_data",))]) == ()


@pytest.mark.parametrize(
    ("tags", "step"),
    [
        (["step:load_data"], Step(kind="data", name="load_data")),
        (["block:data_processing", "prev:load_data"], Step(kind="features", name="data_processing")),
        (["step:randomforest", "prev:featureengineering"], Step(kind="train", name="randomforest")),
        (["step:results"], Step(kind="evaluate", name="results")),
        (["pipeline-metrics"], Step(kind="evaluate", name="pipeline-metrics")),
        (["step:one"], None),
        (["imports"], None),
        (["functions"], None),
        (["pipeline-parameters"], None),
        (["skip"], None),
        (["step:train", "mlgov:data"], Step(kind="data")),
        (["step:"], None),
        (["step:<script>"], None),
    ],
)
def test_kale_tags_are_read_as_they_are(tags: list[str], step: Step | None) -> None:
    assert step_of(tags) == step


def test_kale_says_what_comes_before() -> None:
    assert kale_cell(["step:train", "prev:a", "prev:b"]) == KaleCell(step="train", before=("a", "b"))
    assert kale_cell(["parameters", "x"]) is None


def asked(*words: object) -> Result:
    return CliRunner().invoke(mlgov, ["suggest", *map(str, words)])


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [("# Title", "markdown"), ("df = pd.read_csv('a.csv')", "code"), ("model.fit(df, y)\nauc = roc_auc_score(y, p)", "code")]
    raw = [
        {"cell_type": kind, "id": f"c{n}", "metadata": {"collapsed": True, "tags": ["keep"]}, "source": text}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for n, (text, kind) in enumerate(cells)
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": raw, "metadata": {"mine": 1}, "nbformat": 4, "nbformat_minor": 5}, indent=1), "utf-8")
    return path


def test_the_shell_writes_what_is_sure_and_nothing_else(notebook: Path) -> None:
    before = json.loads(notebook.read_text("utf-8"))
    told = json.loads(asked(notebook, "--format", "json").stdout)
    assert [(one["index"], one["kind"], one["sure"]) for one in told] == [(2, "data", True), (3, "train", False)]
    done = asked(notebook, "--accept", "all")
    assert "Wrote 1 tags" in done.stdout and "open in JupyterLab?" in done.stdout
    after = json.loads(notebook.read_text("utf-8"))
    before["cells"][1]["metadata"]["tags"] = ["keep", "mlgov:data"]
    assert after == before


def test_an_unsure_cell_is_not_accepted(notebook: Path) -> None:
    done = asked(notebook, "--accept", "3")
    assert isinstance(done.exception, UsageError) and "unsure" in str(done.exception)
    assert "unsure: it fits `model`; but it also calls `roc_auc_score`" in " ".join(asked(notebook).stdout.split())

"""One run over all models: each by its own window, false discovery held over them, and one that cannot be looked at stops no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.workspace.monitoring import look, look_all
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, Gated
from tests.workspace.watched import TEAM, alarms, house, rows, window

pytestmark = pytest.mark.usefixtures("checks_here")
OPEN = """
[monitoring]
false_discovery = 0.05
[monitoring.drift]
frequency = "daily"
[policy.parameters."monitor.drift"]
"""


def several(folder: Path, *models: str, team: str = TEAM + OPEN, reference: pa.Table | None = None) -> Gated:
    """The same version under several names, so that one workspace has many models in production."""
    made = house(folder, team, reference)
    for model in models:
        told = {"key": "run:s1:k", "kind": "run", "target": "mlflow", "model": model, "version": "1"}
        let_in = decided("1", model=model)
        made.record(
            Draft(action="projection.delivered", subject=model, payload=told),
            Draft(action=let_in.action, subject=model, payload={**let_in.payload, "notebook": NOTEBOOK}),
        )
    return made


def test_what_was_planted_in_one_is_found_and_the_others_are_good(tmp_path: Path) -> None:
    made = several(tmp_path, "fraud", "churn")
    windows = {
        name: window(made, name, seed=seed, shift=shift) for name, seed, shift in (("credit", 2, 0.0), ("fraud", 3, 1.0), ("churn", 4, 0.0))
    }
    looks = look_all(made, windows)
    assert {tick.model: tick.verdict for tick in looks.ticks} == {"credit": Verdict.PASS, "fraud": Verdict.FAIL, "churn": Verdict.PASS}
    assert looks.verdict is Verdict.FAIL
    assert made.why("production", NOTEBOOK).answer.value != "granted"


def test_one_that_cannot_be_looked_at_is_named_and_is_no_health(tmp_path: Path) -> None:
    made = several(tmp_path, "fraud")
    looks = look_all(made, {"credit": window(made), "fraud": tmp_path / "none.parquet", "nobody": window(made, "w2", seed=3)})
    assert [tick.model for tick in looks.ticks] == ["credit"]
    assert set(looks.problems) == {"fraud", "nobody"}
    assert looks.verdict is Verdict.INCONCLUSIVE


def few(seed: int, n: int = 110) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n)
    approve = (x > 0).astype(int)
    return pa.table({"x": x, "sex": rng.integers(0, 2, n), "score": 1 / (1 + np.exp(-x)), "approve": approve, "good": approve})


def test_a_finding_that_chance_brings_among_many_is_held_and_opens_and_shuts_nothing(tmp_path: Path) -> None:
    """With loose limits a small window looks drifted alone; over many models it is what chance brings, and it is not called good either."""
    loose = OPEN + "warn = 0.05\nfail = 0.12\nalpha = 0.9\nq = 1.0\n"
    names = [f"m{number}" for number in range(6)]
    made = several(tmp_path, *names, team=TEAM + loose, reference=few(1))
    alone = look(made, "credit", _kept(tmp_path, "alone", few(20)))
    assert "drift" in alone.found
    looks = look_all(made, {name: _kept(tmp_path, name, few(30 + place)) for place, name in enumerate(names)})
    held = [tick for tick in looks.ticks if tick.held]
    assert held
    assert all("no more than chance brings among 6 families" in tick.held["drift"] for tick in held)
    assert all(tick.verdict is Verdict.INCONCLUSIVE and "drift" in tick.measured for tick in held)
    assert {alarm["kind"] for alarm in alarms(made)} == {"monitor drift"}, "the one looked at alone"
    assert [entry.subject for entry in made.journal.entries(actions=("evidence.refuted",))] == ["credit"]
    told = [entry.payload for entry in made.journal.entries(actions=("monitor.ran",)) if entry.payload["held"]]
    assert len(told) == len(held), "what was held is on record"


def _kept(folder: Path, name: str, table: pa.Table) -> Path:
    pq.write_table(table, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


@pytest.mark.parametrize("rate", ["0", "0.9", "true", '"low"'])
def test_a_rate_nobody_can_hold_is_a_sentence(tmp_path: Path, rate: str) -> None:
    made = several(tmp_path, team=TEAM + OPEN.replace("0.05", rate))
    with pytest.raises(BadInput, match="false_discovery"):
        look_all(made, {"credit": window(made)})


def test_the_shell_takes_a_folder_of_windows(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from jupyter_mlgov.cli.monitor import monitor

    made = several(tmp_path, "fraud")
    folder = tmp_path / "windows"
    folder.mkdir()
    pq.write_table(rows(3, shift=1.0), folder / "fraud.parquet")
    pq.write_table(rows(2), folder / "credit.parquet")
    shell, where = CliRunner(), ["--workspace", str(made.root)]
    told = shell.invoke(monitor, ["run", "--all", str(folder), *where])
    assert (told.exit_code, "fraud version 1, window fraud" in told.output) == (1, True), told.output
    assert "credit version 1, window credit (4,000 rows" in told.output
    (folder / "credit.csv").write_text("x\n1\n", "utf-8")
    told = shell.invoke(monitor, ["run", "--all", str(folder), *where])
    assert (told.exit_code, "both a window of credit" in told.output) == (2, True), told.output
    for words in (["run"], ["run", "credit"], ["run", "credit", "--log", "--window", "x"], ["run", "credit", "--all", str(folder)]):
        assert shell.invoke(monitor, [*words, *where]).exit_code == 2, words
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no window" in shell.invoke(monitor, ["run", "--all", str(empty), *where]).output

"""The log of predictions as a window: only what the version answered, with the outcomes that came in, and what is odd about them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.rollout.serving.inputs import Rows
from jupyter_mlgov.rollout.serving.records import Prediction, Privacy, Served, parquet_sink, table_of
from jupyter_mlgov.workspace.labels import add_labels
from jupyter_mlgov.workspace.monitoring import look
from jupyter_mlgov.workspace.prediction_windows import logged_window
from jupyter_mlgov.workspace.serving import predictions_folder
from jupyter_mlgov.workspace.watched import running
from tests.workspace.gated import Gated
from tests.workspace.watched import TEAM, house

pytestmark = pytest.mark.usefixtures("checks_here")
N = 1500
PRIVACY = Privacy(key=b"k" * 32, groups=("sex",))
PLAN = """
[monitoring.drift]
[monitoring.performance]
[monitoring.fairness]
[monitoring.quality]
[monitoring.disagreement]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Gated:
    return house(tmp_path, TEAM.replace('score = "score"', 'score = "score"\ncutoff = 0.5') + PLAN)


def served(
    workspace: Gated, *, version: str = "1", arm: Served = "champion", n: int = N, seed: int = 5, start: int = 0, lift: float = 0.0
) -> None:
    """`n` answered requests, a minute apart up to now; `lift` moves the score of this arm."""
    rng = np.random.default_rng(seed)
    batch = []
    for number in range(n):
        x, sex = float(rng.normal()), int(rng.integers(0, 2))
        score = min(1.0, 1 / (1 + np.exp(-x)) + lift)
        rows = Rows(n=1, columns={"x": np.array([x])}, also={"sex": (str(sex),)}, missing=(False,))
        moment = workspace.clock.now() - timedelta(minutes=n - number)
        adverse = (bool(score <= 0.4),)
        batch.append(
            Prediction(
                moment=moment,
                request=f"r{start + number}",
                version=version,
                arm=arm,
                seconds=0.001,
                rows=rows,
                scores=(score,),
                adverse=adverse,
            )
        )
    parquet_sink(predictions_folder(workspace.root, "credit"), workspace.clock)(table_of(batch, PRIVACY))


def labelled(workspace: Gated, lines: list[str], name: str = "labels") -> None:
    path = workspace.root / f"{name}.csv"
    path.write_text("request,label\n" + "\n".join(lines) + "\n", "utf-8")
    add_labels(workspace, "credit", path)


def outcomes(seed: int = 6) -> list[str]:
    """An outcome for every request, with the chance that the score says."""
    scores = np.random.default_rng(5)
    rng = np.random.default_rng(seed)
    found = []
    for number in range(N):
        x = float(scores.normal())
        scores.integers(0, 2)
        found.append(f"r{number},{int(rng.random() < 1 / (1 + np.exp(-x)))}")
    return found


def test_what_was_served_is_judged_with_the_labels_that_came_in(workspace: Gated) -> None:
    served(workspace)
    labelled(workspace, outcomes())
    window = logged_window(workspace, running(workspace, "credit"))
    assert set(window.source.column_names) >= {"x", "sex", "score", "approve", "good"}  # type: ignore[attr-defined]  # an Arrow table
    tick = look(workspace, "credit", window)
    assert {"drift", "performance", "fairness"} <= set(tick.measured), (dict(tick.unmeasured), tick.acts)
    assert tick.found == {}
    assert "No score stands beside" in tick.unmeasured["disagreement"]


def test_a_shadows_scores_stand_beside_and_are_held_against_the_champions(workspace: Gated) -> None:
    served(workspace)
    served(workspace, version="2", arm="shadow", lift=0.3)
    team = workspace.root / "mlgov.toml"
    team.write_text(team.read_text("utf-8").replace("[policy]", 'champion = "challenger_score"\n[policy]'), "utf-8")
    again = Gated(workspace.root, workspace.settings, clock=workspace.clock)
    window = logged_window(again, running(again, "credit"))
    assert window.notes == (f"{N:,} rows were answered by another version or arm and are not judged.",)
    tick = look(again, "credit", window)
    assert "disagreement" in tick.found
    assert "challenger_score would have decided" in tick.found["disagreement"][0].summary


def test_stray_and_contradicting_labels_are_counted_and_the_later_one_counts(workspace: Gated) -> None:
    served(workspace, n=60)
    labelled(workspace, ["r0,1", "r1,0", "nobody,1", "nobody2,0"])
    labelled(workspace, ["r0,0", "r1,0"], "later")
    window = logged_window(workspace, running(workspace, "credit"))
    assert window.notes == (
        "2 labels are about requests that the log does not know; they count nowhere.",
        "1 requests have two different labels; the later one counts.",
    )
    table = window.source
    assert table.column("good").to_pylist()[:3] == [0, 0, None]  # type: ignore[attr-defined]  # an Arrow table


def test_since_and_until_cut_the_log_and_an_empty_piece_is_no_health(workspace: Gated) -> None:
    served(workspace, n=60)
    now, moment = running(workspace, "credit"), workspace.clock.now()
    window = logged_window(workspace, now, since=moment - timedelta(minutes=30), until=moment - timedelta(minutes=10))
    assert window.source.num_rows == 20  # type: ignore[attr-defined]  # an Arrow table
    with pytest.raises(BadInput, match="answered nothing in the log"):
        logged_window(workspace, now, since=moment + timedelta(days=1))


def test_nothing_served_is_a_sentence(workspace: Gated) -> None:
    with pytest.raises(BadInput, match="Nothing was ever predicted"):
        logged_window(workspace, running(workspace, "credit"))


def test_requests_that_failed_are_left_out_and_counted(workspace: Gated) -> None:
    served(workspace, n=60)
    rows = Rows(n=1, columns={"x": np.array([0.0])}, also={"sex": ("0",)}, missing=(False,))
    gone = Prediction(
        moment=workspace.clock.now(), request="f1", version="1", arm="champion", seconds=1.0, rows=rows, scores=None, problem="deadline"
    )
    parquet_sink(predictions_folder(workspace.root, "credit"), workspace.clock)(table_of([gone], PRIVACY))
    window = logged_window(workspace, running(workspace, "credit"))
    assert window.notes == ("1 of 61 rows were not answered with a score and are left out.",)


def test_the_shell_looks_at_the_log(workspace: Gated) -> None:
    from click.testing import CliRunner

    from jupyter_mlgov.cli.monitor import monitor

    served(workspace)
    words = ["run", "credit", "--log", "--only", "drift", "--workspace", str(workspace.root)]
    told = CliRunner().invoke(monitor, words)
    assert (told.exit_code, "window log its start to now (1,500 rows" in told.output) == (0, True), told.output
    again = logged_window(workspace, running(workspace, "credit"))
    assert look(workspace, "credit", again, only=("drift",)).verdict is Verdict.INCONCLUSIVE, "the same rows measure nothing new"


def test_before_the_first_label_has_come_performance_is_no_measurement(workspace: Gated) -> None:
    served(workspace)
    tick = look(workspace, "credit", logged_window(workspace, running(workspace, "credit")))
    assert "performance" in tick.unmeasured
    assert tick.found == {}

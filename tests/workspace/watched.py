"""A model in production whose windows are judged: what the tests of the monitor share."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.promotion.since import refuted
from jupyter_mlgov.testing import FixedClock, cell_run, digest, session
from jupyter_mlgov.workspace import Workspace
from tests.promotion.test_intended import decided
from tests.workspace.gated import NOTEBOOK, Gated, gated

TEAM = """
[model]
name = "credit"
notebook = "n.ipynb"
tier = 1
[subject]
table = "scored"
outcome = "approve"
favourable = 1
protected = ["sex"]
score = "score"
label = "good"
[policy]
packs = ["sr-26-2"]
"""


def rows(seed: int, *, n: int = 4000, shift: float = 0.0, gap: float = 0.0, labels: bool = True) -> pa.Table:
    """Scores of a model on one feature; `shift` moves the feature, `gap` takes approvals from one group."""
    rng = np.random.default_rng(seed)
    x, sex = rng.normal(shift, 1, n), rng.integers(0, 2, n)
    score = 1 / (1 + np.exp(-x))
    approve = (score > 0.4) & ~((sex == 1) & (rng.uniform(size=n) < gap))
    table = {"x": x, "sex": sex, "score": score, "approve": approve.astype(int)}
    return pa.table({**table, "good": (rng.uniform(size=n) < score).astype(int)} if labels else table)


def house(folder: Path, team: str = TEAM, reference: pa.Table | None = None, clock: Clock | None = None) -> Gated:
    """Version 1 is in production, judged on a table that is kept; a week has not passed."""
    made = gated(folder, clock or FixedClock(), team=team)
    sink = io.BytesIO()
    pq.write_table(rows(1) if reference is None else reference, sink)
    stored = made.objects.put(sink.getvalue())
    table = ObjectRef(name="scored", kind="table", fingerprint=Fingerprint(method="mlgov-table-2", root=digest("t")), stored=stored)
    run = cell_run("evaluate", notebook=NOTEBOOK, outputs=(table,), session="s1", id="r9")
    delivered = {"key": "run:s1:k", "kind": "run", "target": "mlflow", "model": "credit", "version": "1"}
    let_in = decided("1")
    made.record(
        Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(session(notebook=NOTEBOOK, id="s1"))),
        Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)),
        Draft(action="projection.delivered", subject="credit", payload=delivered),
        Draft(action=let_in.action, subject=let_in.subject, payload={**let_in.payload, "notebook": NOTEBOOK}),
    )
    return made


def window(workspace: Workspace, name: str = "w1", *, seed: int = 2, **more: Any) -> Path:
    path = workspace.root / f"{name}.parquet"
    pq.write_table(rows(seed, **more), path)
    return path


def against(workspace: Gated) -> tuple[str, ...]:
    return refuted(workspace.journal.entries(), "credit", ("1",))


def alarms(workspace: Gated) -> list[dict[str, Any]]:
    return [dict(entry.payload) for entry in workspace.journal.entries(actions=("alarm.raised",))]


def later(workspace: Gated, days: float) -> None:
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.advance(timedelta(days=days))

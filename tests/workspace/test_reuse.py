"""What rests on unchanged parts is answered from the record; whatever changes is named; thresholds come first; looks are counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.lineage.facts import CellRun, ObjectRef
from jupyter_mlgov.lineage.fingerprint import fingerprint
from jupyter_mlgov.reports.reading import looks as said_of_looks
from jupyter_mlgov.testing import NOON, FixedClock, cell_run, digest, session
from jupyter_mlgov.workspace import Workspace

NOTEBOOK = "n.ipynb"
TEAM = """
[model]
name = "credit"
use = "credit"
jurisdiction = "US"
[subject]
outcome = "approve"
favourable = 1
protected = ["white"]
[policy]
packs = ["us-fair-lending"]
"""


def scored(workspace: Workspace, folder: Path, **columns: list[int]) -> ObjectRef:
    table = pa.table(columns)
    pq.write_table(table, folder / "scored.parquet")
    return ObjectRef(
        name="scored", kind="table", fingerprint=fingerprint(table), stored=workspace.objects.put_file(folder / "scored.parquet")
    )


def ran(workspace: Workspace, *runs: CellRun) -> None:
    """A session in which these cells ran."""
    fact = session(notebook=NOTEBOOK)
    drafts = [Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(fact))]
    drafts += [Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)) for run in runs]
    workspace.record(*drafts)


def run(scored: ObjectRef, content: str = "", **more: object) -> CellRun:
    base = cell_run("train", notebook=NOTEBOOK, outputs=(ObjectRef(name="model", kind="model", fingerprint=model(content)), scored))
    return replace(base, **more)  # type: ignore[arg-type]  # given by name in each test


def model(content: str) -> object:
    from jupyter_mlgov.lineage.facts import Fingerprint

    return Fingerprint(method="mlgov-model-1", root=digest(f"model {content}"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "mlgov.toml").write_text(TEAM, "utf-8")
    made = Workspace.create(tmp_path, Settings(actor="ann"))
    return Workspace(made.root, made.settings, clock=FixedClock(NOON))


WHITE = [0, 1] * 50
APPROVE = [1, 1, 0, 1] * 25
ONLY = ("fair.air",)


def how(workspace: Workspace) -> tuple[bool, str]:
    (one,) = workspace.judge(NOTEBOOK, only=ONLY).reuse
    return one.reused, one.why


def test_unchanged_is_reused_and_every_change_is_named(workspace: Workspace, tmp_path: Path) -> None:
    first = scored(workspace, tmp_path, approve=APPROVE, white=WHITE)
    ran(workspace, run(first))
    assert how(workspace) == (False, "run: it has not been answered for this notebook before")
    before = workspace.judge(NOTEBOOK, only=ONLY)
    assert before.reuse[0].reused
    ran(workspace, run(first, duration_ms=9.0))
    assert how(workspace)[0], "the same cells, run again, are no change"
    other = scored(workspace, tmp_path, approve=APPROVE[::-1], white=WHITE)
    ran(workspace, run(other))
    reused, why = how(workspace)
    assert not reused
    assert "the column approve changed" in why
    assert how(workspace)[0]
    (tmp_path / "mlgov.toml").write_text(TEAM + '[policy.parameters."fair.air"]\nlimit = "9/10"\n', "utf-8")
    assert how(workspace) == (False, "run again: its parameters changed")


def test_an_answer_on_record_is_the_answer_itself(workspace: Workspace, tmp_path: Path) -> None:
    ran(workspace, run(scored(workspace, tmp_path, approve=APPROVE, white=WHITE)))
    one, other = (workspace.judge(NOTEBOOK, only=ONLY).report for _ in range(2))
    assert one.digest == other.digest
    kept = one.results[0].evidence[0]
    assert digest_of(workspace.objects.get(kept)) == kept


def digest_of(content: bytes) -> str:
    from jupyter_mlgov.core.digests import Digest

    return Digest.of_bytes(content)


def test_thresholds_enter_the_trail_before_the_first_result_and_once(workspace: Workspace, tmp_path: Path) -> None:
    ran(workspace, run(scored(workspace, tmp_path, approve=APPROVE, white=WHITE)))
    reports = [workspace.judge(NOTEBOOK, only=ONLY).report for _ in range(2)]
    entries = list(workspace.journal.entries(actions=("thresholds.fixed", "validation.done")))
    assert [entry.action for entry in entries] == ["thresholds.fixed", "validation.done", "validation.done"]
    assert entries[0].payload["digest"] == reports[0].thresholds == reports[1].thresholds


def test_models_tried_on_one_hold_out_set_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    table = scored(workspace, tmp_path, approve=APPROVE, white=WHITE)
    seen = []
    for content in ("a", "a", "b", "c"):
        ran(workspace, run(table, content))
        seen.append(workspace.judge(NOTEBOOK, only=ONLY).report)
    assert [one.looks for one in seen] == [1, 1, 2, 3]
    assert said_of_looks(seen[0]) == ""
    assert "3 different models" in said_of_looks(seen[-1])
    assert "0.14" in said_of_looks(seen[-1])


def test_looks_are_counted_across_sessions_and_processes_and_every_surface_says_so(workspace: Workspace, tmp_path: Path) -> None:
    """Three people, three processes, one hold-out: what the third one reads has the count and what it does to a p-value."""
    table = scored(workspace, tmp_path, approve=APPROVE, white=WHITE)
    shell = [sys.executable, "-m", "jupyter_mlgov.cli", "validate", "-w", str(tmp_path), "-n", NOTEBOOK, "--only", "fair.air"]
    for content, person, style in (("a", "ann", "text"), ("b", "bob", "json"), ("c", "cat", "text")):
        ran(workspace, run(table, content))
        done = subprocess.run(
            [*shell, "--format", style], capture_output=True, text=True, env={**os.environ, "MLGOV_ACTOR": person}, check=False
        )
        assert done.returncode in (0, 1, 3), done.stderr
        told = " ".join(done.stdout.split())
        assert ("optimistic" in told) == (content == "c"), told
        if style == "json":
            assert json.loads(done.stdout)["looks"] == 2
    assert "3 different models were judged on this hold-out set. Its p-values are optimistic" in told
    assert "a probability of up to 0.14" in told
    from jupyter_mlgov.reports.html import page

    report = Workspace(workspace.root, workspace.settings, clock=FixedClock(NOON)).judge(NOTEBOOK, only=ONLY).report
    assert report.looks == 3, "the same model again is no further look"
    assert "3 different models were judged" in page(report)


def test_an_answer_is_signed_bound_to_the_model_and_taken_into_the_report(workspace: Workspace, tmp_path: Path) -> None:
    table = scored(workspace, tmp_path, approve=APPROVE, white=WHITE)
    ran(workspace, run(table))
    words = {
        "alternatives_searched": "Two models with fewer features were tried.",
        "chosen": "Neither ranked as well on the hold-out set.",
        "holds": "yes",
    }
    with pytest.raises(BadInput, match="is missing"):
        workspace.answer("FAIR.LDA.1", {"holds": "yes"}, NOTEBOOK)
    form = workspace.answer("FAIR.LDA.1", words, NOTEBOOK)
    assert (form.actor.id, form.answers) == ("ann", words)
    result = workspace.judge(NOTEBOOK, only=ONLY).report.result("form:FAIR.LDA.1")
    assert result is not None
    assert result.verdict == "pass"
    assert workspace.questions("FAIR.LDA.1", NOTEBOOK).answered is not None
    ran(workspace, run(table, "another"))
    assert workspace.judge(NOTEBOOK, only=ONLY).report.result("form:FAIR.LDA.1") is None
    assert workspace.questions("FAIR.LDA.1", NOTEBOOK).answered is None

"""A real workspace (SQLite, objects, files) with a model that can be reviewed and promoted; only the registry is a stand-in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.clock import Clock
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import Fingerprint, ObjectRef
from jupyter_mlgov.promotion.facts import Decision
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.testing import cell_run, digest, requirement, result, session
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.subjects import subject_ref

NOTEBOOK = "n.ipynb"
TEAM = '[model]\nname = "credit"\nnotebook = "n.ipynb"\n[policy]\npacks = ["sr-26-2"]\n'


class Registry:
    """The ModelRegistry port: one version a model, aliases in a dict."""

    def __init__(self, shown: dict[str, str]) -> None:
        self.shown = shown

    def find(self, model: str, model_digest: str, among: Collection[str]) -> ModelVersion | None:
        return ModelVersion(model=model, version="1", run_id="r", model_digest=model_digest)

    def latest(self, model: str) -> ModelVersion | None:
        return None

    def at_stage(self, model: str, stage: str) -> ModelVersion | None:
        return None

    def aliases(self) -> Mapping[str, Mapping[str, str]]:
        return {"credit": self.shown}

    def point(self, model: str, stage: str, version: str, tags: Mapping[str, str]) -> None:
        self.shown[stage] = version

    def promote(self, version: ModelVersion, decision: Decision, entry: str) -> None:
        self.shown[decision.stage] = version.version


class Gated(Workspace):
    """A workspace whose runs are told to no MLflow. `shown` is shared by all who act in the folder."""

    shown: dict[str, str]

    @property
    def registry(self) -> Any:
        return Registry(self.shown)

    def project(self, notebook: str) -> None:
        """Nobody is told; the trail says that versions 1 and 2 were registered, as a delivery writes it."""
        if not any(self.journal.entries(actions=("projection.delivered",))):
            told = {"key": "k", "kind": "run", "target": "mlflow", "model": "credit"}
            self.record(*(Draft(action="projection.delivered", subject="credit", payload={**told, "version": v}) for v in ("1", "2")))

    def acting(self, who: str, **settings: Any) -> Gated:
        """The same folder, as somebody else."""
        other = Gated(self.root, replace(self.settings, actor=who, **settings), clock=self.clock)
        other.shown = self.shown
        return other


def gated(folder: Path, clock: Clock, *, team: str = TEAM) -> Gated:
    """Ana trained a model; nothing is validated yet."""
    (folder / "mlgov.toml").write_text(team, "utf-8")
    Workspace.create(folder, Settings(actor="ana@firm.example", deliver="manual"))
    made = Gated(folder, Settings(actor="ana@firm.example", deliver="manual"), clock=clock)
    made.shown = {}
    train(made)
    return made


def train(workspace: Gated, content: str = "1") -> None:
    """One session with one tagged cell that makes a model."""
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="mlgov-model-1", root=digest(f"model {content}")))
    run = cell_run("train", notebook=NOTEBOOK, outputs=(model,), session=f"s{content}", id=f"r{content}")
    workspace.record(
        Draft(action="session.started", subject=NOTEBOOK, payload=fields_of(session(notebook=NOTEBOOK, id=f"s{content}"))),
        Draft(action="cell.finished", subject=NOTEBOOK, payload=fields_of(run)),
    )


def validated(workspace: Gated, failing: Severity | None = None) -> Report:
    """A report as validate() writes it, with one passing check and `fair.air` failing where a severity is given."""
    from jupyter_mlgov.validation.plugins import installed_policies

    team = workspace.team_for(NOTEBOOK)
    checks = (result("perf.discrim"), result("fair.air", Verdict.FAIL if failing else Verdict.PASS))
    report = Report(
        subject=subject_ref(team, workspace.lineage(NOTEBOOK)),
        policies=tuple(policy.ref for policy in installed_policies(team.policies)),
        results=checks,
        requirements=tuple(
            requirement(one.validator, one.verdict, policy="sr-26-2", control=f"C-{one.validator}", severity=failing or Severity.HIGH)
            for one in checks
        ),
    )
    payload = {"notebook": NOTEBOOK, "verdict": "x", "digest": report.digest, "report": report_json(report), "bases": {}, "reused": []}
    workspace.record(Draft(action="validation.done", subject="credit", payload=payload))
    return report

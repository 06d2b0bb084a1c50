"""A small world for gates: a log in memory, people, a model that can be edited, reviewed, waived, rolled back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import SystemClock, stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import Step, StepState, StepStatus
from jupyter_mlgov.promotion import docket
from jupyter_mlgov.promotion.authorship import copies
from jupyter_mlgov.promotion.docket import Docket
from jupyter_mlgov.promotion.facts import Answer, Decision, Limit, Review
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.promotion.since import log_time
from jupyter_mlgov.promotion.terms import every
from jupyter_mlgov.testing import FixedClock, MemoryJournal
from jupyter_mlgov.validation.results import CheckResult, PolicyRef, Report, RequirementResult, SubjectRef, report_json

ANA = Actor(id="ana@firm.example", source="git", name="Ana")
BOB = Actor(id="bob@firm.example", source="jupyter", name="Bob")
CARL = Actor(id="carl@firm.example", source="jupyter", name="Carl")
NOTEBOOK = "credit.ipynb"


def a_report(version: int, failing: Severity | None = None, packs: tuple[str, ...] = ("p",)) -> Report:
    """A report on version `version` with one passing check, and `fair.air` failing at this severity where one is given."""
    verdicts = {"perf.discrim": Verdict.PASS, "fair.air": Verdict.FAIL if failing else Verdict.PASS}
    return Report(
        subject=SubjectRef(kind="model", name="credit", notebook=NOTEBOOK, model=Digest.of_text(f"model {version}")),
        policies=tuple(PolicyRef(id=pack, version="1", title=pack, digest=Digest.of_text(pack)) for pack in packs),
        results=tuple(
            CheckResult(validator=name, version="1", title=name, verdict=verdict, summary="") for name, verdict in verdicts.items()
        ),
        requirements=tuple(
            RequirementResult(
                policy=packs[0],
                control=f"C-{name}",
                cite="",
                url="",
                obligation="",
                verified="P",
                severity=(failing or Severity.HIGH) if name == "fair.air" else Severity.HIGH,
                automation="auto",
                gates=("review",),
                validator=name,
                verdict=verdict,
            )
            for name, verdict in verdicts.items()
        ),
    )


class World:
    """What the workspace does, without kernels, files and registries: the same entries, the same docket, the same decision."""

    def __init__(self, team: Team | None = None, journal: Any = None, version: int = 0) -> None:
        self.clock: Any = SystemClock() if journal else FixedClock(step=timedelta(seconds=1))
        self.journal = journal or MemoryJournal(self.clock)
        self.team = team or Team(model="credit", notebook=NOTEBOOK, policies=("p",))
        self.version = version
        self.edited = False
        self.report: Report | None = None
        self.train(ANA)

    def entries(self) -> tuple[AuditEntry, ...]:
        return tuple(self.journal.entries())

    def write(self, by: Actor, action: str, subject: str = "credit", /, **payload: Any) -> AuditEntry:
        return self.journal.append([Draft(action=action, subject=subject, payload=payload)], actor=by)[-1]

    def train(self, actor: Actor) -> None:
        self.version, self.edited = self.version + 1, False
        self.write(actor, "session.started", NOTEBOOK, id="s")
        self.write(actor, "cell.finished", NOTEBOOK, notebook=NOTEBOOK)

    def validate(self, failing: Severity | None = None, reused: tuple[str, ...] = ()) -> Report:
        self.report = a_report(self.version, failing, self.team.policies)
        body = report_json(self.report)
        self.write(ANA, "validation.done", notebook=NOTEBOOK, digest=self.report.digest, report=body, reused=list(reused))
        return self.report

    def review(self, actor: Actor, verdict: Any = "approve", **more: Any) -> AuditEntry:
        assert self.report
        word = Review(
            actor=actor,
            verdict=verdict,
            report=self.report.digest,
            comment="",
            time=self.clock.now(),
            attests_unchecked=True,
            terms=every(self.team),
            **more,
        )
        return self.write(actor, "review.given", **{**fields_of(word), "notebook": NOTEBOOK})

    def waive(self, actor: Actor, days: int = 30, waives: str = "fair.air", scope: str = "") -> AuditEntry:
        assert self.report
        until = (self.clock.now() + timedelta(days=days)).date().isoformat()
        scope = scope or str(self.report.subject.model)
        return self.write(actor, "waiver.asked", waives=waives, reason="small book", limit="5 % of it", until=until, scope=scope)

    def answer(self, actor: Actor, waiver: AuditEntry, verdict: str = "approve") -> None:
        self.write(actor, "waiver.answered", waiver=waiver.digest, verdict=verdict, waives="fair.air", comment="")

    def docket(self, stage: str, actor: Actor = ANA, **more: Any) -> Docket:
        entries = self.entries()
        state, why = (StepState.STALE, "it was edited") if self.edited else (StepState.FRESH, "")
        model = Digest.of_text(f"model {self.version}")
        old = self.report is not None and self.report.subject.model != model
        facts: dict[str, Any] = {
            "team": self.team,
            "notebook": NOTEBOOK,
            "stage": stage,
            "version": ModelVersion(model="credit", version=str(self.version), run_id="r", model_digest=model),
            "report": self.report.digest if self.report else None,
            "stale": ("the model changed",) if old else (),
            "steps": (StepStatus(step=Step(kind="train"), cells=("c1",), state=state, why=why),),
            "committers": (),
            "git_problem": "",
            "data": (),
            "limits": (),
            "asked_by": actor,
            "at": stamp(log_time(entries, self.clock.now())),
            "as_of": entries[-1].seq,
            "clock": 2,
            "copied": copies(entries, NOTEBOOK, str(more.get("origin", ""))),
        }
        return Docket(**{**facts, **more})

    def ask(self, stage: str = "staging", actor: Actor = ANA, limits: tuple[Limit, ...] = (), **more: Any) -> Decision:
        """The decision, written as promote() writes it."""
        seen = self.docket(stage, actor, limits=limits, **more)
        decision = docket.decide(seen, self.entries())
        self.write(actor, "promotion.decided", **{**fields_of(decision), "notebook": NOTEBOOK, "docket": fields_of(seen)})
        return decision

    def opens(self, stage: str = "staging", **more: Any) -> bool:
        return self.ask(stage, **more).answer is Answer.GRANTED


def let_in(journal: Any, version: str, *stages: str) -> AuditEntry:
    """Everything that a version is due, in a real log: made, judged, approved by Bob, decided for staging and production (or `stages`)."""
    world = World(journal=journal, version=int(version) - 1)
    world.validate()
    world.review(BOB)
    for stage in stages or ("staging", "production"):
        assert world.opens(stage)
    return world.entries()[-1]

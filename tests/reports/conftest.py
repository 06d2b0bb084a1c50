"""Sample reports with real figures: what a reviewer meets, from all green to hostile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.lineage.facts import CellRun, FileRef, Fingerprint, Lineage, ObjectRef, Outcome, Step, StepState, StepStatus
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.reports.context import Context
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.reports.views import CheckLine, NotebookView, TrailLine
from jupyter_mlgov.testing import session
from jupyter_mlgov.validation.records import Chain
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding, PolicyRef, Report, RequirementResult, SubjectRef

CONTROLS = {
    "FAIR.AIR.1": (
        "Firm policy. Method from 29 CFR 1607.4(D). Hooks: FHA 24 CFR 100.500, N.J.A.C. 13:16, other state law, private claims",
        "https://www.ecfr.gov/current/title-29/section-1607.4",
        "Screen outcome gaps by protected class; treat as risk evidence, not as an ECOA finding.",
        "Q",
        Severity.CRITICAL,
        "auto",
    ),
    "SR26-2.IV.3": (
        "SR 26-2 sec IV.1 (testing)",
        "https://www.federalreserve.gov/supervisionreg/srletters/SR2602a1.pdf",
        "Test whether the model performs as intended, with rigour commensurate with complexity and materiality.",
        "P",
        Severity.HIGH,
        "auto",
    ),
    "SR26-2.IV.2": (
        "SR 26-2 sec III (quality of inputs, data constraints), IV.1",
        "https://www.federalreserve.gov/supervisionreg/srletters/SR2602a1.pdf",
        "Assess data quality and relevance critically, as part of development testing.",
        "P",
        Severity.HIGH,
        "auto",
    ),
    "SR26-2.III.3": (
        "SR 26-2 sec III (effective challenge)",
        "https://www.federalreserve.gov/supervisionreg/srletters/SR2602a1.pdf",
        "Effective challenge by people with expertise, enough independence and the standing to make change happen.",
        "P",
        Severity.CRITICAL,
        "human",
    ),
    "ECOA.PRIV.1": (
        "12 CFR 1002.5(b)",
        "https://www.ecfr.gov/current/title-12/section-1002.5",
        "Do not ask for or use a protected characteristic in a credit decision.",
        "S",
        Severity.MEDIUM,
        "assisted",
    ),
}


def demand(control: str, validator: str, verdict: Verdict | None, *, policy: str = "us-fair-lending") -> RequirementResult:
    cite, url, obligation, verified, severity, automation = CONTROLS[control]
    return RequirementResult(
        policy=policy,
        control=control,
        cite=cite,
        url=url,
        obligation=obligation,
        verified=verified,
        severity=severity,
        automation=automation,
        gates=("train", "review"),
        validator=validator,
        verdict=verdict,
    )


def digest(text: str) -> Digest:
    return Digest.of_text(text)


def wilson(k: int, n: int) -> tuple[float, float]:
    z = 1.959963984540054
    p, denominator = k / n, 1 + z * z / n
    centre, half = (p + z * z / (2 * n)) / denominator, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / denominator
    return max(0.0, centre - half), min(1.0, centre + half)


def group(label: str, k: int, n: int) -> Estimate:
    return Estimate(label=label, value=k / n if n else None, interval=wilson(k, n) if n else None, k=k, n=n)


PACKS = (
    PolicyRef(id="us-fair-lending", version="2026-07-21", title="US fair lending", digest=digest("pack 1")),
    PolicyRef(id="sr-26-2", version="2026-04-17", title="SR 26-2", digest=digest("pack 2")),
)
NOTEBOOK = SubjectRef(
    kind="notebook",
    name="credit-approval",
    notebook="credit_approval.ipynb",
    table=digest("loanapp"),
    rows=1989,
    model=digest("model"),
    data={"data/loanapp.parquet": digest("loanapp file")},
    slice=digest("slice"),
    environment=digest("environment"),
    code="4e1c9a2",
    roles={"outcome": "approve", "favourable": "1", "protected": ["white"]},
)
TABLE = SubjectRef(kind="table", name="loanapp.parquet", table=digest("loanapp"), rows=1989)


def fair_air() -> CheckResult:
    """LA1 of the oracles: 218/308 against 1527/1681, ratio .779174, Katz (.72407, .83847)."""
    return CheckResult(
        validator="fair.air",
        version="1.0",
        title="Adverse impact ratio",
        verdict=Verdict.FAIL,
        summary="Approval rate for white = 0 is 70.8 % against 90.8 % for white = 1: ratio 0.779, below the 0.80 line.",
        findings=(
            Finding(
                message="6 more approvals in white = 0 would reach the line; the gap is not chance (Fisher p 6.6e-19).",
                verdict=Verdict.FAIL,
                measured=218 * 1681 / (308 * 1527),
                allowed="at least 0.80 of the highest group's rate",
                n=1989,
                interval=(0.72407, 0.83847),
                where="approve by white",
                estimates=(group("white = 0", 218, 308), group("white = 1", 1527, 1681)),
                reference=0.8 * 1527 / 1681,
                reference_label="0.80 of the higher rate",
                details={"p_value": 6.606e-19, "shortfall": 6, "method": "Katz 1978, log scale"},
            ),
        ),
        fix="Does the gap survive legitimate factors? Compare within strata of `obrat` and `loanprc`.",
        source="29 CFR 1607.4(D), used in lending by convention only",
        cell="7",
        parameters={"limit": "4/5", "min_n": 30},
        evidence=(digest("evidence fair.air"),),
    )


def discrimination() -> CheckResult:
    return CheckResult(
        validator="perf.discrim",
        version="1.0",
        title="Discrimination on held-out rows",
        verdict=Verdict.PASS,
        summary="AUC 0.7841 on 497 held-out rows.",
        findings=(
            Finding(
                message="Area under the ROC curve",
                verdict=Verdict.PASS,
                measured=0.7841,
                allowed="at least 0.70 (house)",
                n=497,
                interval=(0.7288, 0.8341),
                reference=0.70,
                reference_label="lower limit",
            ),
        ),
        source="Hanley and McNeil 1982; DeLong interval",
        cell="9",
        evidence=(digest("evidence auc"),),
    )


def quick(validator: str, title: str, verdict: Verdict, summary: str, fix: str = "") -> CheckResult:
    return CheckResult(
        validator=validator, version="1.0", title=title, verdict=verdict, summary=summary, fix=fix, evidence=(digest(validator),)
    )


def mixed() -> Report:
    results = (
        quick("env.pin", "Pinned environment", Verdict.PASS, "All 41 distributions in use are pinned by requirements.lock."),
        quick("priv.pii", "Personal data in cells and outputs", Verdict.WARN, "2 columns look like names; both are declared personal."),
        discrimination(),
        fair_air(),
        quick(
            "perf.benchmark",
            "Better than a simple benchmark",
            Verdict.INCONCLUSIVE,
            "No column holds the benchmark's score.",
            'Declare one: `baseline = "…"` under [subject] in mlgov.toml.',
        ),
        quick(
            "lineage.complete",
            "Complete lineage",
            Verdict.ERROR,
            "The check broke: KeyError('scored').",
            "Report it to the author of lineage.complete.",
        ),
        quick("fair.sig", "Significance of outcome gaps", Verdict.FAIL, "white: z 9.87, p 5.9e-23 after Holm, allowed at least 0.05."),
    )
    requirements = (
        demand("FAIR.AIR.1", "fair.air", Verdict.FAIL),
        demand("FAIR.AIR.1", "fair.sig", Verdict.FAIL),
        demand("FAIR.AIR.1", "fair.intersect", None),
        demand("SR26-2.IV.3", "perf.discrim", Verdict.PASS, policy="sr-26-2"),
        demand("SR26-2.IV.3", "perf.benchmark", Verdict.INCONCLUSIVE, policy="sr-26-2"),
        demand("SR26-2.IV.2", "lineage.complete", Verdict.ERROR, policy="sr-26-2"),
        demand("SR26-2.III.3", "gov.sod", None, policy="sr-26-2"),
        demand("ECOA.PRIV.1", "priv.pii", Verdict.WARN),
    )
    return Report(subject=NOTEBOOK, policies=PACKS, results=results, requirements=requirements)


def green() -> Report:
    results = (
        discrimination(),
        quick("env.pin", "Pinned environment", Verdict.PASS, "All 41 distributions in use are pinned."),
        quick("priv.pii", "Personal data in cells and outputs", Verdict.PASS, "None found in 14 cells."),
    )
    requirements = (demand("SR26-2.IV.3", "perf.discrim", Verdict.PASS, policy="sr-26-2"), demand("ECOA.PRIV.1", "priv.pii", Verdict.PASS))
    return Report(subject=NOTEBOOK, policies=PACKS, results=results, requirements=requirements)


def bare_table() -> Report:
    return Report(subject=TABLE, policies=PACKS[:1], results=(fair_air(),), requirements=(demand("FAIR.AIR.1", "fair.air", Verdict.FAIL),))


def empty() -> Report:
    return Report(subject=TABLE, policies=(), results=(), requirements=())


NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> \x1b[31mred\x1b[0m \u202egnp.exe --> ]]> </style></svg> " + "w" * 90


def hostile() -> Report:
    """Each free text is an attack; twelve groups with long names, intervals at 0 and 1, and one without rows."""
    groups = [group(f"{NASTY if index % 5 == 0 else 'race = group'} {index}", index * 9, 99) for index in range(12)]
    finding = Finding(
        message=NASTY,
        verdict=Verdict.FAIL,
        allowed=NASTY,
        where=NASTY,
        fix=NASTY,
        estimates=(*groups, group("none", 0, 0)),
        reference=0.8,
        reference_label=NASTY,
        details={NASTY: [NASTY, {"deep": NASTY}]},
    )
    result = CheckResult(
        validator=NASTY,
        version=NASTY,
        title=NASTY,
        verdict=Verdict.FAIL,
        summary=NASTY,
        findings=(finding,),
        fix=NASTY,
        source=NASTY,
        cell=NASTY,
    )
    wants = RequirementResult(
        policy=NASTY,
        control=NASTY,
        cite=NASTY,
        url="javascript:alert(1)",
        obligation=NASTY,
        verified=NASTY,
        severity=Severity.CRITICAL,
        automation=NASTY,
        gates=(NASTY,),
        validator=NASTY,
        verdict=Verdict.FAIL,
    )
    pack = PolicyRef(id=NASTY, version=NASTY, title=NASTY, digest=digest("x"))
    subject = SubjectRef(kind=NASTY, name=NASTY, notebook=NASTY, code=NASTY, data={NASTY: NASTY})
    return Report(subject=subject, policies=(pack,), results=(result,), requirements=(wants,), note=NASTY)


STOPS = (
    Reason(
        code="verdict-fail",
        sentence="Adverse impact ratio is 0.7792, must be at least 0.80.",
        next="Look at `%mlgov report`, cell 7.",
        severity=Severity.CRITICAL,
        validator="fair.air",
        cell="7",
    ),
    Reason(
        code="approvals",
        sentence="Needs one approval by someone who did not work on it; you trained it.",
        next='Ask a reviewer: `mlgov review approve -m "…"`.',
    ),
)
AUTHOR = Actor(id="ada@example.org", source="git", name="Ada")
REVIEWER = Actor(id="grace@example.org", source="jupyter", name="Grace")
REFUSED = Decision(
    model="credit-approval",
    version="3",
    stage="staging",
    answer=Answer.REFUSED,
    reasons=STOPS,
    report=digest("r"),
    team=digest("t"),
    asked_by=AUTHOR,
)
GRANTED = Decision(
    model="credit-approval",
    version="4",
    stage="staging",
    answer=Answer.GRANTED,
    reasons=(),
    report=digest("r"),
    team=digest("t"),
    asked_by=AUTHOR,
    approved_by=(REVIEWER,),
    notes=("1 demand was judged by hand.",),
)
MADE = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    report: Report
    context: Context


def samples() -> Mapping[str, Sample]:
    asked = Context(stage="staging", why=STOPS, made=MADE, version="3", answer=Answer.REFUSED)
    nasty_reason = Reason(code=NASTY, sentence=NASTY, next=NASTY, cell=NASTY)
    return {
        "mixed": Sample(mixed(), asked),
        "green": Sample(green(), Context(stage="staging", made=MADE, version="4", answer=Answer.GRANTED)),
        "clear": Sample(green(), Context()),
        "stale": Sample(green(), Context(stage="staging", answer=Answer.GRANTED, stale=("cell [4] changed after this report",))),
        "table": Sample(bare_table(), Context()),
        "empty": Sample(empty(), Context()),
        "hostile": Sample(hostile(), Context(stage=NASTY, why=(nasty_reason,), stale=(NASTY,), version=NASTY)),
    }


@pytest.fixture(scope="session")
def sample_reports() -> Mapping[str, Sample]:
    return samples()


def run_of(cell: str, order: int, step: Step | None, **more: object) -> CellRun:
    return CellRun(
        id=f"r{order}",
        session="s",
        notebook="credit_approval.ipynb",
        cell_id=cell,
        order=order,
        started=MADE,
        source_digest=digest(cell),
        step=step,
        outcome=Outcome.OK,
        **more,  # type: ignore[arg-type]  # a builder for tests
    )


def small_lineage() -> Lineage:
    """The credit notebook: four steps, one file, one table, one model; training is stale."""
    made = [
        (Step(kind="data"), "a1", (), ("loans",), StepState.FRESH, ""),
        (Step(kind="features"), "b2", ("loans",), ("X", "y"), StepState.FRESH, ""),
        (Step(kind="train", name="champion"), "c3", ("X", "y"), ("model",), StepState.STALE, "features ran after it"),
        (Step(kind="evaluate"), "d4", ("model", "X", "y"), ("scored", "auc"), StepState.NEVER_RAN, "it has not run in this session"),
    ]
    steps = tuple(
        StepStatus(
            step=step, cells=(cell,), state=state, why=why, order=0 if state is StepState.NEVER_RAN else order, reads=reads, writes=writes
        )
        for order, (step, cell, reads, writes, state, why) in enumerate(made, start=2)
    )
    runs = (
        run_of("a1", 2, made[0][0], files_read=(FileRef(path="data/loanapp.parquet", digest=digest("f"), size=9),)),
        run_of("b2", 3, made[1][0]),
        run_of("c3", 4, made[2][0], outputs=(ObjectRef(name="model", kind="model", fingerprint=None),)),
    )
    return Lineage(notebook="credit_approval.ipynb", session=None, runs=runs, steps=steps)


def large_lineage(count: int = 60) -> Lineage:
    """Sixty steps, each fed by the one before and some by far earlier ones; one with a hostile name."""
    states = list(StepState)
    steps = tuple(
        StepStatus(
            step=Step(kind="features", name=NASTY if index == 5 else f"part-{index}"),
            cells=tuple(f"cell-{index}-{part}" for part in range(1 + index % 3)),
            state=states[index % len(states)],
            why=NASTY if index == 5 else "",
            order=index + 1,
            reads=(f"t{index - 1}", f"t{index // 3}"),
            writes=(f"t{index}",),
        )
        for index in range(count)
    )
    return Lineage(notebook=NASTY, session=None, runs=(), steps=steps)


def view(**more: object) -> NotebookView:
    stale = "features ran after it"
    base: dict[str, object] = {
        "notebook": "credit_approval.ipynb",
        "workspace": "demo",
        "model": "credit-approval",
        "version": "3",
        "stage": "development",
        "steps": small_lineage().steps,
        "checks": (
            CheckLine(validator="fair.air", title="Adverse impact ratio", verdict="fail", severity="critical", summary="Ratio 0.779."),
            CheckLine(
                validator="env.pin", title="Pinned environment", verdict="pass", severity="medium", summary="All pinned.", stale=stale
            ),
        ),
        "unchecked": 12,
        "report": digest("r"),
        "why": STOPS,
        "gate": "development → staging",
        "inputs": ("data/loanapp.parquet sha256:41ab9e…",),
        "runs_on": "Python 3.11.2 · 212 packages",
        "code": "git 4e1c9a2 + 1 uncommitted",
        "waiting": 1,
        "trail": (
            TrailLine(seq=41, time="2026-11-23T14:02:07.000000Z", sentence="Ada validated credit_approval.ipynb: fail", digest=digest("e")),
        ),
        "next": "Run the steps that are not up to date: train:champion.",
    }
    return NotebookView(**{**base, **more})  # type: ignore[arg-type]  # a builder for tests


def dossier_facts(report: Report | None = None, **more: object) -> DossierFacts:
    """Version 3 of credit-approval with one session, one model and the mixed report; `report=None` and `bare=True`: nothing recorded."""
    model = ObjectRef(name="model", kind="model", fingerprint=Fingerprint(method="mlgov-model-1", root=digest("model")))
    print_ = Fingerprint(
        method="mlgov-table-2",
        root=digest("loanapp"),
        rows=1989,
        schema={"approve": "int64", "white": "int64"},
        columns={"approve": digest("c1"), "white": digest("c2")},
    )
    table = ObjectRef(name="scored", kind="table", fingerprint=print_)
    ran = run_of(
        "c3",
        4,
        Step(kind="train"),
        outputs=(model, table),
        parameters={"seed": 7},
        metrics={"auc": 0.7841},
        files_read=(FileRef(path="data/loanapp.parquet", digest=digest("loanapp file"), size=9),),
    )
    base: dict[str, object] = {
        "model": "credit-approval",
        "version": "3",
        "stage": "",
        "team": Team(model="credit-approval"),
        "lineage": Lineage(notebook="credit_approval.ipynb", session=session(notebook="credit_approval.ipynb"), runs=(ran,), steps=()),
        "report": report or mixed(),
        "made": MADE,
        "by": AUTHOR,
        "policies": (),
        "authors": (AUTHOR,),
        "runs": {ran.id: digest("entry of the run")},
        "why": STOPS,
        "chain": Chain(ok=True),
        "size": 41,
    }
    return DossierFacts(**{**base, **more})  # type: ignore[arg-type]  # a builder for tests


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """Builders and facts for the other drawings."""
    return SimpleNamespace(
        small_lineage=small_lineage,
        large_lineage=large_lineage,
        run_of=run_of,
        view=view,
        REFUSED=REFUSED,
        GRANTED=GRANTED,
        STOPS=STOPS,
        NASTY=NASTY,
        mixed=mixed,
        green=green,
        fair_air=fair_air,
        demand=demand,
        digest=digest,
        group=group,
        hostile=hostile,
        dossier_facts=dossier_facts,
        MADE=MADE,
        AUTHOR=AUTHOR,
        REVIEWER=REVIEWER,
    )

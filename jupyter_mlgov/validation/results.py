"""What a check says: findings, results, and the report that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.core.verdicts import Severity, Verdict

REPORT_SCHEMA = "mlgov-report-1"
IN_FORCE = "in force"
FORM = "form:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One group's rate for a plot: `value` in 0..1 with its interval, from `k` of `n`."""

    label: str
    value: float | None
    interval: tuple[float, float] | None
    k: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One measured thing. `measured` is None where it is undefined (never 0 instead); `interval` is at `confidence`."""

    message: str
    verdict: Verdict
    measured: float | None = None
    allowed: str = ""
    n: int | None = None
    interval: tuple[float, float] | None = None
    confidence: float = 0.95
    where: str = ""
    fix: str = ""
    estimates: tuple[Estimate, ...] = ()
    reference: float | None = None
    reference_label: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """A validator's answer about a subject. A validator that raised is `error`, one that could not see is `inconclusive`."""

    validator: str
    version: str
    title: str
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...] = ()
    fix: str = ""
    source: str = ""
    cell: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRef:
    """What a verdict is about, as digests. Empty texts and None where the subject has no such part (a bare table has no notebook)."""

    kind: str
    name: str
    notebook: str = ""
    table: Digest | None = None
    rows: int = -1
    model: Digest | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    slice: Digest | None = None
    environment: Digest | None = None
    code: str = ""
    roles: Mapping[str, object] = field(default_factory=dict)

    @property
    def digest(self) -> Digest:
        """Of everything but the commit, which is recorded and judged by nobody: a commit of another layout is the same subject."""
        return Digest.of_json({name: value for name, value in fields_of(self).items() if name != "code"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """A check that cannot be made before people say something: no verdict, and `fix` is what they must do."""

    validator: str
    summary: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """A control's demand on one validator (or on people: `form:CONTROL`), answered.

    `verdict` is None when nothing and nobody answered: unchecked, not passed. `standing` is `in force`, `readiness`,
    `no longer in force` or `out of scope`; only the first keeps a gate shut. `note` says why in a sentence. `asks` are the thresholds that
    were asked for, each with its source and how sure that is.
    """

    policy: str
    control: str
    cite: str
    url: str
    obligation: str
    verified: str
    severity: Severity
    automation: str
    gates: tuple[str, ...]
    validator: str
    verdict: Verdict | None
    standing: str = IN_FORCE
    note: str = ""
    asks: tuple[str, ...] = ()

    @property
    def binds(self) -> bool:
        return self.standing == IN_FORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """The pack a report was judged under."""

    id: str
    version: str
    title: str
    digest: Digest


@dataclass(frozen=True, kw_only=True)  # no slots: its digest is made once, on first asking
class Report:
    """Subject, policies, results. Equal inputs give an equal digest in every surface: no time, no duration, no path of a machine.

    `thresholds` names the parameters that were fixed before anything was measured. `looks` counts the models of this name that were
    judged on this hold-out set, this one included; 0 where nobody counts.
    """

    subject: SubjectRef
    policies: tuple[PolicyRef, ...]
    results: tuple[CheckResult, ...]
    requirements: tuple[RequirementResult, ...]
    note: str = ""
    thresholds: Digest | None = None
    looks: int = 0

    @cached_property
    def digest(self) -> Digest:
        return Digest.of_json(plain(self))

    def result(self, validator: str) -> CheckResult | None:
        return next((result for result in self.results if result.validator == validator), None)

    def severity(self, validator: str) -> Severity:
        """The gravest severity any binding control gives this validator; `low` where none asks for it."""
        found = [item.severity for item in self.requirements if item.validator == validator and item.binds]
        return min(found, key=lambda severity: severity.rank, default=Severity.LOW)

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """Results that keep a gate shut: any `fail`; `error` and `inconclusive` where critical or high. Gravest first."""
        asked = {item.validator for item in self.requirements}
        binding = {item.validator for item in self.requirements if item.binds}
        shut = [
            result
            for result in self.results
            if (result.validator in binding or result.validator not in asked) and _blocks(result.verdict, self.severity(result.validator))
        ]
        return tuple(sorted(shut, key=lambda result: (self.severity(result.validator).rank, result.verdict.rank, result.validator)))

    @property
    def unchecked(self) -> tuple[RequirementResult, ...]:
        """Binding demands nobody measured. They are shown, never counted as passed."""
        return tuple(item for item in self.requirements if item.verdict is None and item.binds)

    def counts(self) -> dict[str, int]:
        """Verdict -> number of results, in reading order, zeros left out."""
        ordered = sorted(Verdict, key=lambda verdict: verdict.rank)
        numbers = {verdict.value: sum(result.verdict is verdict for result in self.results) for verdict in ordered}
        return {verdict: number for verdict, number in numbers.items() if number}


def _blocks(verdict: Verdict, severity: Severity) -> bool:
    if verdict is Verdict.FAIL:
        return True
    return not verdict.opens and severity in (Severity.CRITICAL, Severity.HIGH)


def report_json(report: Report) -> dict[str, object]:
    """The published form (docs/formats/report.md): the report's fields, its schema name, digest and counts."""
    return {"schema": REPORT_SCHEMA, "digest": report.digest, **follows(report), **fields_of(report)}


def follows(report: Report) -> dict[str, object]:
    """What the published form says beside the fields, for quick readers: `counts` and `blocking`."""
    return {"counts": report.counts(), "blocking": [result.validator for result in report.blocking]}

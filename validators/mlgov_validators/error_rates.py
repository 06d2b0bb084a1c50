"""Gaps in error rates: who is refused though he would have repaid, who is accepted though he would not."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.sdk import Estimate, Finding, Missing, Subject, Verdict, validator
from mlgov_validators.cells import Axis, Cells, decision_axis, favourable_of, group_axis, tally
from mlgov_validators.groups import kept_back
from mlgov_validators.intervals import newcombe, wilson

MARGIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Decisions against true outcomes in one group; positive is the favourable value. A rate over no cases is None, never 0."""

    label: str
    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def selection(self) -> float | None:
        return _share(self.tp + self.fp, self.n)

    @property
    def tpr(self) -> float | None:
        return _share(self.tp, self.tp + self.fn)

    @property
    def fpr(self) -> float | None:
        return _share(self.fp, self.fp + self.tn)

    @property
    def fnr(self) -> float | None:
        return _share(self.fn, self.tp + self.fn)

    @property
    def tnr(self) -> float | None:
        return _share(self.tn, self.fp + self.tn)

    @property
    def ppv(self) -> float | None:
        return _share(self.tp, self.tp + self.fp)

    @property
    def prevalence(self) -> float | None:
        return _share(self.tp + self.fn, self.n)

    @property
    def accuracy(self) -> float | None:
        return _share(self.tp + self.tn, self.n)

    @property
    def details(self) -> dict[str, object]:
        counted = {"tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn}
        return {**counted, "tpr": self.tpr, "fpr": self.fpr, "fnr": self.fnr, "ppv": self.ppv, "base_rate": self.prevalence}


def _share(k: int, n: int) -> float | None:
    return k / n if n else None


def chouldechova(prevalence: float, ppv: float, fnr: float) -> float | None:
    """The false positive rate that base rate, PPV and FNR leave no choice about (Chouldechova 2017); None where it is undefined."""
    if ppv == 0 or prevalence == 1:
        return None
    return prevalence / (1 - prevalence) * (1 - ppv) / ppv * (1 - fnr)


@validator(
    "fair.errors",
    title="Error-rate gaps",
    needs=("scored", "label", "protected"),
    uses=("outcome", "score"),
    stricter={"warn_at": "lower", "fail_at": "lower", "max_missing": "lower", "min_cell": "higher"},
)
def error_rates(
    subject: Subject, *, warn_at: float = 0.05, fail_at: float = 0.10, min_n: int = 30, max_missing: float = 0.2, min_cell: int = 0
) -> list[Finding]:
    """Are the model's mistakes shared out evenly between groups?

    The decision is the column `outcome` where it differs from `label`, else score >= `cutoff`. Positive is the favourable value. Per
    group: TPR (approved among those who turned out well; the gap is equal opportunity, Hardt, Price & Srebro 2016), FPR (approved among
    those who did not), FNR, PPV; equalised odds is the larger of the two gaps. Each gap, group minus reference, has Newcombe's interval
    (1998). The reference is the group with the highest share of approvals among those with at least `min_n` cases. Beside the numbers
    stands Chouldechova's identity (2017), FPR = p/(1-p) * (1-PPV)/PPV * (1-FNR): with unlike base rates p not all gaps can be nil.

    fail: a gap over `fail_at` whose interval lies wholly beyond 0.05. warn: a gap over `warn_at`; rows left out.
    inconclusive: a rate over fewer than `min_n` cases, in the group or in the reference; over none it is undefined, and reported as
    undefined, not as 0; decisions and labels are one column (of a plain table: not applicable); one group only; more than the share
    `max_missing` of rows left out; groups kept back by `min_cell`.

    Source: house; 0.10 is the band AIF360 displays as fair (from memory, not checked).

    Fix: Check label bias and missing labels per group first. Thresholds by group are usually not lawful in US credit (disparate
    treatment): prefer a change of features or model.
    """
    if subject.is_table and subject.roles.outcome == subject.label and not subject.roles.cutoff:
        said = f"The table holds decisions ({subject.label}) and no outcome apart from them, so there are no errors to count."
        return [Finding(message=said, verdict=Verdict.NOT_APPLICABLE)]
    findings: list[Finding | None] = []
    for column in subject.roles.protected:
        cells = confusion_cells(subject, column, min_cell)
        groups, gone = confusions(subject, column, cells)
        details: dict[str, object] = {"column": column, "rows": cells.rows, "left_out": gone, "sql": cells.sql}
        if len(groups) < 2:
            said = f"{column} has {len(groups)} groups with decisions and labels: there is nothing to compare."
            findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details=details))
        else:
            base = most_approved(groups, min_n)
            for group in groups:
                if group is not base:
                    findings += [_gap(rate, group, base, warn_at, fail_at, min_n, details) for rate in ("tpr", "fpr")]
        findings += [_left_out(column, gone, cells.rows, max_missing), kept_back(column, cells.withheld, min_cell, details)]
    return [found for found in findings if found]


def decision(subject: Subject) -> Axis:
    """Where the decision stands: a column of its own, or the score at its cutoff. Raises Missing where there is neither."""
    roles = subject.roles
    if roles.outcome and roles.outcome != subject.label:
        return decision_axis(roles.outcome)
    cut = cutoff(subject)
    if roles.score and cut is not None:
        return Axis(column=roles.score, most=3, cut=cut)
    raise Missing(
        f"The decision and the true outcome are one column ({subject.label}), so there are no errors to count.",
        next="Name the model's decision (`outcome`) apart from `label`, or a `cutoff` of the score, under [subject] in mlgov.toml.",
    )


def cutoff(subject: Subject) -> float | None:
    """The declared cutoff of the score. Raises Missing for a text that is no number."""
    text = subject.roles.cutoff
    try:
        return float(text) if text else None
    except ValueError:
        raise Missing(f'The cutoff "{text[:40]}" is no number.') from None


def confusion_cells(subject: Subject, column: str, min_cell: int = 0) -> Cells:
    """Rows by group, decision and label: one query."""
    return tally(subject, (group_axis(column), decision(subject), decision_axis(subject.label, "label")), groups=1, min_cell=min_cell)


def confusions(subject: Subject, column: str, cells: Cells) -> tuple[tuple[Confusion, ...], int]:
    """The groups' tables and the number of rows that are in none. Raises Missing when a favourable value never occurs."""
    cut = decision(subject).cut is not None
    wanted = subject.roles.favourable or "1"
    approved = {"true"} if cut else favourable_of(subject.roles.outcome, cells.values(1), wanted) if cells.counts else set()
    well = favourable_of(subject.label, cells.values(2), wanted) if cells.counts else set()
    counts: dict[str, list[int]] = {}
    gone = 0
    for (group, made, label), rows in cells.counts.items():
        if group is None or made is None or label is None:
            gone += rows
        else:
            place = (0 if label in well else 1) if made in approved else (2 if label in well else 3)
            counts.setdefault(group, [0, 0, 0, 0])[place] += rows
    made_of = {name: Confusion(label=f"{column} = {name}", tp=n[0], fp=n[1], fn=n[2], tn=n[3]) for name, n in counts.items()}
    return tuple(made_of[name] for name in sorted(made_of)), gone


def most_approved(groups: tuple[Confusion, ...], min_n: int) -> Confusion:
    """The group others are compared with: most approvals among those with at least `min_n` cases (of all, where none has)."""
    enough = [group for group in groups if group.n >= min_n] or list(groups)
    return min(enough, key=lambda group: (-(group.selection or 0.0), -group.n, group.label))


def _gap(rate: str, group: Confusion, base: Confusion, warn_at: float, fail_at: float, min_n: int, details: dict[str, object]) -> Finding:
    (k, n), (k_ref, n_ref) = _counts(rate, group), _counts(rate, base)
    interval = newcombe(k, n, k_ref, n_ref)
    gap = k / n - k_ref / n_ref if n and n_ref else None
    verdict, why = _judged(gap, interval, n, n_ref, group, base, warn_at, fail_at, min_n)
    identity = None
    if group.prevalence is not None and group.ppv is not None and group.fnr is not None:
        identity = chouldechova(group.prevalence, group.ppv, group.fnr)
    return Finding(
        message=f"{_said(rate, group, base)} {why}",
        verdict=verdict,
        measured=gap,
        allowed=f"at most {warn_at:g} either way",
        n=n,
        interval=interval,
        where=str(details["column"]),
        estimates=tuple(
            Estimate(
                label=one.label,
                value=_share(*_counts(rate, one)),
                interval=wilson(*_counts(rate, one)),
                k=_counts(rate, one)[0],
                n=_counts(rate, one)[1],
            )
            for one in (group, base)
        ),
        reference=_share(k_ref, n_ref),
        reference_label=base.label,
        details={**details, "rate": rate, "group": group.label, "reference": base.label, "interval_method": "Newcombe"}
        | {"of_group": group.details, "of_reference": base.details, "equalised_odds": _equalised(group, base), "fpr_by_identity": identity},
    )


def _counts(rate: str, one: Confusion) -> tuple[int, int]:
    return (one.tp, one.tp + one.fn) if rate == "tpr" else (one.fp, one.fp + one.tn)


def _equalised(group: Confusion, base: Confusion) -> float | None:
    if group.tpr is None or base.tpr is None or group.fpr is None or base.fpr is None:
        return None
    return max(abs(group.tpr - base.tpr), abs(group.fpr - base.fpr))


def _said(rate: str, group: Confusion, base: Confusion) -> str:
    if rate == "tpr":
        whom, verb, values = "who turned out well", "refused", (group.fnr, base.fnr)
    else:
        whom, verb, values = "who turned out badly", "approved", (group.fpr, base.fpr)
    shares = ["an undefined share" if value is None else f"{value:.1%}" for value in values]
    return f"Among those {whom}, {group.label} was {verb} {shares[0]} of the time, {base.label} {shares[1]}."


def _judged(
    gap: float | None,
    interval: tuple[float, float] | None,
    n: int,
    n_ref: int,
    group: Confusion,
    base: Confusion,
    warn_at: float,
    fail_at: float,
    min_n: int,
) -> tuple[Verdict, str]:
    if gap is None or interval is None:
        empty = " and ".join(one.label for one, cases in ((group, n), (base, n_ref)) if not cases)
        return Verdict.INCONCLUSIVE, f"There is no such case in {empty}, so the rate is undefined there."
    shown = f"The gap is {gap:+.1%} (95% CI {interval[0]:+.1%} to {interval[1]:+.1%})"
    if min(n, n_ref) < min_n:
        return Verdict.INCONCLUSIVE, f"{shown}, over {n:,} and {n_ref:,} cases; at least {min_n} are needed in each group."
    beyond = interval[0] > MARGIN or interval[1] < -MARGIN
    if abs(gap) > fail_at and beyond:
        return Verdict.FAIL, f"{shown}, over {fail_at:.0%} and certainly over {MARGIN:.0%}."
    if abs(gap) > warn_at:
        return Verdict.WARN, f"{shown}, over {warn_at:.0%}."
    return Verdict.PASS, f"{shown}."


def _left_out(column: str, gone: int, rows: int, most: float) -> Finding | None:
    if not gone:
        return None
    verdict = Verdict.INCONCLUSIVE if gone > most * rows else Verdict.WARN
    said = f"{gone:,} of {rows:,} rows have no value of {column}, no decision or no label. They were not judged."
    return Finding(message=said, verdict=verdict, measured=gone / rows, allowed=f"at most {most:.0%} left out", n=rows, where=column)

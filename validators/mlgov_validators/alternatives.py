"""The search for a model with a smaller gap that still serves its purpose, told honestly: chosen on some rows, reported on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator
from mlgov_validators.design import Inputs, inputs, truth_of
from mlgov_validators.groups import Group, reference
from mlgov_validators.logistic import fit_ridge
from mlgov_validators.ranking import Auc, auc, paired_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Codes = NDArray[np.int64]

SEED = 20261123
MOST_ROWS = 40_000
MOST_WORK = 4e10  # rows * columns^2 of all fits together: some ten seconds
STRENGTHS = (1.0, 0.1, 0.01)  # inverse of the penalty


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A logistic scorecard without the features in `without`, at one strength, and its scores of all rows used."""

    without: tuple[str, ...]
    strength: float
    scores: Numbers

    @property
    def label(self) -> str:
        dropped = f"without {', '.join(self.without)}" if self.without else "with all features"
        return f"{dropped}, C = {self.strength:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a candidate did on one part of the rows; `air` is None where it is undefined."""

    candidate: Candidate
    area: Auc
    air: float | None
    lowest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Rows to learn from, to choose on, and to report on: half, a quarter, a quarter, by a seeded shuffle."""

    learn: Codes
    choose: Codes
    report: Codes


@validator(
    "fair.lda",
    title="Less discriminatory alternative search",
    needs=("scored", "label", "protected", "features"),
    stricter={"gain": "lower", "budget": "higher", "min_events": "higher"},
    timeout=120.0,
)
def alternatives(subject: Subject, *, gain: float = 0.02, budget: int = 60, min_n: int = 30, min_events: int = 30) -> list[Finding]:
    """Is there a model with a smaller gap between groups that ranks as well?

    Logistic scorecards are trained here on the declared features: all of them (the champion of this search), then without each one,
    without each pair, at three strengths of penalty; `budget` fits at most (fewer on very wide tables). They learn on half of the rows.
    On the next quarter each one's AUC and AIR (adverse impact ratio, lowest group over reference group, at the share of approvals that
    the label has) are taken, and of those within one DeLong standard error of the champion's AUC the one with the highest AIR is
    chosen. The last quarter is looked at once: it alone gives the figures that are reported, so that the best of many looks is not
    mistaken for a finding. How many were tried is said. Of more than 40,000 rows a seeded draw is used. The model family is the search's
    own; another family may do better.

    warn: the alternative gains at least `gain` AIR on rows the search has not seen, within one standard error of AUC.
    pass: nothing found does. A person still records why an alternative was or was not taken.
    inconclusive: fewer than `min_events` cases of either outcome, or than `min_n` cases in two groups, in the rows that are reported on.
    fail: never; whether an alternative must be taken is for people to say.

    Source: house figures. No longer a duty under ECOA after the Reg B rule of April 2026; still asked by some states, AI Act Art
    10(2)(g) and firm policy.

    Fix: Record why the alternative was or was not taken.
    """
    roles = subject.roles
    data = inputs(subject, list(dict.fromkeys((*roles.protected, subject.label)))).drawn(MOST_ROWS)
    truth = truth_of(data.beside[subject.label], roles.favourable)
    parts = _parts(truth)
    positive = truth == 1
    short = [int(min(positive[rows].sum(), (~positive[rows]).sum())) for rows in (parts.learn, parts.choose, parts.report)]
    if min(short) < max(1, min_events):
        said = f"A part of the rows has {min(short):,} cases of one outcome; at least {min_events} are needed to search and to report."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=len(truth), details={"sql": data.sql})]
    found = _candidates(data, positive, parts, budget)
    return [_column(data, column, found, positive, parts, gain, min_n) for column in roles.protected]


def _parts(truth: Codes) -> Parts:
    import numpy as np

    rows = np.random.default_rng(SEED).permutation(np.flatnonzero(truth >= 0))
    half, quarter = len(rows) // 2, len(rows) // 4
    return Parts(learn=rows[:half], choose=rows[half : half + quarter], report=rows[half + quarter :])


def _candidates(data: Inputs, positive: NDArray[np.bool_], parts: Parts, budget: int) -> list[Candidate]:
    """The champion first; each candidate once."""
    import numpy as np

    used = np.concatenate([parts.learn, parts.choose, parts.report])
    # Medians and scales of the inputs alone, no outcome, are taken over all rows.
    blocks = {feature.name: feature.block(np.arange(data.rows)) for feature in data.features}
    names = list(blocks)
    width = sum(block.shape[1] for block in blocks.values())
    affordable = int(MOST_WORK / (len(parts.learn) * width * width))
    plans: list[tuple[tuple[str, ...], float]] = [((), strength) for strength in STRENGTHS] + [((name,), STRENGTHS[0]) for name in names]
    plans += [((name,), strength) for strength in STRENGTHS[1:] for name in names]
    plans += [((one, other), STRENGTHS[0]) for place, one in enumerate(names) for other in names[place + 1 :]]
    wanted = [plan for plan in plans if len(plan[0]) < len(names)][: max(4, min(budget, affordable))]
    return [_fit(blocks, without, strength, positive, parts.learn, used) for without, strength in wanted]


def _fit(
    blocks: Mapping[str, Numbers], without: tuple[str, ...], strength: float, positive: NDArray[np.bool_], learn: Codes, used: Codes
) -> Candidate:
    import numpy as np

    columns = np.column_stack([block for name, block in blocks.items() if name not in without])
    weights = fit_ridge(columns[learn], positive[learn], strength)
    scores = np.full(len(positive), np.nan)
    scores[used] = columns[used] @ weights[1:] + weights[0]
    return Candidate(without=without, strength=strength, scores=scores)


def _column(
    data: Inputs, column: str, found: Sequence[Candidate], positive: NDArray[np.bool_], parts: Parts, gain: float, min_n: int
) -> Finding:
    codes, texts = data.beside[column].codes, data.beside[column].texts

    def trial(candidate: Candidate, rows: Codes) -> Trial:
        air, lowest = _air(candidate.scores[rows], codes[rows], texts, float(positive[rows].mean()), min_n, column)
        return Trial(candidate=candidate, area=auc(candidate.scores[rows], positive[rows]), air=air, lowest=lowest)

    tried = [trial(candidate, parts.choose) for candidate in found]
    chosen = _choose(tried)
    champion, other = trial(found[0], parts.report), trial(chosen.candidate, parts.report)
    details: dict[str, object] = {
        "column": column, "tried": len(found),
        "rows": {"learn": len(parts.learn), "choose": len(parts.choose), "report": len(parts.report)},
        "looks_at_the_reported_rows": 1, "front": _front(tried), "chosen": chosen.candidate.label, "sql": data.sql,
    }  # fmt: skip
    if champion.air is None or other.air is None:
        said = f"{column} has fewer than two groups of {min_n} rows, or no approvals, among the rows to report on: AIR is undefined there."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details=details)
    lost, interval, _ = paired_difference(champion.area, other.area)
    better = other.air - champion.air >= gain and lost <= champion.area.variance**0.5
    said = f"{len(found)} alternatives were tried for {column}. "
    if chosen is tried[0]:
        said += f"None within one standard error of AUC has a smaller gap than the champion (AIR {champion.air:.2f}, {champion.lowest})."
    else:
        said += (
            f"On rows the search had not seen, {chosen.candidate.label} costs {lost:.4f} AUC "
            f"and moves AIR from {champion.air:.2f} to {other.air:.2f} ({other.lowest})."
        )
    return Finding(
        message=said + (" A person must say why it is or is not taken." if better else " A person records the decision."),
        verdict=Verdict.WARN if better else Verdict.PASS,
        measured=other.air - champion.air,
        allowed=f"gain in AIR under {gain:g}, or AUC lost over one standard error",
        n=len(parts.report),
        where=column,
        details=details
        | {"air": champion.air, "air_alternative": other.air, "auc": champion.area.value, "auc_alternative": other.area.value}
        | {"auc_lost": lost, "auc_lost_interval": list(interval) if interval else None, "standard_error": champion.area.variance**0.5},
    )


def _choose(tried: Sequence[Trial]) -> Trial:
    """The highest AIR among those within one standard error of the champion's AUC; the champion where none has a higher one."""
    champion = tried[0]
    least = champion.area.value - champion.area.variance**0.5
    able = [one for one in tried if one.air is not None and one.area.value >= least]
    best = max(able, key=lambda one: (one.air or 0.0, one.area.value), default=champion)
    return best if champion.air is None or (best.air or 0.0) > champion.air else champion


def _front(tried: Sequence[Trial]) -> list[dict[str, object]]:
    """Candidates that no other beats on both AUC and AIR, on the rows they were chosen on."""
    points = [(one.area.value, one.air, one.candidate.label) for one in tried if one.air is not None]
    kept = [
        (area, air, label)
        for area, air, label in points
        if not any(other >= area and gap >= air and (other > area or gap > air) for other, gap, _ in points)
    ]
    return [{"auc": area, "air": air, "candidate": label} for area, air, label in sorted(kept, reverse=True)][:20]


def _air(scores: Numbers, codes: Codes, texts: Sequence[str], share: float, min_n: int, column: str) -> tuple[float | None, str]:
    """AIR of the lowest group of `min_n` rows when the best `share` of rows is approved; None for one group or no approvals."""
    import numpy as np

    approved = scores >= np.quantile(scores, 1 - share)
    groups = []
    for place, text in enumerate(texts):
        inside = codes == place
        if inside.sum() >= max(1, min_n):
            groups.append(Group(label=f"{column} = {text}", k=int((approved & inside).sum()), n=int(inside.sum())))
    if len(groups) < 2:
        return None, ""
    base = reference(tuple(groups), min_n)
    lowest = min((group for group in groups if group is not base), key=lambda group: (group.rate, group.label))
    return (lowest.rate / base.rate if base.k else None), lowest.label

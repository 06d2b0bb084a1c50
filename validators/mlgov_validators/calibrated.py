"""Do the model's probabilities mean what they say, for everybody and for each group?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Estimate, Finding, Subject, Verdict, validator
from mlgov_validators import calibration as measure
from mlgov_validators.calibration import Bin, Cox
from mlgov_validators.intervals import Interval, wilson
from mlgov_validators.scores import left_out, probability, scored, too_few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is measured of one set of rows. Risk is the chance of the outcome that is not favourable."""

    n: int
    events: int
    brier: float
    fit: Cox | None
    predicted: float
    observed: float
    observed_interval: Interval | None
    over_expected: float | None
    deviations: float | None
    bins: tuple[Bin, ...]
    ece: float
    ece_by_chance: float
    details: Mapping[str, object]


def calibration_of(p: Numbers, positive: NDArray[np.bool_], bins: int) -> Calibration:
    """Measure risk 1 - p against what happened."""
    import numpy as np

    risk, bad = measure.in_order(1 - p, (~positive).astype(float))
    found = measure.equal_mass(risk, bad, bins)
    lemeshow, true = measure.hosmer_lemeshow(found), measure.spiegelhalter(risk, bad)
    ratio, deviations = measure.seen_over_expected(risk, bad)
    reliability, resolution, uncertainty = measure.murphy(found)
    events = int(bad.sum())
    return Calibration(
        n=len(bad),
        events=events,
        brier=measure.brier(risk, bad),
        fit=measure.cox(risk, bad),
        predicted=float(risk.mean()),
        observed=events / len(bad),
        observed_interval=wilson(events, len(bad)),
        over_expected=ratio,
        deviations=deviations,
        bins=found,
        ece=measure.ece(found),
        ece_by_chance=measure.ece_by_chance(found),
        details={
            "spiegelhalter_z": true[0] if true else None,
            "spiegelhalter_p": true[1] if true else None,
            "hosmer_lemeshow": lemeshow[0] if lemeshow else None,
            "hosmer_lemeshow_df": lemeshow[1] if lemeshow else None,
            "hosmer_lemeshow_p": lemeshow[2] if lemeshow else None,
            "reliability": reliability,
            "resolution": resolution,
            "uncertainty": uncertainty,
            "in_the_large": measure.in_the_large(risk, bad),
            "probabilities_of_0_or_1": int(np.count_nonzero((risk <= 0) | (risk >= 1))),
            "bins": [{"n": one.n, "predicted": one.predicted, "observed": one.observed} for one in found],
        },
    )


@validator(
    "perf.calibration",
    title="Calibration",
    needs=("scored", "score", "label"),
    stricter={
        "slope_low": "higher", "slope_high": "lower", "ece_limit": "lower", "ratio_limit": "lower", "min_events": "higher",
        "max_missing": "lower",
    },
)  # fmt: skip
def calibrated(
    subject: Subject,
    *,
    slope_low: float = 0.8,
    slope_high: float = 1.2,
    ece_limit: float = 0.05,
    ratio_limit: float = 0.10,
    bins: int = 10,
    min_events: int = 30,
    max_missing: float = 0.05,
) -> list[Finding]:
    """Do the predicted probabilities come true?

    The score is the probability of the favourable value; risk is 1 - score. Calibration slope (Cox 1958), expected calibration error
    over `bins` bins of equal mass (ties kept together), and outcomes seen over expected (O/E) are judged. Brier score with Murphy's
    parts, Spiegelhalter's z (1986), intercept, and Hosmer-Lemeshow (1980; it depends on the binning, so second in rank) stand beside.

    fail: slope outside `slope_low`..`slope_high` and its 95 % interval without 1; ECE over `ece_limit` and over what a calibrated model
    would reach by chance (95 % point); |O/E - 1| over `ratio_limit` and more than 1.96 standard deviations off.
    inconclusive: outside one of the three, but chance could do it; fewer than `min_events` cases of either outcome; no finite fit; a
    score outside 0..1, which is no probability; more than the share `max_missing` of rows left out.
    warn: some rows left out.

    Source: house figures. Cox 1958; Brier 1950; Murphy 1973; Spiegelhalter 1986; Guo et al. 2017 (ECE); Hosmer & Lemeshow 1980.

    Fix: Recalibrate (Platt or isotonic) on a fresh hold-out, never on the rows that are judged here.
    """
    data = scored(subject, (subject.roles.score,))
    few = too_few(data, min_events)
    if few:
        return [few, *left_out(data, max_missing)]
    found = calibration_of(probability(subject, data), data.positive, bins)
    details = {**found.details, "brier": found.brier, "sql": data.sql}
    where = subject.roles.score
    return [
        _slope(found, slope_low, slope_high, where, details),
        _ece(found, ece_limit, where),
        _ratio(found, ratio_limit, where),
        *left_out(data, max_missing),
    ]


def _slope(found: Calibration, low: float, high: float, where: str, details: Mapping[str, object]) -> Finding:
    allowed = f"{low:g} to {high:g}"
    if found.fit is None:
        said = "The calibration slope has no finite value: the scores separate the outcomes, or are all alike."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, allowed=allowed, n=found.n, where=where, details=details)
    fit = found.fit
    inside = low <= fit.slope <= high
    verdict, why = Verdict.PASS, ""
    if not inside:
        sure = not fit.slope_interval[0] <= 1 <= fit.slope_interval[1]
        verdict = Verdict.FAIL if sure else Verdict.INCONCLUSIVE
        why = " The scores are too extreme." if fit.slope < 1 else " The scores are too timid."
        why = why if sure else " It can be chance."
    shown = f"{fit.slope:.2f} (95% CI {fit.slope_interval[0]:.2f}-{fit.slope_interval[1]:.2f})"
    return Finding(
        message=f"Calibration slope {shown}, allowed {allowed}.{why}",
        verdict=verdict,
        measured=fit.slope,
        allowed=allowed,
        n=found.n,
        interval=fit.slope_interval,
        where=where,
        details={**details, "intercept": fit.intercept, "slope_and_intercept_p": fit.p, "p": _two_sided(fit.slope - 1, fit.slope_interval)},
    )


def _two_sided(away: float, interval: Interval) -> float | None:
    """P of being so far away, from a normal interval at 95 %."""
    half = (interval[1] - interval[0]) / 2
    return math.erfc(abs(away) / half * 1.959964 / math.sqrt(2)) if half > 0 else None


def _ece(found: Calibration, limit: float, where: str) -> Finding:
    over = found.ece > limit
    sure = found.ece > found.ece_by_chance
    verdict = Verdict.PASS if not over else Verdict.FAIL if sure else Verdict.INCONCLUSIVE
    why = "" if not over else " That is no chance." if sure else " With so few rows chance could do it."
    return Finding(
        message=f"Expected calibration error {found.ece:.3f} over {len(found.bins)} bins of equal mass, allowed {limit:g}.{why}",
        verdict=verdict,
        measured=found.ece,
        allowed=f"at most {limit:g}",
        n=found.n,
        where=where,
        details={"by_chance_95": found.ece_by_chance},
    )


def _ratio(found: Calibration, limit: float, where: str) -> Finding:
    head = f"Risk predicted {found.predicted:.1%}, seen {found.observed:.1%}"
    allowed = f"seen over expected within {1 - limit:g} to {1 + limit:g}"
    if found.over_expected is None or found.deviations is None:
        said = f"{head}: seen over expected is undefined."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, allowed=allowed, n=found.n, where=where)
    off = found.over_expected - 1
    verdict, why = Verdict.PASS, f"seen over expected is {found.over_expected:.2f}."
    if abs(off) > limit:
        sure = abs(found.deviations) > 1.959964
        verdict = Verdict.FAIL if sure else Verdict.INCONCLUSIVE
        why = f"the model {'under' if off > 0 else 'over'}-states risk by {abs(off):.0%}."
        why += "" if sure else " It can be chance, so it is neither a finding nor a pass."
    return Finding(
        message=f"{head}: {why}",
        verdict=verdict,
        measured=found.over_expected,
        allowed=allowed,
        n=found.n,
        where=where,
        details={"predicted": found.predicted, "observed": found.observed, "standard_deviations": found.deviations}
        | {"p": math.erfc(abs(found.deviations) / math.sqrt(2))},
    )


@validator(
    "fair.calib",
    title="Calibration within groups",
    needs=("scored", "score", "label", "protected"),
    stricter={"slope_low": "higher", "slope_high": "lower", "gap_limit": "lower", "min_events": "higher", "max_missing": "lower"},
)
def calibrated_groups(
    subject: Subject,
    *,
    slope_low: float = 0.8,
    slope_high: float = 1.2,
    gap_limit: float = 0.02,
    bins: int = 10,
    min_events: int = 10,
    max_missing: float = 0.2,
) -> list[Finding]:
    """Does the same score mean the same risk in each group?

    In each group: calibration slope and intercept (logit of the outcome on the log odds of the score, Cox 1958), with a likelihood
    ratio test of slope 1 and intercept 0 together (2 df); mean predicted against observed risk; Brier; ECE over bins of equal mass.

    fail: in a group, |predicted - observed| over `gap_limit` and more than 1.96 standard deviations off; or a slope outside
    `slope_low`..`slope_high` whose 95 % interval is without 1.
    inconclusive: outside one of them, but chance could do it; fewer than `min_events` cases of either outcome in a group; no finite
    fit; one group only; a score outside 0..1; more than the share `max_missing` of rows left out.
    warn: some rows left out.

    Source: house figures; the method is Cox 1958.

    Fix: Recalibrate on recent data, and look at the sample of the group: how its rows were chosen, how its labels were made.
    """
    findings: list[Finding] = []
    for column in subject.roles.protected:
        data = scored(subject, (subject.roles.score,), by=column)
        risk = probability(subject, data)
        if data.codes is None or len(data.groups) < 2:
            said = f"{column} has {len(data.groups)} groups with score and label: there is nothing to compare."
            findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details={"sql": data.sql}))
            continue
        for place, name in enumerate(data.groups):
            rows = data.codes == place
            details = {"column": column, "group": f"{column} = {name}", "sql": data.sql}
            findings.append(_group(risk[rows], data.positive[rows], slope_low, slope_high, gap_limit, bins, min_events, details))
        findings += left_out(data, max_missing)
    return findings


def _group(
    p: Numbers,
    positive: NDArray[np.bool_],
    low: float,
    high: float,
    gap_limit: float,
    bins: int,
    min_events: int,
    details: Mapping[str, object],
) -> Finding:
    label, where = str(details["group"]), str(details["column"])
    good = int(positive.sum())
    if min(good, len(positive) - good) < max(1, min_events):
        said = f"{label}: {good:,} favourable and {len(positive) - good:,} other outcomes; at least {min_events} of each are needed."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=len(positive), where=where, details=details)
    found = calibration_of(p, positive, bins)
    off, fit = found.predicted - found.observed, found.fit
    verdict, why = _group_verdict(found, off, low, high, gap_limit)
    slope = f"slope {fit.slope:.2f} (95% CI {fit.slope_interval[0]:.2f}-{fit.slope_interval[1]:.2f})" if fit else "no finite slope"
    return Finding(
        message=f"{label}: predicted risk {found.predicted:.1%}, seen {found.observed:.1%}; {slope}. {why}".strip(),
        verdict=verdict,
        measured=off,
        allowed=f"at most {gap_limit:g} either way; slope {low:g} to {high:g}",
        n=found.n,
        where=where,
        estimates=(Estimate(label=label, value=found.observed, interval=found.observed_interval, k=found.events, n=found.n),),
        reference=found.predicted,
        reference_label="predicted risk",
        details={**details, **found.details, "brier": found.brier, "ece": found.ece, "standard_deviations": found.deviations}
        | {
            "slope": fit.slope if fit else None,
            "intercept": fit.intercept if fit else None,
            "slope_and_intercept_p": fit.p if fit else None,
        },
    )


def _group_verdict(found: Calibration, off: float, low: float, high: float, limit: float) -> tuple[Verdict, str]:
    fit = found.fit
    if fit is None or found.deviations is None:
        return Verdict.INCONCLUSIVE, "The scores are all alike or separate the outcomes, so no line can be fitted."
    wrong = abs(off) > limit, not low <= fit.slope <= high
    sure = abs(found.deviations) > 1.959964, not fit.slope_interval[0] <= 1 <= fit.slope_interval[1]
    if wrong[0] and sure[0]:
        return Verdict.FAIL, f"Risk is {'over' if off > 0 else 'under'}-stated for this group by {abs(off):.1%}."
    if wrong[1] and sure[1]:
        return Verdict.FAIL, "The scores of this group are too extreme." if fit.slope < 1 else "The scores of this group are too timid."
    if any(wrong):
        return Verdict.INCONCLUSIVE, "It is outside what is allowed, but chance could do it: neither a finding nor a pass."
    return Verdict.PASS, ""

"""Does the model rank well, and better than a simple one?"""

from __future__ import annotations

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator
from mlgov_validators.ranking import Auc, auc, hanley_mcneil, ks, paired_difference
from mlgov_validators.scores import Scored, left_out, scored, too_few


@validator(
    "perf.discrim",
    title="Discrimination",
    needs=("scored", "score", "label"),
    stricter={"floor": "higher", "ks_floor": "higher", "min_events": "higher", "max_missing": "lower"},
)
def discrimination(
    subject: Subject, *, floor: float = 0.65, ks_floor: float = 0.20, min_events: int = 10, max_missing: float = 0.05
) -> list[Finding]:
    """Do the scores tell good outcomes from bad ones?

    AUC with DeLong's interval (1988; the Hanley-McNeil standard error of 1982 stands beside it as a check), Gini = 2*AUC - 1, and
    KS, the largest distance between the two classes' distributions. A higher score means the favourable value of the label.

    fail: AUC under `floor`, or KS under `ks_floor`; also for a constant score, and for scores that run the wrong way (AUC under 0.5).
    warn: AUC over the floor while its interval reaches below it; perfect separation (look for leakage); rows left out.
    inconclusive: one class only; fewer than `min_events` cases in either class; more than the share `max_missing` of rows without
    score or label; a score that is no number.

    Source: house; 0.65 for credit, KS 0.20. SR 26-2 leaves thresholds to the firm. DeLong, DeLong & Clarke-Pearson 1988.

    Fix: Revisit features, target and sample. A change of the floor needs approval before the next run.
    """
    data = scored(subject, (subject.roles.score,))
    few = too_few(data, min_events)
    if few:
        return [few, *left_out(data, max_missing)]
    score = data.scores[0]
    area, distance = auc(score, data.positive), ks(score, data.positive)
    verdict, why = _against(area, floor, constant=bool((score == score[0]).all()))
    good, bad = data.events
    found = Finding(
        message=f"{_area(area)} {why}",
        verdict=verdict,
        measured=area.value,
        allowed=f"at least {floor:g}",
        n=data.used,
        interval=area.interval(),
        where=subject.roles.score,
        details={"gini": 2 * area.value - 1, "positives": good, "negatives": bad, "interval_method": "DeLong"}
        | {"standard_error": area.variance**0.5, "hanley_mcneil": hanley_mcneil(area.value, good, bad)},
    )
    return [found, _distance(distance, ks_floor, data, subject.roles.score), *left_out(data, max_missing)]


def _area(area: Auc) -> str:
    interval = area.interval()
    return f"AUC {area.value:.3f} (95% CI {interval[0]:.3f}-{interval[1]:.3f})" if interval else f"AUC {area.value:.3f}"


def _against(area: Auc, floor: float, *, constant: bool) -> tuple[Verdict, str]:
    interval = area.interval()
    if constant:
        return Verdict.FAIL, f"is under the floor {floor:g}: every row has the same score."
    if area.value < 0.5:
        return Verdict.FAIL, f"is under the floor {floor:g}: the scores run the wrong way; a higher score must mean the favourable value."
    if area.value < floor:
        return Verdict.FAIL, f"is under the floor {floor:g}."
    if interval is None:
        return Verdict.WARN, "separates the classes perfectly. Real scores do not: look for the outcome among the features."
    if interval[0] < floor:
        return Verdict.WARN, f"is over the floor {floor:g}, but its interval reaches below it."
    return Verdict.PASS, f"is over the floor {floor:g}."


def _distance(distance: float, floor: float, data: Scored, where: str) -> Finding:
    under = distance < floor
    said = f"KS {distance:.3f} is {'under' if under else 'over'} the floor {floor:g}."
    verdict = Verdict.FAIL if under else Verdict.PASS
    return Finding(message=said, verdict=verdict, measured=distance, allowed=f"at least {floor:g}", n=data.used, where=where)


@validator(
    "perf.benchmark",
    title="Against the simple baseline",
    needs=("scored", "score", "label", "baseline"),
    stricter={"margin": "lower", "gain": "higher", "min_events": "higher", "max_missing": "lower"},
)
def benchmark(
    subject: Subject, *, margin: float = 0.01, gain: float = 0.005, min_events: int = 10, max_missing: float = 0.05
) -> list[Finding]:
    """Is the model better than a simple, transparent one on the same rows?

    Paired DeLong test of the AUC of `score` against the AUC of `baseline`.

    fail: the lower end of the interval of (model - baseline) is under -`margin`: it may well be worse.
    warn: it gains less than `gain`, too little to pay for a complex model; rows left out.
    inconclusive: as for perf.discrim.

    Source: margin 0.01 and gain 0.005 are house figures. SR 26-2 sec V.1.a names benchmarking as one way to check conceptual soundness.

    Fix: Keep the simple model, or argue other gains in writing.
    """
    roles = subject.roles
    data = scored(subject, (roles.score, roles.baseline))
    few = too_few(data, min_events)
    if few:
        return [few, *left_out(data, max_missing)]
    model, simple = (auc(score, data.positive) for score in data.scores)
    gap, interval, p = paired_difference(model, simple)
    lower = interval[0] if interval else gap
    shown = f" (95% CI {interval[0]:+.3f} to {interval[1]:+.3f})" if interval else ""
    verb = "loses" if gap < 0 else "gains"
    said = f"The model {verb} {abs(gap):.3f} AUC against {roles.baseline}{shown}: {model.value:.3f} against {simple.value:.3f}."
    if lower < -margin:
        verdict, why = Verdict.FAIL, f"The margin is {margin:g}, and the interval reaches below it."
    elif gap < gain:
        verdict, why = Verdict.WARN, f"That is less than {gain:g}: the simple model does as well."
    else:
        verdict, why = Verdict.PASS, ""
    found = Finding(
        message=f"{said} {why}".strip(),
        verdict=verdict,
        measured=gap,
        allowed=f"lower end at least {-margin:g}",
        n=data.used,
        interval=interval,
        where=roles.score,
        details={"auc": model.value, "auc_baseline": simple.value, "p": p, "interval_method": "paired DeLong"},
    )
    return [found, *left_out(data, max_missing)]

"""Does the model rank well, and better than a simple one?"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.sdk import Finding, Subject, Verdict, validator
from mlgov_validators.decisions import AtCutoff, at_cutoff, cost_difference, discord
from mlgov_validators.error_rates import cutoff
from mlgov_validators.ranking import Auc, auc, average_precision, hanley_mcneil, ks, paired_difference, roc
from mlgov_validators.scores import Scored, left_out, scored, too_few

FRAUD_FLOOR = 0.80  # a house figure


@validator(
    "perf.discrim",
    title="Discrimination",
    version="1.1",
    needs=("scored", "score", "label"),
    uses=("register",),
    stricter={
        "floor": "higher",
        "ks_floor": "higher",
        "pr_floor": "higher",
        "precision_floor": "higher",
        "recall_floor": "higher",
        "min_events": "higher",
        "max_missing": "lower",
    },
)
def discrimination(
    subject: Subject,
    *,
    floor: float = 0.65,
    ks_floor: float = 0.20,
    pr_floor: float = 0.0,
    precision_floor: float = 0.0,
    recall_floor: float = 0.0,
    min_events: int = 10,
    max_missing: float = 0.05,
) -> list[Finding]:
    """Do the scores tell good outcomes from bad ones?

    AUC with DeLong's interval (1988; the Hanley-McNeil standard error of 1982 stands beside it as a check), Gini = 2*AUC - 1, and
    KS, the largest distance between the two classes' distributions. A higher score means the favourable value of the label. For the
    rarer of the two outcomes: area under the precision-recall curve (by steps; by chance it is the outcome's share) and, at the declared
    `cutoff`, precision and recall with Wilson's intervals. They are judged where a floor over 0 is set for them.

    Where `use` under [model] names fraud, the floor of AUC is 0.80 at least. When a floor was agreed on is told by the trail (the
    thresholds are fixed there before anything is measured).

    fail: AUC under `floor`, KS under `ks_floor`, or one of the other floors not reached; also for a constant score, and for scores that
    run the wrong way (AUC under 0.5).
    warn: AUC over the floor while its interval reaches below it; perfect separation (look for leakage); rows left out.
    inconclusive: one class only; fewer than `min_events` cases in either class; more than the share `max_missing` of rows without
    score or label; a score that is no number; precision or recall asked for without a `cutoff`, or undefined at it.

    Source: house; 0.65 for credit, 0.80 for fraud, KS 0.20. SR 26-2 leaves thresholds to the firm. DeLong, DeLong & Clarke-Pearson 1988.

    Fix: Revisit features, target and sample. A change of the floor needs approval before the next run.
    """
    data = scored(subject, (subject.roles.score,))
    few = too_few(data, min_events)
    if few:
        return [few, *left_out(data, max_missing)]
    if any("fraud" in use.lower() for use in subject.scope.use):
        floor = max(floor, FRAUD_FLOOR)
    score = data.scores[0]
    area, distance = auc(score, data.positive), ks(score, data.positive)
    verdict, why = _against(area, floor, constant=bool((score == score[0]).all()))
    good, bad = data.events
    rare = _rare(subject, data)
    found = Finding(
        message=f"{_area(area)} {why} PR-AUC {rare.area:.3f} for the {rare.name}, {rare.share:.1%} of rows.",
        verdict=verdict,
        measured=area.value,
        allowed=f"at least {floor:g}",
        n=data.used,
        interval=area.interval(),
        where=subject.roles.score,
        details={"gini": 2 * area.value - 1, "positives": good, "negatives": bad, "interval_method": "DeLong"}
        | {"standard_error": area.variance**0.5, "hanley_mcneil": hanley_mcneil(area.value, good, bad)}
        | {"pr_auc": rare.area, "rarer": rare.name, "rarer_share": rare.share, **(rare.at.details if rare.at else {})}
        | {"roc": roc(score, data.positive), "sql": data.sql},
    )
    floors: dict[str, tuple[float | None, float]] = {"PR-AUC": (rare.area, pr_floor)}
    floors["precision"] = (rare.at.precision if rare.at else None, precision_floor)
    floors["recall"] = (rare.at.recall if rare.at else None, recall_floor)
    asked = [_floor(name, value, least, rare, data) for name, (value, least) in floors.items() if least > 0]
    return [found, _distance(distance, ks_floor, data, subject.roles.score), *asked, *left_out(data, max_missing)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rare:
    """How the rarer outcome is found: its share of rows, the area under its precision-recall curve, the decisions at the cutoff."""

    name: str
    share: float
    area: float
    at: AtCutoff | None


def _rare(subject: Subject, data: Scored) -> Rare:
    good, bad = data.events
    score, cut = data.scores[0], cutoff(subject)
    favourable = good <= bad
    there = data.positive if favourable else ~data.positive
    at = None if cut is None else at_cutoff(score >= cut if favourable else score < cut, there)
    name = "favourable outcome" if favourable else "unfavourable outcome"
    return Rare(name=name, share=min(good, bad) / data.used, area=average_precision(score if favourable else -score, there), at=at)


def _floor(name: str, value: float | None, least: float, rare: Rare, data: Scored) -> Finding:
    if value is None:
        lack = "no cutoff is declared" if rare.at is None else "nothing is flagged at the cutoff"
        said = f"The {name} for the {rare.name} is undefined: {lack}."
        return Finding(message=said, verdict=Verdict.INCONCLUSIVE, allowed=f"at least {least:g}", n=data.used)
    under = value < least
    return Finding(
        message=f"The {name} for the {rare.name} is {value:.3f}, {'under' if under else 'not under'} the floor {least:g}.",
        verdict=Verdict.FAIL if under else Verdict.PASS,
        measured=value,
        allowed=f"at least {least:g}",
        n=data.used,
    )


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
    title="Against champion and simple baseline",
    needs=("scored", "score", "label", "baseline"),
    uses=("champion",),
    stricter={"margin": "lower", "gain": "higher", "min_events": "higher", "max_missing": "lower"},
)
def benchmark(
    subject: Subject,
    *,
    margin: float = 0.01,
    gain: float = 0.005,
    cost_approved: float = 1.0,
    cost_refused: float = 1.0,
    draws: int = 2000,
    min_events: int = 10,
    max_missing: float = 0.05,
) -> list[Finding]:
    """Is the model no worse than the live one, and better than a simple, transparent one, on the same rows?

    Paired DeLong test (1988) of the AUC of `score` against the AUC of `baseline`, and of `champion` where one is named: non-inferiority
    with a margin that is set before. Where a `cutoff` is declared (it is applied to all scores alike): McNemar's test on the rows where
    one model alone is right, exact when they are fewer than 25, else chi-square with the continuity correction; and a paired bootstrap
    of the cost of a row, drawn from the counts of the eight kinds of rows. `cost_approved` is the cost of approving a bad case,
    `cost_refused` that of refusing a good one.

    fail: the lower end of the interval of (model - other) is under -`margin`: it may well be worse.
    warn: it gains less than `gain` on the simple model, too little to pay for a complex one; its decisions are worse (McNemar's p under
    0.05), or cost more (interval above 0); rows left out.
    inconclusive: as for perf.discrim.

    Source: margin 0.01 and gain 0.005 are house figures. SR 26-2 sec V.1.a names benchmarking as one way to check conceptual soundness.

    Fix: Keep the champion or the simple model, or argue other gains in writing.
    """
    roles = subject.roles
    others = tuple(dict.fromkeys(filter(None, (roles.baseline, roles.champion))))
    data = scored(subject, (roles.score, *others))
    few = too_few(data, min_events)
    if few:
        return [few, *left_out(data, max_missing)]
    cut = cutoff(subject)
    findings: list[Finding] = []
    for place, other in enumerate(others, start=1):
        findings.append(_against_other(data, place, roles.score, other, margin, gain if other == roles.baseline else -1.0))
        if cut is not None:
            findings.append(_decisions(data, place, other, cut))
            findings.append(_cost(data, place, other, cut, cost_approved, cost_refused, draws))
    return [*findings, *left_out(data, max_missing)]


def _against_other(data: Scored, place: int, score: str, name: str, margin: float, gain: float) -> Finding:
    model, other = auc(data.scores[0], data.positive), auc(data.scores[place], data.positive)
    gap, interval, p = paired_difference(model, other)
    lower = interval[0] if interval else gap
    shown = f" (95% CI {interval[0]:+.3f} to {interval[1]:+.3f})" if interval else ""
    verb = "loses" if gap < 0 else "gains"
    said = f"The model {verb} {abs(gap):.3f} AUC against {name}{shown}: {model.value:.3f} against {other.value:.3f}."
    if lower < -margin:
        verdict, why = Verdict.FAIL, f"The margin is {margin:g}, and the interval reaches below it."
    elif gap < gain:
        verdict, why = Verdict.WARN, f"That is less than {gain:g}: the simple model does as well."
    else:
        verdict, why = Verdict.PASS, ""
    return Finding(
        message=f"{said} {why}".strip(),
        verdict=verdict,
        measured=gap,
        allowed=f"lower end at least {-margin:g}",
        n=data.used,
        interval=interval,
        where=score,
        details={
            "auc": model.value,
            "auc_baseline": other.value,
            "against": name,
            "p": p,
            "interval_method": "paired DeLong",
            "sql": data.sql,
        },
    )


def _decisions(data: Scored, place: int, name: str, cut: float) -> Finding:
    found = discord(data.scores[0] >= cut, data.scores[place] >= cut, data.positive)
    worse = found.theirs > found.ours and found.p < 0.05
    said = f"At {cut:g} the model alone is right on {found.ours:,} rows, {name} alone on {found.theirs:,} (McNemar p={found.p:.3g})."
    return Finding(
        message=said + (" Its decisions are worse." if worse else ""),
        verdict=Verdict.WARN if worse else Verdict.PASS,
        measured=(found.ours - found.theirs) / data.used,
        allowed="not worse at p 0.05",
        n=data.used,
        where=name,
        details={"ours_alone": found.ours, "theirs_alone": found.theirs, "p": found.p, "test": f"McNemar, {found.test}"},
    )


def _cost(data: Scored, place: int, name: str, cut: float, approved: float, refused: float, draws: int) -> Finding:
    ours, theirs = data.scores[0] >= cut, data.scores[place] >= cut
    mean, interval = cost_difference(ours, theirs, data.positive, approved, refused, draws)
    dearer = interval is not None and interval[0] > 0
    shown = f" (95% CI {interval[0]:+.4f} to {interval[1]:+.4f})" if interval else ""
    return Finding(
        message=f"A row costs {mean:+.4f} more than under {name}{shown}." + (" The model is dearer." if dearer else ""),
        verdict=Verdict.WARN if dearer else Verdict.PASS,
        measured=mean,
        allowed="interval not above 0",
        n=data.used,
        interval=interval,
        where=name,
        details={"cost_approved": approved, "cost_refused": refused, "draws": draws, "interval_method": "paired bootstrap from counts"},
    )

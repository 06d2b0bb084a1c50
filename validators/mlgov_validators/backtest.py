"""What was predicted against what came: rating grades, bands of the score, days over a loss limit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jupyter_mlgov.sdk import Estimate, Finding, Missing, Subject, Verdict, validator
from mlgov_validators.intervals import clopper_pearson, holm, jeffreys
from mlgov_validators.scores import left_out, probability, scored
from mlgov_validators.values import same, text_of

MOST_DAYS = 100_000
GREEN, YELLOW = 0.95, 0.9999  # chance of at most that many exceptions (Basel traffic light)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """`defaults` of `n` in one grade, against a mean predicted probability of default `pd`."""

    label: str
    n: int
    defaults: int
    pd: float


def jeffreys_p(defaults: int, n: int, pd: float) -> float:
    """Chance that the true default rate is at most `pd` given what was seen, under Jeffreys' prior: BetaCDF(pd; D + 1/2, N - D + 1/2)."""
    from scipy.special import betainc

    return float(betainc(defaults + 0.5, n - defaults + 0.5, pd))


def binomial_p(defaults: int, n: int, pd: float) -> float:
    """Chance of this many defaults or more if `pd` is true."""
    from scipy.stats import binom

    return float(binom.sf(defaults - 1, n, pd))


def kupiec(exceptions: int, days: int, rate: float) -> tuple[float, float]:
    """Likelihood ratio and p (chi-square, 1 df) of the share of failures being `rate` (Kupiec 1995)."""
    statistic = 2 * (_log_likelihood(exceptions, days, exceptions / days) - _log_likelihood(exceptions, days, rate))
    return max(0.0, statistic), math.erfc(math.sqrt(max(0.0, statistic) / 2))


def christoffersen(days: Sequence[bool]) -> tuple[float, float] | None:
    """Likelihood ratio and p (1 df) of exceptions coming independently of the day before (Christoffersen 1998); None where undefined."""
    pairs = list(pairwise(days))
    after_none, after_one = [b for a, b in pairs if not a], [b for a, b in pairs if a]
    if not after_none or not after_one:
        return None
    hits = sum(after_none), sum(after_one)
    apart = sum(_log_likelihood(k, len(n), k / len(n)) for k, n in zip(hits, (after_none, after_one), strict=True))
    statistic = max(0.0, 2 * (apart - _log_likelihood(sum(hits), len(pairs), sum(hits) / len(pairs))))
    return statistic, math.erfc(math.sqrt(statistic / 2))


def traffic_light(exceptions: int, days: int, rate: float) -> tuple[str, float]:
    """Zone and the chance of at most so many exceptions: green to 95 %, yellow to 99.99 % (at 250 days and 1 %: 0-4, 5-9, 10+)."""
    from scipy.stats import binom

    chance = float(binom.cdf(exceptions, days, rate))
    return ("green" if chance < GREEN else "yellow" if chance < YELLOW else "red"), chance


def _log_likelihood(k: int, n: int, rate: float) -> float:
    """Of `k` in `n`, where 0 * log 0 is 0."""
    first = k * math.log(rate) if k else 0.0
    return first + ((n - k) * math.log1p(-rate) if n > k else 0.0)


@validator(
    "perf.backtest",
    title="Outcomes analysis / back-testing",
    needs=("scored",),
    uses=("score", "label", "grade", "exceeded", "time"),
    stricter={"warn_p": "higher", "fail_p": "higher", "min_n": "higher", "max_missing": "lower"},
)
def backtest(
    subject: Subject,
    *,
    warn_p: float = 0.05,
    fail_p: float = 0.01,
    var_level: float = 0.99,
    min_n: int = 30,
    min_days: int = 250,
    max_missing: float = 0.05,
) -> list[Finding]:
    """Did what was predicted come true, grade by grade or day by day?

    Where `score` and `label` are named: defaults (outcomes that are not favourable) against the mean predicted risk, 1 - score, in each
    `grade`, or in ten bands of the score where no grade is named. Jeffreys test, p = BetaCDF(PD; D + 1/2, N - D + 1/2), with the exact
    binomial beside it; Holm over the grades. One-sided: too many defaults is what it looks for. Where `exceeded` is named (1 on a day
    when the loss went over the limit; rows in time order): Kupiec's share of failures (1995), Christoffersen's independence (1998), and
    the Basel traffic light by cumulative probability, 95 % and 99.99 % (0-4, 5-9, 10+ of 250 days at 99 %).

    fail: a grade's p after Holm under `fail_p`; Kupiec's p under it with too many exceptions, or the red zone.
    warn: p under `warn_p`, the yellow zone, exceptions that come in runs (Christoffersen's p under `warn_p`), rows left out.
    inconclusive: fewer than `min_n` cases in a grade, or than `min_days` days; a score that is no probability; neither kind of column
    named; days without a value; more than the share `max_missing` of rows left out.

    Source: ECB 2019 instructions for validation reporting (from memory, not checked); Kupiec 1995; Christoffersen 1998; Basel MAR99/32
    (from memory, not checked). p 0.05 and 0.01 are house figures.

    Fix: Recalibrate; an overlay with an expiry date; where it comes again, redevelop.
    """
    roles = subject.roles
    findings: list[Finding] = []
    if roles.score and subject.label:
        findings += _grades(subject, warn_p, fail_p, min_n, max_missing)
    if roles.exceeded:
        findings += _days(subject, warn_p, fail_p, 1 - var_level, min_days)
    if findings:
        return findings
    said = "No score with a label and no column of exceptions is named, so nothing predicted can be held against what came."
    if subject.is_table:
        return [Finding(message=said, verdict=Verdict.NOT_APPLICABLE)]
    raise Missing(said, next="Declare `score` and `label`, or `exceeded`, under [subject] in mlgov.toml.")


def _grades(subject: Subject, warn_p: float, fail_p: float, min_n: int, max_missing: float) -> list[Finding]:
    import numpy as np

    data = scored(subject, (subject.roles.score,), by=subject.roles.grade)
    risk, bad = 1 - probability(subject, data), ~data.positive
    if not data.used:
        raise Missing("No row has both a score and a label.")
    if data.codes is None:
        edges = np.unique(np.quantile(risk, np.linspace(0, 1, 11)))
        codes = np.searchsorted(edges[1:-1], risk)
        names = {int(place): f"band {place + 1} of the score" for place in np.unique(codes)}
    else:
        codes = data.codes
        names = {place: f"{subject.roles.grade} = {name}" for place, name in enumerate(data.groups)}
    grades = []
    for place, name in names.items():
        rows = codes == place
        if rows.any():
            grades.append(Grade(label=name, n=int(rows.sum()), defaults=int(bad[rows].sum()), pd=float(np.sort(risk[rows]).mean())))
    corrected = holm([jeffreys_p(one.defaults, one.n, one.pd) for one in grades])
    where = subject.roles.grade or subject.roles.score
    found = [_grade(one, p, warn_p, fail_p, min_n, where, data.sql) for one, p in zip(grades, corrected, strict=True)]
    return [*found, *left_out(data, max_missing)]


def _grade(one: Grade, p: float, warn_p: float, fail_p: float, min_n: int, where: str, sql: str) -> Finding:
    bare = jeffreys_p(one.defaults, one.n, one.pd)
    said = (
        f"{one.label}: {one.defaults:,} defaults of {one.n:,}, {one.n * one.pd:.1f} expected; chance of this or worse {p:.3f} after Holm."
    )
    if one.n < min_n:
        verdict, why = Verdict.INCONCLUSIVE, f" At least {min_n} cases are needed."
    elif p < fail_p:
        verdict, why = Verdict.FAIL, " Risk is under-stated."
    elif p < warn_p:
        verdict, why = Verdict.WARN, " Risk may be under-stated."
    else:
        verdict, why = Verdict.PASS, ""
    rate = one.defaults / one.n
    return Finding(
        message=said + why,
        verdict=verdict,
        measured=rate,
        allowed=f"p at least {fail_p:g} after Holm",
        n=one.n,
        interval=jeffreys(one.defaults, one.n),
        where=where,
        estimates=(Estimate(label=one.label, value=rate, interval=jeffreys(one.defaults, one.n), k=one.defaults, n=one.n),),
        reference=one.pd,
        reference_label="predicted",
        details={"grade": one.label, "defaults": one.defaults, "expected": one.n * one.pd, "pd": one.pd, "p": p, "p_jeffreys": bare}
        | {"p_binomial": binomial_p(one.defaults, one.n, one.pd), "p_adjustment": "Holm", "interval_method": "Jeffreys", "sql": sql},
    )


def _days(subject: Subject, warn_p: float, fail_p: float, rate: float, min_days: int) -> list[Finding]:
    days, sql = _exceptions(subject)
    count, hits = len(days), sum(days)
    where = subject.roles.exceeded
    details: dict[str, object] = {"days": count, "exceptions": hits, "rate": rate, "sql": sql}
    if count < min_days:
        said = f"{count:,} days with {hits:,} exceptions; at least {min_days:,} days are needed."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=count, where=where, details=details)]
    statistic, p = kupiec(hits, count, rate)
    zone, chance = traffic_light(hits, count, rate)
    many = hits > count * rate
    said = f"{hits:,} exceptions in {count:,} days, {count * rate:.1f} expected: Kupiec {statistic:.2f} (p={p:.3g}), {zone} zone."
    verdict = Verdict.FAIL if zone == "red" or (many and p < fail_p) else Verdict.WARN if zone == "yellow" or p < warn_p else Verdict.PASS
    first = Finding(
        message=said,
        verdict=verdict,
        measured=hits / count,
        allowed=f"about {rate:.2%}",
        n=count,
        interval=clopper_pearson(hits, count),
        where=where,
        details={**details, "kupiec": statistic, "kupiec_p": p, "zone": zone, "cumulative_probability": chance},
    )
    return [first, _runs(days, statistic, warn_p, where, details)]


def _runs(days: Sequence[bool], unconditional: float, warn_p: float, where: str, details: Mapping[str, object]) -> Finding:
    found = christoffersen(days)
    if found is None:
        said = "Whether exceptions come in runs is undefined: no day follows an exception."
        return Finding(message=said, verdict=Verdict.NOT_APPLICABLE, n=len(days), where=where, details=details)
    statistic, p = found
    together = unconditional + statistic
    said = f"Exceptions {'come in runs' if p < warn_p else 'show no runs'}: Christoffersen {statistic:.2f} (p={p:.3g})."
    return Finding(
        message=said,
        verdict=Verdict.WARN if p < warn_p else Verdict.PASS,
        measured=statistic,
        allowed=f"p at least {warn_p:g}",
        n=len(days),
        where=where,
        details={**details, "p": p, "conditional_coverage": together, "conditional_coverage_p": math.exp(-together / 2)},
    )


def _exceptions(subject: Subject) -> tuple[list[bool], str]:
    """The days in their order. Raises Missing for other values than yes and no, and where the order is not kept."""
    column = subject.roles.exceeded
    time = subject.roles.time
    if not time and not subject.local:
        raise Missing(f"Rows that live elsewhere have no order, and {column} needs one.", next="Name the column `time` as well.")
    table = subject.columns(column, *([time] if time else []))
    ordered = table.order_by(table[time]) if time else table
    answer = subject.ask(ordered.select(mlgov_exceeded=ordered[column]).limit(MOST_DAYS + 1))
    texts = [text_of(value) for value in answer.table.column("mlgov_exceeded").to_pylist()]
    wrong = sorted({str(text)[:20] for text in texts if text is None or not (same(text, "0") or same(text, "1"))})
    if wrong or len(texts) > MOST_DAYS:
        raise Missing(f"{column} must be 0 or 1 on each of at most {MOST_DAYS:,} days. Seen: {', '.join(wrong[:5]) or 'more rows'}.")
    return [same(str(text), "1") for text in texts], answer.sql

"""Does a gap survive the factors that may explain it? Strata first; a logit where a factor is a measure rather than a class."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Estimate, Finding, Subject, Verdict, validator
from mlgov_validators.cells import Axis, Cells, decision_axis, favourable_of, group_axis, tally
from mlgov_validators.groups import Group, kept_back, reference
from mlgov_validators.intervals import Interval, critical, holm, two_sided
from mlgov_validators.stratified import Stratum, breslow_day, common_odds_ratio, mantel_haenszel_test, risk_difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST_CLASSES = 20  # of a factor; a number with more is a measure

Table = Mapping[tuple[str, ...], Mapping[str, tuple[int, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """The gap (group minus reference) with the factors held still, and the odds ratio behind it; None where undefined."""

    method: str
    odds: float | None
    odds_interval: Interval | None
    p: float | None
    gap: float | None
    gap_interval: Interval | None
    strata: int
    other_way: int
    homogeneity: float | None
    details: Mapping[str, object]


@validator(
    "fair.conditional",
    title="Gap after legitimate factors",
    version="1.1",
    needs=("scored", "outcome", "protected", "legitimate"),
    stricter={"effect": "lower", "alpha": "higher", "max_missing": "lower", "min_cell": "higher"},
)
def conditional(
    subject: Subject, *, effect: float = 0.02, alpha: float = 0.05, min_n: int = 30, max_missing: float = 0.2, min_cell: int = 0
) -> list[Finding]:
    """Does the gap between groups survive the factors that may lawfully explain it?

    Each combination of the declared factors (`legitimate`) is a stratum. Mantel-Haenszel common odds ratio (1959, variance of Robins,
    Breslow & Greenland 1986) and risk difference (Sato 1989) against the reference group of fair.air; Breslow-Day for one odds ratio in
    all strata. Where a factor is a number with more than 20 values: a logit with a group indicator, its odds ratio and the average
    marginal effect. Raw and adjusted gap stand side by side (Simpson's paradox). Holm over the groups of one protected column.

    fail: the odds ratio differs from 1 (p after Holm under `alpha`) and the group's adjusted gap is over `effect` to its harm.
    inconclusive: a person must look, for the gap changes direction once the factors are held still, or Breslow-Day's p is under 0.05
    (the strata do not agree); the adjusted gap is over `effect` but can be chance; fewer than `min_n` cases in either group; nothing to
    compare (an odds ratio of 0 or infinity has no interval, and its p is that of the Mantel-Haenszel test); more than the share
    `max_missing` of rows left out.
    warn: a gap under `effect` that is not chance; one that favours the group; rows left out.

    Source: Mantel & Haenszel 1959; effect size 0.02 is a house figure.

    Fix: Have the factors approved as legitimate by compliance before anybody looks at the result; the list is part of the evidence.
    Where strata go other ways, look at each: one unit may hide another.
    """
    findings: list[Finding | None] = []
    for column in subject.roles.protected:
        findings += _column(subject, column, effect, alpha, min_n, max_missing, min_cell)
    return [found for found in findings if found]


def _column(
    subject: Subject, column: str, effect: float, alpha: float, min_n: int, max_missing: float, min_cell: int
) -> list[Finding | None]:
    roles = subject.roles
    factors = [Axis(column=name, most=20_000, beyond="so it makes no strata; band it first") for name in roles.legitimate]
    cells = tally(subject, (*factors, group_axis(column), decision_axis(roles.outcome)), groups=len(factors) + 1, min_cell=min_cell)
    good = favourable_of(roles.outcome, cells.values(len(factors) + 1), roles.favourable) if cells.counts else set()
    table, gone = _table(cells, good)
    groups = _groups(column, table)
    details: dict[str, object] = {
        "column": column,
        "factors": list(roles.legitimate),
        "rows": cells.rows,
        "left_out": gone,
        "sql": cells.sql,
    }
    notes = [_left_out(column, gone, cells.rows, max_missing), kept_back(column, cells.withheld, min_cell, details)]
    if len(groups) < 2:
        said = f"{column} has {len(groups)} groups in rows that have every factor: there is nothing to compare."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, details=details), *notes]
    base = reference(groups, min_n)
    others = [group for group in groups if group is not base]
    measures = _measures(subject, table)
    adjusted = [_adjust(table, group, base, column, measures) for group in others]
    p_values = iter(holm([one.p for one in adjusted if one.p is not None]))
    corrected = [next(p_values) if one.p is not None else None for one in adjusted]
    found = [_judged(group, base, one, p, effect, alpha, min_n, details) for group, one, p in zip(others, adjusted, corrected, strict=True)]
    return [*found, *notes]


def _table(cells: Cells, good: set[str]) -> tuple[dict[tuple[str, ...], dict[str, tuple[int, int]]], int]:
    """(favourable, all) by stratum and group, and the rows that lack a factor, a group or an outcome."""
    table: dict[tuple[str, ...], dict[str, tuple[int, int]]] = {}
    gone = 0
    for key, rows in sorted(cells.counts.items(), key=str):
        known = [text for text in key if text is not None]
        if len(known) < len(key):
            gone += rows
            continue
        *factors, group, outcome = known
        stratum = table.setdefault(tuple(factors), {})
        k, n = stratum.get(group, (0, 0))
        stratum[group] = (k + (rows if outcome in good else 0), n + rows)
    return table, gone


def _groups(column: str, table: Table) -> tuple[Group, ...]:
    favourable: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stratum in table.values():
        for name, (k, n) in stratum.items():
            favourable[name] += k
            whole[name] += n
    return tuple(Group(label=f"{column} = {name}", k=favourable[name], n=whole[name]) for name in sorted(whole))


def _measures(subject: Subject, table: Table) -> tuple[bool, ...]:
    """For each factor: is it a number with more values than make classes?"""
    names = subject.roles.legitimate
    types = subject.columns(*names).schema()
    different = [len({key[place] for key in table}) for place in range(len(names))]
    return tuple(types[name].is_numeric() and count > MOST_CLASSES for name, count in zip(names, different, strict=True))


def _adjust(table: Table, group: Group, base: Group, column: str, measures: tuple[bool, ...]) -> Adjusted:
    name, name_ref = (one.label.removeprefix(f"{column} = ") for one in (group, base))
    if any(measures):
        return logit_gap(table, name, name_ref, measures)
    strata = [(*stratum.get(name, (0, 0)), *stratum.get(name_ref, (0, 0))) for stratum in table.values()]
    return stratified_gap([one for one in strata if one[1] and one[3]])


def stratified_gap(strata: list[Stratum]) -> Adjusted:
    """Mantel-Haenszel over strata that hold both groups."""
    common, difference = common_odds_ratio(strata), risk_difference(strata)
    agree = breslow_day(strata)
    test = mantel_haenszel_test(strata)
    way = difference[0] if difference else 0.0
    other = sum((k / n - k_ref / n_ref) * way < 0 for k, n, k_ref, n_ref in strata)
    return Adjusted(
        method="Mantel-Haenszel",
        odds=common.value if common else None,
        odds_interval=common.interval() if common else None,
        p=common.p if common else test[1] if test else None,
        gap=difference[0] if difference else None,
        gap_interval=difference[1] if difference else None,
        strata=len(strata),
        other_way=other,
        homogeneity=agree[2] if agree else None,
        details={"mantel_haenszel_chi2": test[0] if test else None, "mantel_haenszel_p": test[1] if test else None}
        | {"breslow_day": agree[0] if agree else None, "breslow_day_p": agree[2] if agree else None},
    )


def logit_gap(table: Table, name: str, name_ref: str, measures: tuple[bool, ...]) -> Adjusted:
    """A logit of the outcome on the group and the factors; the gap is the average marginal effect with its delta-method interval."""
    import numpy as np

    from mlgov_validators.logistic import chance, fit_logit

    keys = [(key, one) for key, stratum in table.items() for one in (name, name_ref) if one in stratum]
    k = np.array([table[key][one][0] for key, one in keys], dtype=float)
    n = np.array([table[key][one][1] for key, one in keys], dtype=float)
    inside = np.array([float(one == name) for _, one in keys])
    columns = np.column_stack([np.ones(len(keys)), inside, *_coded([key for key, _ in keys], measures)])
    fit = fit_logit(columns, k, n)
    empty = Adjusted(
        method="logit", odds=None, odds_interval=None, p=None, gap=None, gap_interval=None, strata=len(table), other_way=0,
        homogeneity=None, details={},
    )  # fmt: skip
    if fit is None:
        return empty
    b, error = float(fit.coefficients[1]), fit.error(1)
    half = critical(0.95) * error
    with_, without = columns.copy(), columns.copy()
    with_[:, 1], without[:, 1] = 1.0, 0.0
    p1, p0 = chance(with_ @ fit.coefficients), chance(without @ fit.coefficients)
    effect = float(np.sum(n * (p1 - p0)) / n.sum())
    slope = ((n * p1 * (1 - p1)) @ with_ - (n * p0 * (1 - p0)) @ without) / n.sum()
    spread = critical(0.95) * math.sqrt(float(slope @ fit.covariance @ slope))
    return Adjusted(
        method="logit",
        odds=math.exp(b),
        odds_interval=(math.exp(b - half), math.exp(b + half)),
        p=two_sided(b / error),
        gap=effect,
        gap_interval=(effect - spread, effect + spread),
        strata=len(table),
        other_way=0,
        homogeneity=None,
        details={"coefficient": b, "standard_error": error, "columns": columns.shape[1]},
    )


def _coded(keys: list[tuple[str, ...]], measures: tuple[bool, ...]) -> list[Numbers]:
    """Design columns: a measure as it is, centred and scaled; a class as indicators of all values but the first."""
    import numpy as np

    columns: list[Numbers] = []
    for place, measure in enumerate(measures):
        values = [key[place] for key in keys]
        if measure:
            numbers = np.array([float(value) for value in values])
            columns.append((numbers - numbers.mean()) / (numbers.std() or 1.0))
        else:
            columns += [np.array([float(value == one) for value in values]) for one in sorted(set(values))[1:]]
    return columns


def _judged(
    group: Group, base: Group, found: Adjusted, p: float | None, effect: float, alpha: float, min_n: int, details: Mapping[str, object]
) -> Finding:
    raw = group.rate - base.rate
    verdict, why = _verdict(group, base, found, p, raw, effect, alpha, min_n)
    shown = "undefined" if found.gap is None else f"{found.gap:+.1%}"
    within = f"within {found.strata:,} strata" if found.method == "Mantel-Haenszel" else "at equal factors (logit)"
    ways = f" {found.other_way} strata go the other way." if found.other_way else ""
    odds = (
        f" Odds ratio {found.odds:.3g} (95% CI {found.odds_interval[0]:.3g}-{found.odds_interval[1]:.3g})."
        if found.odds and found.odds_interval
        else ""
    )
    return Finding(
        message=f"{group.label} against {base.label}: the raw gap is {raw:+.1%}; {within} it is {shown}.{ways}{odds} {why}",
        verdict=verdict,
        measured=found.gap,
        allowed=f"at most {effect:g} to the group's harm",
        n=group.n,
        interval=found.gap_interval,
        where=str(details["column"]),
        estimates=tuple(Estimate(label=one.label, value=one.rate, interval=one.interval, k=one.k, n=one.n) for one in (group, base)),
        reference=base.rate,
        reference_label=base.label,
        details={
            **details,
            "group": group.label,
            "reference": base.label,
            "method": found.method,
            "raw_gap": raw,
            "adjusted_gap": found.gap,
        }
        | {
            "odds_ratio": found.odds,
            "odds_interval": list(found.odds_interval) if found.odds_interval else None,
            "p": p,
            "p_adjustment": "Holm",
        }
        | {"strata": found.strata, "strata_other_way": found.other_way, **found.details},
    )


def _verdict(
    group: Group, base: Group, found: Adjusted, p: float | None, raw: float, effect: float, alpha: float, min_n: int
) -> tuple[Verdict, str]:
    if min(group.n, base.n) < min_n:
        return (
            Verdict.INCONCLUSIVE,
            f"With {group.n:,} and {base.n:,} cases this cannot be told; at least {min_n} are needed in each group.",
        )
    if found.gap is None or p is None:
        return Verdict.INCONCLUSIVE, "The odds ratio is undefined: the factors leave nothing to compare, or one outcome never occurs."
    if p < alpha and found.gap < -effect:
        return Verdict.FAIL, f"It survives the factors (p={p:.3g})."
    if raw * found.gap < 0 and max(abs(raw), abs(found.gap)) > effect:
        return Verdict.INCONCLUSIVE, "The gap changes direction once the factors are held still: a person must look."
    if found.homogeneity is not None and found.homogeneity < 0.05:
        return Verdict.INCONCLUSIVE, f"The strata do not agree (Breslow-Day p={found.homogeneity:.3g}): a person must look."
    if p < alpha:
        return Verdict.WARN, f"It is not chance (p={p:.3g}), and {'small' if found.gap <= 0 else 'to the good of the group'}."
    if found.gap < -effect:
        return Verdict.INCONCLUSIVE, f"It can be chance (p={p:.3g}), so it is neither a finding nor a pass."
    return Verdict.PASS, f"It can be chance (p={p:.3g})."


def _left_out(column: str, gone: int, rows: int, most: float) -> Finding | None:
    if not gone:
        return None
    verdict = Verdict.INCONCLUSIVE if gone > most * rows else Verdict.WARN
    said = f"{gone:,} of {rows:,} rows lack a factor, a value of {column} or an outcome. They were not judged."
    return Finding(message=said, verdict=verdict, measured=gone / rows, allowed=f"at most {most:.0%} left out", n=rows, where=column)

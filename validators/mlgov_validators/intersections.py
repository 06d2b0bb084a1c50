"""Groups where protected attributes meet: each cell of the cross product, the small ones listed and not passed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from jupyter_mlgov.sdk import Estimate, Finding, Missing, Subject, Verdict, validator
from mlgov_validators.cells import decision_axis, favourable_of, group_axis, tally
from mlgov_validators.fairness import EARLY, FOUR_FIFTHS, below, flips, short_of
from mlgov_validators.groups import Group, kept_back
from mlgov_validators.intervals import benjamini_hochberg, rate_gap_p, ratio_interval

MOST_CROSSED = 400
SHOWN = 10  # cells with fewer rows are named, never counted out loud

Cell = tuple[str, ...]


@validator(
    "fair.intersect",
    title="Intersectional groups",
    version="1.1",
    needs=("scored", "outcome", "protected"),
    stricter={"limit": "higher", "early": "higher", "q": "higher", "max_missing": "lower", "min_cell": "higher"},
)
def intersections(
    subject: Subject,
    *,
    limit: Fraction = FOUR_FIFTHS,
    early: Fraction = EARLY,
    q: float = 0.05,
    min_n: int = 30,
    max_missing: float = 0.2,
    min_cell: int = 0,
) -> list[Finding]:
    """Is a group treated worse where two or more protected attributes meet?

    All cells of the cross product of the protected columns, 400 at most. A cell is judged when it has at least `min_n` cases and at
    least 5 expected outcomes of either kind; its rate is divided by that of the judged cell with the highest rate, as in fair.air, in
    whole numbers. Benjamini-Hochberg at `q` over the judged cells. The others get a beta-binomial estimate, their counts added to a
    Beta(a, b) whose moments are those of the parent groups' rates, with a 95 % credible interval; they are listed, not passed. Counts
    of cells with fewer than 10 rows are not shown. Where `min_cell` keeps one cell back no cell is shown: fair.air publishes the totals
    of each column, and with them the other cells would give it away. The worst verdict of the others is kept, without its numbers.

    fail: a judged cell under the limit, the gap significant after Benjamini-Hochberg.
    inconclusive: under the limit but not significant, or one outcome moved would reverse the gap; any cell too small to judge; fewer
    than two that are not; more than the share `max_missing` of rows left out; cells kept back by `min_cell`.
    warn: at or over the limit with a significant gap, or under `early`; some rows in no cell. Only one protected column: does not apply.

    Source: min_n 30 is a house figure; NYC Local Law 144 rule 5-301 asks for sex x race/ethnicity cells (from memory, not checked).

    Fix: Collect longer; never merge cells after seeing the result. For a cell under the limit see fair.conditional and fair.lda.
    """
    columns = subject.roles.protected
    if len(columns) < 2:
        said = f"Only one protected column is declared ({columns[0]}), so no groups cross. Declare each one the data hold."
        return [Finding(message=said, verdict=Verdict.NOT_APPLICABLE, where=columns[0])]
    where = " x ".join(columns)
    axes = (*(group_axis(column) for column in columns), decision_axis(subject.roles.outcome))
    counted = tally(subject, axes, groups=len(columns), min_cell=min_cell)
    good = favourable_of(subject.roles.outcome, counted.values(len(columns)), subject.roles.favourable) if counted.counts else set()
    cells, gone = crossed(columns, counted.counts, good)
    details: dict[str, object] = {"columns": list(columns), "rows": counted.rows, "left_out": gone, "sql": counted.sql}
    found = _cells(cells, limit, early, q, min_n, {**details, "where": where})
    kept = kept_back(where, counted.withheld, min_cell, details)
    missing = _left_out(where, gone, counted.rows, max_missing)
    return [*([_hidden(kept, found)] if kept else found), *([missing] if missing else [])]


def crossed(columns: Sequence[str], counts: Mapping[tuple[str | None, ...], int], good: set[str]) -> tuple[dict[Cell, Group], int]:
    """The cells that have rows, and the number of rows in none. Raises Missing for more than 400 cells."""
    favourable: Counter[Cell] = Counter()
    whole: Counter[Cell] = Counter()
    gone = 0
    for key, rows in counts.items():
        known = tuple(text for text in key if text is not None)
        if len(known) < len(key):
            gone += rows
        else:
            whole[known[:-1]] += rows
            favourable[known[:-1]] += rows if known[-1] in good else 0
    if len(whole) > MOST_CROSSED:
        raise Missing(f"{', '.join(columns)} cross in {len(whole):,} cells, more than {MOST_CROSSED}: band them first.")
    labels = {cell: ", ".join(f"{column} = {value}" for column, value in zip(columns, cell, strict=True)) for cell in whole}
    return {cell: Group(label=labels[cell], k=favourable[cell], n=whole[cell]) for cell in sorted(whole)}, gone


def enough(cell: Group, rate: float, min_n: int) -> bool:
    """At least `min_n` cases, and 5 expected outcomes of either kind at the overall rate."""
    return cell.n >= min_n and cell.n * min(rate, 1 - rate) >= 5


def prior(cells: Mapping[Cell, Group], most: float) -> tuple[float, float]:
    """Beta(a, b) with the mean and variance of the parent groups' rates; as weighty as `most` cases at the most, as one at the least.

    A parent is all rows with one value of one column. No spread between parents gives the weightiest prior.
    """
    parents: dict[tuple[int, str], tuple[int, int]] = {}
    for cell, group in cells.items():
        for place, value in enumerate(cell):
            k, n = parents.get((place, value), (0, 0))
            parents[place, value] = (k + group.k, n + group.n)
    rates = sorted(k / n for k, n in parents.values())
    mean = math.fsum(rates) / len(rates)
    variance = math.fsum((rate - mean) ** 2 for rate in rates) / max(1, len(rates) - 1)
    weight = most if variance <= 0 else mean * (1 - mean) / variance - 1
    weight = min(most, max(1.0, weight))
    mean = min(1 - 1e-6, max(1e-6, mean))
    return mean * weight, (1 - mean) * weight


def shrunk(cell: Group, a: float, b: float) -> tuple[float, tuple[float, float]]:
    """Posterior mean and 95 % credible interval of a small cell's rate."""
    from scipy.special import betaincinv

    low, high = (float(betaincinv(a + cell.k, b + cell.n - cell.k, tail)) for tail in (0.025, 0.975))
    return (a + cell.k) / (a + b + cell.n), (low, high)


def _cells(
    cells: Mapping[Cell, Group], limit: Fraction, early: Fraction, q: float, min_n: int, details: Mapping[str, object]
) -> list[Finding]:
    rows = sum(cell.n for cell in cells.values())
    rate = sum(cell.k for cell in cells.values()) / rows if rows else 0.0
    judged = [cell for cell in cells.values() if enough(cell, rate, min_n)]
    small = [cell for cell in cells.values() if cell not in judged]
    findings: list[Finding] = []
    if len(judged) < 2:
        said = f"{len(judged)} cells of {details['where']} have {min_n} cases and 5 expected outcomes of either kind: nothing to compare."
        findings.append(Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=str(details["where"]), details=details))
    else:
        base = min(judged, key=lambda cell: (-cell.rate, -cell.n, cell.label))
        others = [cell for cell in judged if cell is not base]
        adjusted = benjamini_hochberg([rate_gap_p(cell.k, cell.n, base.k, base.n)[0] for cell in others])
        lowest = min(others, key=lambda cell: (cell.rate, cell.label))
        for cell, p in zip(others, adjusted, strict=True):
            findings.append(_judged(cell, base, p, limit, early, q, len(small) if cell is lowest else None, details))  # as in fair.sig
    if small:
        findings.append(_small(small, *prior(cells, min_n), details))
    return findings


def _judged(
    cell: Group, base: Group, p: float, limit: Fraction, early: Fraction, q: float, too_small: int | None, details: Mapping[str, object]
) -> Finding:
    under, significant = below(cell, base, limit), p <= q
    ratio = cell.k * base.n / (cell.n * base.k) if base.k else None
    if base.k == 0:
        verdict, why = Verdict.INCONCLUSIVE, "The ratio is undefined: no cell has a favourable outcome."
    elif under and flips(cell, base):
        verdict, why = Verdict.INCONCLUSIVE, "One outcome moved would turn the gap round: the numbers are too small to tell."
    elif under and significant:
        verdict, why = Verdict.FAIL, f"{short_of(cell, base, limit):,} more approvals would reach {float(limit):.2f} (p={p:.3g})."
    elif under:
        verdict, why = Verdict.INCONCLUSIVE, f"It can be chance (p={p:.3g}), so it is neither a finding nor a pass."
    elif significant or below(cell, base, early):
        verdict, why = (
            Verdict.WARN,
            f"The gap is {'not chance' if significant else f'under the early warning at {float(early):.2f}'} (p={p:.3g}).",
        )
    else:
        verdict, why = Verdict.PASS, f"The gap can be chance (p={p:.3g})."
    interval, method = ratio_interval(cell.k, cell.n, base.k, base.n)
    shown = "" if ratio is None else f", ratio {ratio:.4g} to {base.rate:.1%} of {base.label}"
    if too_small is None:
        head = f"{cell.label} (n={cell.n:,}) has the rate {cell.rate:.1%}{shown}."
    else:
        head = f"{cell.label} (n={cell.n:,}) has the lowest rate {cell.rate:.1%}{shown}; {too_small} cells were too small to judge."
    return Finding(
        message=f"{head} {why}",
        verdict=verdict,
        measured=ratio,
        allowed=f"at least {float(limit):.2f}",
        n=cell.n,
        interval=interval,
        where=str(details["where"]),
        estimates=tuple(Estimate(label=one.label, value=one.rate, interval=one.interval, k=one.k, n=one.n) for one in (cell, base)),
        reference=float(limit) * base.rate,
        reference_label=f"{float(limit):.2f} of {base.label}",
        details={**details, "cell": cell.label, "reference": base.label, "k": cell.k, "n": cell.n, "k_ref": base.k, "n_ref": base.n, "p": p}
        | {"p_adjustment": "Benjamini-Hochberg", "interval_method": method},
    )


def _small(small: Sequence[Group], a: float, b: float, details: Mapping[str, object]) -> Finding:
    """All cells too small to judge, in one finding; of those under ten rows only the name."""
    listed: list[dict[str, object]] = []
    for cell in small:
        mean, interval = shrunk(cell, a, b)
        shown = {"n": cell.n, "k": cell.k, "estimate": mean, "interval": list(interval)} if cell.n >= SHOWN else {"n": f"under {SHOWN}"}
        listed.append({"cell": cell.label, **shown})
    names = "; ".join(f"{cell.label} (n={cell.n if cell.n >= SHOWN else f'under {SHOWN}'})" for cell in small[:5])
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    said = f"{len(small)} cells were too small to judge and are listed, not passed: {names}{more}."
    return Finding(
        message=said,
        verdict=Verdict.INCONCLUSIVE,
        measured=float(len(small)),
        allowed="0 cells too small to judge",
        where=str(details["where"]),
        details={**details, "small_cells": listed, "prior": [a, b], "method": "beta-binomial, prior by moments of the parent groups"},
    )


def _hidden(kept: Finding, found: Sequence[Finding]) -> Finding:
    """The finding about cells kept back, in place of those about the others; a failure among them stays one."""
    said = f"{kept.message} No cell of the crossing is shown, since the totals of its columns would give the small ones away."
    if any(one.verdict is Verdict.FAIL for one in found):
        return replace(kept, message=f"{said} At least one of the cells that are large enough failed.", verdict=Verdict.FAIL)
    return replace(kept, message=said)


def _left_out(where: str, gone: int, rows: int, most: float) -> Finding | None:
    if not gone:
        return None
    verdict = Verdict.INCONCLUSIVE if gone > most * rows else Verdict.WARN
    said = f"{gone:,} of {rows:,} rows lack one of {where} or an outcome. They were not judged."
    return Finding(message=said, verdict=verdict, measured=gone / rows, allowed=f"at most {most:.0%} left out", n=rows, where=where)

"""Gaps between groups: the adverse impact ratio and its significance."""

from __future__ import annotations

from fractions import Fraction

from jupyter_mlgov.sdk import Estimate, Finding, Subject, Verdict, validator
from mlgov_validators.groups import Counted, Group, count, kept_back, left_out, reference, unfit
from mlgov_validators.intervals import holm, newcombe, pooled_z, rate_gap_p, ratio_interval

FOUR_FIFTHS = Fraction(4, 5)
EARLY = Fraction(9, 10)


@validator(
    "fair.air",
    title="Adverse impact ratio",
    version="1.1",
    needs=("outcome", "protected"),
    stricter={"limit": "higher", "early": "higher", "alpha": "higher", "max_missing": "lower", "min_cell": "higher"},
)
def adverse_impact(
    subject: Subject,
    *,
    limit: Fraction = FOUR_FIFTHS,
    early: Fraction = EARLY,
    alpha: float = 0.05,
    min_n: int = 30,
    max_missing: float = 0.2,
    min_cell: int = 0,
) -> list[Finding]:
    """Is a group approved much less often than the group approved most?

    For each protected column, each group's rate of favourable outcomes is divided by the rate of the reference group: the highest
    rate among groups with at least `min_n` cases. Counts come from one aggregate query; the comparison with `limit` is made in whole
    numbers (5*k*n_ref < 4*k_ref*n at four fifths), so exactly 0.80 never fails.

    fail: under the limit, and the gap is significant (fair.sig's p after Holm under `alpha`).
    inconclusive: under the limit, but not significant, or fewer than `min_n` cases in either group, or one outcome moved from the
    reference group would reverse the gap; a group with fewer than `min_n` cases at any ratio; one group only; a favourable value
    that never occurs; more than the share `max_missing` of rows without group or outcome.
    warn: at or over the limit with a significant gap, or under `early`; some rows in no group.
    A group with a cell of fewer than `min_cell` rows stays in the warehouse and is inconclusive (0: nothing is kept back).

    The 95 % interval is Katz's (1978), Koopman's score interval (1984) where a count is zero or every outcome is favourable. It says
    how strong the finding is and does not decide it. The decision is a column; a score at its cutoff has to be written into one first.
    That a group is under 2 % of the rows, for which the Guidelines ask no finding, is said and changes nothing. Holm runs over the
    groups of one protected column.

    Source: 0.80 is 29 CFR 1607.4(D) (employment; used in lending by convention, as firm policy). 0.90 is a house early warning.

    Fix: Look at fair.conditional (does the gap survive legitimate factors?), proxy.detect (which features carry it), then fair.lda for
    a model with a smaller gap at equal AUC.
    """
    findings: list[Finding] = []
    notes: list[Finding | None] = []
    for column in subject.roles.protected:
        counted = count(subject, column, min_cell)
        nothing = unfit(counted)
        if nothing:
            findings.append(nothing)
            continue
        base = reference(counted.groups, min_n)
        others = [group for group in counted.groups if group is not base]
        adjusted = holm([rate_gap_p(group.k, group.n, base.k, base.n)[0] for group in others])
        findings += [_ratio(group, base, p, limit, early, alpha, min_n, counted) for group, p in zip(others, adjusted, strict=True)]
        notes += [left_out(counted, max_missing), kept_back(column, counted.withheld, min_cell, counted.details)]
    return [*findings, *(note for note in notes if note)]


def below(group: Group, base: Group, limit: Fraction) -> bool:
    """Is the ratio under `limit`? Whole numbers only: 4/6 against 5/6 is exactly four fifths and not below."""
    return limit.denominator * group.k * base.n < limit.numerator * base.k * group.n


def flips(group: Group, base: Group) -> bool:
    """Would one favourable outcome moved from the reference group give `group` the higher rate? (1979 Q&A, number 21)"""
    return (group.k + 1) * base.n > (base.k - 1) * group.n


def short_of(group: Group, base: Group, limit: Fraction) -> int:
    """How many more favourable outcomes bring `group` to the limit."""
    lacking = limit.numerator * base.k * group.n - limit.denominator * group.k * base.n
    return max(0, -(-lacking // (limit.denominator * base.n)))


def _ratio(group: Group, base: Group, p: float, limit: Fraction, early: Fraction, alpha: float, min_n: int, counted: Counted) -> Finding:
    small = min(group.n, base.n) < min_n
    under, significant, flip = below(group, base, limit), p < alpha, flips(group, base)
    if base.k == 0:
        verdict, why = Verdict.INCONCLUSIVE, "The ratio is undefined: the reference group has no favourable outcome."
    elif under:
        verdict, why = _under(group, base, limit, significant, flip, small, min_n, p)
    else:
        verdict, why = _over(group, base, early, significant, small, min_n, p)
    ratio = None if base.k == 0 else group.k * base.n / (group.n * base.k)
    interval, method = ratio_interval(group.k, group.n, base.k, base.n)
    return Finding(
        message=f"{_measured(group, base, ratio, interval, limit)}{why} {_counts(group, base)}{_thin(group, counted)}",
        verdict=verdict,
        measured=ratio,
        allowed=f"at least {float(limit):.2f}",
        n=group.n,
        interval=interval,
        where=counted.column,
        estimates=tuple(Estimate(label=item.label, value=item.rate, interval=item.interval, k=item.k, n=item.n) for item in (group, base)),
        reference=float(limit) * base.rate,
        reference_label=f"{float(limit):.2f} of {base.label}",
        details={**counted.details, "group": group.label, "reference": base.label, "k": group.k, "n": group.n, "k_ref": base.k}
        | {"n_ref": base.n, "p": p, "p_adjustment": "Holm", "interval_method": method, "flip_one_reverses": flip}
        | {"share_of_rows": group.n / counted.rows, "more_to_reach_limit": short_of(group, base, limit)},
    )


def _measured(group: Group, base: Group, ratio: float | None, interval: tuple[float, float] | None, limit: Fraction) -> str:
    head = f"Approval rate for {group.label} is {group.rate:.1%} against {base.rate:.1%} for {base.label}"
    if ratio is None:
        return f"{head}. "
    places = next(places for places in (2, 4, 6, 17) if places == 17 or ratio >= limit or round(ratio, places) < limit)
    shown = f" (95% CI {interval[0]:.2f}-{interval[1]:.2f})" if interval else ""
    side = "below" if below(group, base, limit) else "exactly at" if Fraction(group.k * base.n, group.n * base.k) == limit else "not below"
    return f"{head}: ratio {ratio:.{places}f}{shown}, {side} the {float(limit):.2f} line. "


def _thin(group: Group, counted: Counted) -> str:
    """Groups under 2 % of the pool need no finding of their own under the Guidelines; the number stands all the same."""
    return " It is under 2% of the rows: 29 CFR 1607.4(A) asks for no finding about it." if 50 * group.n < counted.rows else ""


def _counts(group: Group, base: Group) -> str:
    return f"Counted: {group.k:,} of {group.n:,} against {base.k:,} of {base.n:,}."


def _under(
    group: Group, base: Group, limit: Fraction, significant: bool, flip: bool, small: bool, min_n: int, p: float
) -> tuple[Verdict, str]:
    more = f"{short_of(group, base, limit):,} more approvals in {group.label} would reach it."
    if small:
        return Verdict.INCONCLUSIVE, f"{more} {_few(group, base, min_n)}"
    if flip:
        return Verdict.INCONCLUSIVE, f"{more} One outcome moved would turn the gap round: the numbers are too small to tell."
    if not significant:
        return Verdict.INCONCLUSIVE, f"{more} It can be chance (p={p:.3g}), so it is neither a finding nor a pass."
    return Verdict.FAIL, more


def _over(group: Group, base: Group, early: Fraction, significant: bool, small: bool, min_n: int, p: float) -> tuple[Verdict, str]:
    if small:
        return Verdict.INCONCLUSIVE, _few(group, base, min_n)
    if significant:
        return Verdict.WARN, f"The gap is not chance (p={p:.3g})."
    if below(group, base, early):
        return Verdict.WARN, f"That is under the early warning at {float(early):.2f}."
    return Verdict.PASS, f"The gap can be chance (p={p:.3g})."


def _few(group: Group, base: Group, min_n: int) -> str:
    where = " and ".join(f"{item.n:,} cases in {item.label}" for item in (group, base) if item.n < min_n)
    return f"With {where} this cannot be told; at least {min_n} are needed in each group."


@validator(
    "fair.sig",
    title="Significance of a rate gap",
    needs=("outcome", "protected"),
    stricter={"limit": "higher", "alpha": "higher", "max_missing": "lower", "min_cell": "higher"},
)
def significance(
    subject: Subject,
    *,
    alpha: float = 0.05,
    limit: Fraction = FOUR_FIFTHS,
    min_n: int = 30,
    max_missing: float = 0.2,
    min_cell: int = 0,
) -> list[Finding]:
    """Can the gap between a group's rate and the reference group's be chance?

    Pooled two-proportion z (chi-square with one degree of freedom) when every expected cell has at least 5 cases, else Fisher's exact
    test, two-sided. Interval of the gap: Newcombe's hybrid score interval (1998). Holm over the groups of one protected column. The
    reference group is the one of fair.air.

    fail: p after Holm under `alpha`, and the ratio under `limit`. warn: p under `alpha` at a ratio at or over `limit`; in a large table
    every small gap is significant, so its size is for a person to weigh.
    inconclusive: not significant, and fewer than `min_n` cases in either group or a ratio under `limit`: a gap of that size that
    cannot be told apart from chance is no pass. Significant, but one outcome moved would reverse the gap: small numbers.
    pass: not significant, with enough cases and a ratio at or over `limit`.

    Source: Hazelwood School Dist. v. US, 433 U.S. 299 (1977), "two or three standard deviations"; small-number caveat 29 CFR 1607.4(D).

    Fix: A gap that is not chance: see fair.air for its size, and ask whether it survives legitimate factors. If it could not tell:
    pool more months, widen the window, or record "insufficient data" with a date to re-test; never record it as a pass.
    """
    findings: list[Finding] = []
    notes: list[Finding | None] = []
    for column in subject.roles.protected:
        counted = count(subject, column, min_cell)
        nothing = unfit(counted)
        if nothing:
            findings.append(nothing)
            continue
        base = reference(counted.groups, min_n)
        others = [group for group in counted.groups if group is not base]
        tests = [rate_gap_p(group.k, group.n, base.k, base.n) for group in others]
        adjusted = holm([p for p, _ in tests])
        for group, p, (_, test) in zip(others, adjusted, tests, strict=True):
            findings.append(_gap(group, base, p, test, alpha, limit, min_n, counted))  # three sequences in one line read badly
        notes += [left_out(counted, max_missing), kept_back(column, counted.withheld, min_cell, counted.details)]
    return [*findings, *(note for note in notes if note)]


def _gap(group: Group, base: Group, p: float, test: str, alpha: float, limit: Fraction, min_n: int, counted: Counted) -> Finding:
    gap = base.rate - group.rate
    spread = newcombe(group.k, group.n, base.k, base.n)
    sd = pooled_z(group.k, group.n, base.k, base.n)
    small, flip, significant = min(group.n, base.n) < min_n, flips(group, base), p < alpha
    if significant:
        verdict = Verdict.INCONCLUSIVE if flip else Verdict.FAIL if below(group, base, limit) else Verdict.WARN
    else:
        verdict = Verdict.INCONCLUSIVE if small or below(group, base, limit) else Verdict.PASS
    size = f"{sd:.1f} standard deviations (p={p:.3g})" if sd is not None else f"of undefined size in standard deviations (p={p:.3g})"
    told = "can" if significant else "cannot"
    said = f"Gap of {gap:.1%} is {size}. With {group.n:,} cases in {group.label} this {told} be told apart from chance."
    if significant and flip:
        said += " One outcome moved would turn it round: the numbers are too small to tell."
    if not significant and small:
        said += f" {_few(group, base, min_n)}"
    return Finding(
        message=said,
        verdict=verdict,
        measured=gap,
        allowed=f"p at least {alpha:g} after Holm",
        n=group.n,
        interval=(-spread[1], -spread[0]) if spread else None,
        where=counted.column,
        estimates=tuple(Estimate(label=item.label, value=item.rate, interval=item.interval, k=item.k, n=item.n) for item in (group, base)),
        reference=base.rate,
        reference_label=base.label,
        details={**counted.details, "group": group.label, "reference": base.label, "k": group.k, "n": group.n, "k_ref": base.k}
        | {"n_ref": base.n, "gap": gap, "standard_deviations": sd, "test": test, "p_adjustment": "Holm", "flip_one_reverses": flip}
        | {"p": p, "measured_is": "gap (reference minus group)", "interval_method": "Newcombe"},
    )

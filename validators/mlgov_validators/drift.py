"""Do the rows of today still look like those the model was built on? Scores first, then each input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Estimate, Finding, Missing, Subject, Verdict, open_table, validator
from mlgov_validators.comparing import Drift, chi_p, compare
from mlgov_validators.divergence import psi_null
from mlgov_validators.intervals import wilson
from mlgov_validators.profiles import Profile, open_reference
from mlgov_validators.samples import ask_here

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_ESTIMATES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on a shift counts. PSI alone can fail; the other distances warn."""

    warn: float
    fail: float
    alpha: float
    q: float
    ks: float
    in_sd: float
    js: float
    v: float
    min_n: int


@validator(
    "monitor.drift",
    title="Input and score drift",
    version="1.2",
    needs=("table", "reference"),
    uses=("score", "features", "key", "time", "lineage", "splits"),
    stricter={
        "warn": "lower",
        "fail": "lower",
        "alpha": "higher",
        "q": "higher",
        "ks": "lower",
        "in_sd": "lower",
        "js": "lower",
        "v": "lower",
        "min_n": "higher",
        "evidently": "higher",
    },
    timeout=300.0,
)
def monitor_drift(
    subject: Subject,
    *,
    warn: float = 0.10,
    fail: float = 0.25,
    alpha: float = 0.01,
    q: float = 0.05,
    ks: float = 0.10,
    in_sd: float = 0.10,
    js: float = 0.10,
    v: float = 0.10,
    min_n: int = 50,
    evidently: bool = False,
) -> list[Finding]:
    """Do the rows of today still look like those the model was built on?

    Each column of the table is compared with the reference: the score, then every other column both have. The reference is a table
    or a stored profile of it (bins, counts and sums; no rows). Bins are fixed on the reference: ten of equal mass at the ranks
    ceil(k n / 10), right-closed, or one for each value where there are at most ten; a category's values with five rows or more,
    the rest in one bin; one bin more for null, NaN and infinite.

    PSI = sum (q - p) ln(q / p). A bin empty on one side counts as a share of 0.0001, or half a row where that is less. Its p comes from
    PSI / (1/n + 1/m) ~ chi-square with B - 1 degrees of freedom, so that small samples do not cry drift. The interval is of the
    PSI of the two populations (non-central chi-square, approximate). Kolmogorov-Smirnov and Wasserstein-1 (in standard deviations of
    the reference) are taken over all rows, or over a hundred quantiles where the reference is a stored profile or does not
    live where the table does; Jensen-Shannon is a distance to base 2; Cramer's V is for categories. All p-values are adjusted over the
    columns (Benjamini-Hochberg 1995).

    fail: PSI at least `fail` with p under `alpha` and adjusted p at most `q`; a declared feature or the score is not in the table; a
    column was a number in the reference and is text now, or the reverse.
    warn: PSI at least `warn` with the same p; KS at least `ks`, Wasserstein at least `in_sd`, Jensen-Shannon at least `js`, or V at
    least `v`, each with its own p.
    inconclusive: fewer than `min_n` rows on a side; PSI at least `warn` while chance alone could make it; too few rows to tell a PSI
    of `fail` from chance; no column in common.
    Keys (a value never occurs twice), times and nested values are not compared, and named. Nor is the label, which is missing until it
    matures: monitor.performance looks at it.

    With `evidently`, the figures of Evidently's drift preset stand in the details; against a stored profile only while a table of the
    reference's rows is kept beside it. They differ where its conventions do: bins over both
    samples together (Sturges), up to 20 values counted singly, natural-logarithm Jensen-Shannon, a one-sample chi-square.

    How long a drift went unseen (4 hours are allowed) is told by the watch over a served model, which knows when its windows began.

    Source: PSI 0.10 and 0.25 are industry convention; its null distribution is Yurdakul 2018. 0.10 for the other distances is house.

    Fix: Look at the pipeline first, feature by feature, from the one that moved most; then recalibrate or retrain.
    """
    limits = Limits(warn=warn, fail=fail, alpha=alpha, q=q, ks=ks, in_sd=in_sd, js=js, v=v, min_n=min_n)
    table, reference = subject.table, _reference(subject)
    names, gone, unread = _chosen(subject, reference, table)
    if not names and not gone:
        raise Missing("The table and its reference have no column in common.", next="Name the table the model was built on.")
    compared, skipped = compare(reference, table, names, ask_here(subject), subject.ask, one_engine=subject.one_engine)
    judged = {one.name: _judged(one, limits) for one in compared}
    findings = [*_lost(gone), *_scores(subject, compared, judged), *_inputs(subject, compared, judged), *_left(skipped, unread)]
    if all(one.verdict is Verdict.NOT_APPLICABLE for one in findings):
        raise Missing("No column could be compared.", expected=_reasons(skipped), next="Name a reference with the model's inputs.")
    if evidently:
        findings.append(_evidently(subject, reference, table, [one.name for one in compared]))
    return findings


def _evidently(subject: Subject, reference: Profile | Table, table: Table, names: list[str]) -> Finding:
    """Evidently's preset; where only a profile is the reference, of the reference's rows if they are still kept."""
    from mlgov_validators.evidently_presets import drift_preset

    if not isinstance(reference, Profile):
        return drift_preset(reference, table, names)
    if "reference" in subject.split_paths:
        return drift_preset(open_table(subject.split_paths["reference"]), table, names)
    said = "Evidently's drift preset needs the rows of the reference; here only a profile is kept."
    return Finding(message=said, verdict=Verdict.INCONCLUSIVE)


def _reference(subject: Subject) -> Profile | Table:
    if subject.reference_path is None:
        return subject.reference
    return open_reference(subject.reference_path)


def _chosen(subject: Subject, reference: Profile | Table, table: Table) -> tuple[list[str], list[str], list[str]]:
    """(columns to compare, the score first; declared columns that are gone; columns only one side has)."""
    roles = subject.roles
    before = [*reference.columns, *reference.skipped] if isinstance(reference, Profile) else list(reference.columns)
    now = list(table.columns)
    common = [name for name in now if name in set(before) and name not in (roles.key, roles.time, roles.label)]
    declared = [name for name in (roles.score, *roles.features) if name]
    gone = [name for name in declared if name in before and name not in now]
    common.sort(key=lambda name: name != roles.score)
    return common, gone, [name for name in [*before, *now] if (name in before) != (name in now) and name not in gone]


def _judged(one: Drift, limits: Limits) -> tuple[Verdict, str]:
    """The verdict on one column, with what it rests on."""
    if one.psi is None or one.p is None:
        return _undefined(one)
    if min(one.rows) < limits.min_n:
        said = f"says little: {one.rows[0]:,} rows in the reference and {one.rows[1]:,} in the table; {limits.min_n} of each are needed"
        return Verdict.INCONCLUSIVE, said
    sure = one.p < limits.alpha and (one.adjusted or 0.0) <= limits.q
    if one.psi >= limits.fail and sure:
        return Verdict.FAIL, f"(limit {limits.fail:g}, p {_p(one.p)})"
    if one.psi >= limits.warn and sure:
        return Verdict.WARN, f"(early warning {limits.warn:g}, p {_p(one.p)})"
    n, m = one.rows
    chance = psi_null(n, m, one.filled, 1 - limits.alpha) or 0.0
    if one.psi >= limits.warn:
        why = f"(over {limits.warn:g}), and chance alone makes up to {chance:.2f} with {n:,} and {m:,} rows (p {_p(one.p)})"
        return Verdict.INCONCLUSIVE, why
    if chance > limits.fail:
        return (
            Verdict.INCONCLUSIVE,
            f"with {n:,} and {m:,} rows: chance alone makes up to {chance:.2f}, so {limits.fail:g} could not be seen",
        )
    return _by_distance(one, limits, sure)


def _undefined(one: Drift) -> tuple[Verdict, str]:
    n, m = one.rows
    if n == 0 or m == 0:
        return Verdict.INCONCLUSIVE, f"is undefined: {'the reference' if n == 0 else 'the table'} has no rows"
    return Verdict.PASS, f"is undefined: all {n + m:,} rows lie in one bin ({one.moved[0]}) on both sides, so nothing moved"


def _by_distance(one: Drift, limits: Limits, sure: bool) -> tuple[Verdict, str]:
    by_ks = one.ks_p is not None and one.ks_p < limits.alpha and (one.ks_adjusted or 0.0) <= limits.q
    found = []
    if by_ks and one.ks is not None and one.ks >= limits.ks:
        found.append(f"KS {one.ks:.3f} is over {limits.ks:g} (p {_p(one.ks_p or 0.0)})")
    if by_ks and one.in_sd is not None and one.in_sd >= limits.in_sd:
        found.append(f"it moved {one.in_sd:.2f} standard deviations (Wasserstein; limit {limits.in_sd:g})")
    if sure and one.js_distance is not None and one.js_distance >= limits.js:
        found.append(f"Jensen-Shannon distance {one.js_distance:.3f} is over {limits.js:g}")
    if sure and one.v is not None and one.v >= limits.v:
        found.append(f"Cramer's V {one.v:.3f} is over {limits.v:g}")
    if found:
        return Verdict.WARN, f"is under {limits.warn:g}, but {'; '.join(found)}"
    return Verdict.PASS, f"is under {limits.warn:g}"


def _scores(subject: Subject, compared: tuple[Drift, ...], judged: Mapping[str, tuple[Verdict, str]]) -> list[Finding]:
    """The score's own finding, with the input that moved most as its likely driver."""
    score = next((one for one in compared if one.name == subject.roles.score), None)
    if score is None:
        return []
    inputs = [one for one in compared if one is not score and one.psi is not None and judged[one.name][0] in (Verdict.FAIL, Verdict.WARN)]
    driver = max(inputs, key=lambda one: one.psi or 0.0, default=None)
    more = f" Of the inputs, {driver.name} moved most (PSI {driver.psi:.2f})." if driver and driver.psi is not None else ""
    verdict = judged[score.name][0]
    return [_finding(score, judged[score.name], more if verdict in (Verdict.FAIL, Verdict.WARN) else "")]


def _inputs(subject: Subject, compared: tuple[Drift, ...], judged: Mapping[str, tuple[Verdict, str]]) -> list[Finding]:
    """A finding for each input that is not stable, the farthest first, and one for all that are."""
    inputs = [one for one in compared if one.name != subject.roles.score]
    loud = [one for one in inputs if judged[one.name][0] is not Verdict.PASS]
    loud.sort(key=lambda one: (judged[one.name][0].rank, -(one.psi or 0.0), one.name))
    findings = [_finding(one, judged[one.name]) for one in loud]
    still = [one for one in inputs if judged[one.name][0] is Verdict.PASS]
    if still:
        most = max(still, key=lambda one: one.psi or 0.0)
        said = f"{len(still)} of {len(inputs)} inputs are stable; the largest PSI is {most.psi or 0:.3f} ({most.name})."
        details = {one.name: _numbers(one) for one in still}
        findings.append(
            Finding(message=said, verdict=Verdict.PASS, measured=most.psi, interval=most.interval, n=most.rows[1], details=details)
        )
    return findings


def _finding(one: Drift, judged: tuple[Verdict, str], more: str = "") -> Finding:
    verdict, why = judged
    shown = f"PSI {one.psi:.3f} " if one.psi is not None else "PSI "
    bin_, change = one.moved if min(one.rows) else ("", 0.0)
    moved = f" {bin_}: {100 * change:+.0f} points." if abs(change) >= 0.005 else ""
    return Finding(
        message=f"{one.name}: {shown}{why}.{moved}{more}",
        verdict=verdict,
        measured=one.psi,
        allowed="under the limit, or within chance",
        n=one.rows[1],
        interval=one.interval,
        where=one.name,
        estimates=_estimates(one),
        details=_numbers(one),
    )


def _estimates(one: Drift) -> tuple[Estimate, ...]:
    """Today's share of each bin, for a plot."""
    total = one.rows[1]
    if len(one.labels) > MOST_ESTIMATES + 1 or not total:
        return ()
    pairs = zip(one.labels, one.current, strict=True)
    return tuple(Estimate(label=label[:60], value=k / total, interval=wilson(k, total), k=k, n=total) for label, k in pairs)


def _numbers(one: Drift) -> dict[str, object]:
    n, m = one.rows
    return {
        "rows": [n, m],
        "psi": one.psi,
        "p": one.p,
        "p_adjusted": one.adjusted,
        "psi_by_chance": psi_null(n, m, one.filled),
        "js_distance": one.js_distance,
        "chi_square": one.chi[0] if one.chi else None,
        "chi_square_p": chi_p(one),
        "cramers_v": one.v,
        "ks": one.ks,
        "ks_p": one.ks_p,
        "ks_exact": one.exact,
        "ks_at_most": None if one.ks is None else min(1.0, one.ks + one.coarse),
        "wasserstein": one.wasserstein,
        "wasserstein_sd": one.in_sd,
        "mean": list(one.means),
        "bins": [label[:60] for label in one.labels],
        "reference": list(one.reference),
        "current": list(one.current),
        **({"sql": list(one.sql)} if one.sql else {}),
    }


def _lost(gone: list[str]) -> list[Finding]:
    said = "is in the reference and is not in the table: the model cannot read it"
    return [Finding(message=f"{name} {said}.", verdict=Verdict.FAIL, allowed="every declared column", where=name) for name in gone]


def _left(skipped: Mapping[str, str], unread: list[str]) -> list[Finding]:
    """What was not compared, and why. A column whose type changed is a failure; nothing else here is a shift."""
    changed = {name: why for name, why in skipped.items() if why.startswith("it was a ")}
    found = [
        Finding(message=f"{name} was not compared: {why}.", verdict=Verdict.FAIL, where=name, allowed="the type of the reference")
        for name, why in changed.items()
    ]
    rest = {name: why for name, why in skipped.items() if name not in changed}
    if rest or unread:
        parts = [f"{name} ({why})" for name, why in list(rest.items())[:10]] + [f"{name} (on one side only)" for name in unread[:10]]
        more = len(rest) + len(unread) - len(parts)
        said = f"Not compared: {'; '.join(parts)}{f'; {more} more' if more > 0 else ''}."
        found.append(Finding(message=said, verdict=Verdict.NOT_APPLICABLE, details={"not_compared": {**rest, **dict.fromkeys(unread, "")}}))
    return found


def _reasons(skipped: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in list(skipped.items())[:5]) + "."


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"

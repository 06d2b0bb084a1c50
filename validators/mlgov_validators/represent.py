"""Does the data the model learned from look like the people it will judge?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.comparing import Drift, chi_p, compare
from mlgov_validators.divergence import psi_null
from mlgov_validators.intervals import wilson
from mlgov_validators.profiles import Profile, open_reference
from mlgov_validators.quality import missing
from mlgov_validators.samples import ask_here

if TYPE_CHECKING:
    from ibis.expr.types import Table


@validator(
    "data.represent",
    title="Representativeness",
    version="1.1",
    needs=("table", "reference"),
    uses=("protected", "label", "key", "time", "splits"),
    stricter={"warn": "lower", "fail": "lower", "alpha": "higher", "coverage": "higher", "min_n": "higher", "min_group": "higher"},
    timeout=300.0,
)
def represent(
    subject: Subject,
    *,
    warn: float = 0.10,
    fail: float = 0.25,
    alpha: float = 0.01,
    coverage: float = 0.8,
    min_n: int = 50,
    min_group: int = 30,
) -> list[Finding]:
    """Does the data the model learned from look like the people it will judge?

    The data learned from is `train` under [subject] in mlgov.toml where it is kept, else the subject's table; the population is
    `reference` (all applicants, through the door), as a table or a stored profile. Each column both have is compared by PSI with its
    p-value, Jensen-Shannon and the two-sample chi-square over the bins of the population (conventions as monitor.drift). Each value of a
    protected column is looked at by itself: its share of the data over its share of the population.

    fail: PSI at least `fail`, with p under `alpha` (adjusted over the columns, Benjamini-Hochberg); a group of the population that is not
    in the data at all and would be expected there with `min_group` rows or more.
    warn: PSI at least `warn`; a group whose share is under `coverage` of its share of the population (the interval of the share lies
    under it); fewer than `min_group` rows of a group; labels for only some of the rows.
    inconclusive: fewer than `min_n` rows on a side; PSI at least `warn` that chance could make; no column in common.

    Where only accepted applicants have an outcome, the data says nothing about the refused. That is said whenever labels are missing;
    methods of reject inference rest on assumptions that no check here can prove.

    Source: PSI 0.10 and 0.25 are convention; Regulation (EU) 2024/1689 Art 10(3) asks for data that is sufficiently representative. 0.8 is
    house.

    Fix: Reweight or resample to the population, collect more of the group, or restrict the use of the model to whom the data covers.
    """
    learned = subject.split("train") if "train" in subject.split_paths else subject.table
    where = "training rows" if "train" in subject.split_paths else "rows"
    ask = ask_here(subject) if "train" in subject.split_paths else subject.ask
    population = open_reference(subject.reference_path) if subject.reference_path else subject.reference
    roles = subject.roles
    before = list(population.columns)
    left = {roles.key, roles.time, roles.score, roles.baseline, subject.label, roles.outcome}
    names = [name for name in learned.columns if name in before and name not in left]
    if not names:
        raise Missing("The data and its population have no column in common.", next="Name a reference with the same columns.")
    compared, skipped = compare(population, learned, names, ask_here(subject), ask)
    judged = [(one, *_judged(one, warn, fail, alpha, min_n)) for one in compared]
    findings = [_finding(one, verdict, why) for one, verdict, why in judged if verdict is not Verdict.PASS]
    still = [one for one, verdict, _ in judged if verdict is Verdict.PASS]
    findings.sort(key=lambda one: (one.verdict.rank, -(one.measured or 0.0)))
    if still:
        most = max(still, key=lambda one: one.psi or 0.0)
        said = f"{len(still)} of {len(compared)} columns are as in the population; the largest PSI is {most.psi or 0:.3f} ({most.name})."
        findings.append(Finding(message=said, verdict=Verdict.PASS, measured=most.psi, interval=most.interval, n=most.rows[1]))
    for one in compared:
        if one.name in roles.protected:
            findings += _groups(one, coverage, min_group, where)
    for name in roles.protected:
        if name in skipped or name not in names:
            why = skipped.get(name, "it is not in both tables")
            findings.append(Finding(message=f"{name} was not compared: {why}.", verdict=Verdict.INCONCLUSIVE, where=name))
    if not findings:
        raise Missing("No column could be compared.", expected="; ".join(f"{k}: {v}" for k, v in list(skipped.items())[:5]) + ".")
    return [*findings, *_labels(subject, population)]


def _judged(one: Drift, warn: float, fail: float, alpha: float, min_n: int) -> tuple[Verdict, str]:
    n, m = one.rows
    if min(n, m) < min_n:
        return Verdict.INCONCLUSIVE, f"{m:,} rows against {n:,} of the population; {min_n} of each are needed"
    if one.psi is None or one.p is None or one.psi < warn:
        return Verdict.PASS, ""
    if one.p >= alpha or (one.adjusted or 0.0) > 0.05:
        chance = psi_null(n, m, one.filled, 1 - alpha) or 0.0
        return Verdict.INCONCLUSIVE, f"over {warn:g}, and chance alone makes up to {chance:.2f}"
    over = one.psi >= fail
    return (Verdict.FAIL if over else Verdict.WARN), f"limit {fail:g}" if over else f"early warning {warn:g}"


def _finding(one: Drift, verdict: Verdict, why: str) -> Finding:
    label, change = one.moved if min(one.rows) else ("", 0.0)
    value = "undefined" if one.psi is None else f"{one.psi:.3f}"
    return Finding(
        message=f"{one.name}: PSI {value} against the population ({why}). {label}: {100 * change:+.0f} points.",
        verdict=verdict,
        measured=one.psi,
        n=one.rows[1],
        interval=one.interval,
        where=one.name,
        details={
            "p": one.p,
            "p_adjusted": one.adjusted,
            "js_distance": one.js_distance,
            "chi_square": one.chi[0] if one.chi else None,
            "chi_square_p": chi_p(one),
            "bins": [name[:60] for name in one.labels],
            "population": list(one.reference),
            "data": list(one.current),
        },
    )


def _groups(one: Drift, coverage: float, min_group: int, where: str) -> Iterator[Finding]:
    """Each group of a protected column: its share here over its share of the population."""
    n, m = one.rows
    for label, there, here in zip(one.labels, one.reference, one.current, strict=True):
        if not there or label == "missing" or not m:
            continue
        name = f"{one.name} = {label}" if one.kind == "category" else f"{one.name}: {label}"
        share, wanted = here / m, there / n
        interval = wilson(here, m)
        shown = f" (95% CI of the first {interval[0]:.1%}-{interval[1]:.1%})" if interval else ""
        said = f"{name} is {share:.1%} of {m:,} {where} and {wanted:.1%} of the population{shown}."
        if here == 0 and wanted * m >= min_group:
            verdict = Verdict.FAIL
        elif interval and interval[1] < coverage * wanted:
            verdict = Verdict.WARN
        elif here < min_group:
            verdict, said = Verdict.WARN, f"{said} {here:,} rows are too few to learn from ({min_group} wanted)."
        else:
            continue
        yield Finding(
            message=said,
            verdict=verdict,
            measured=share / wanted,
            allowed=f"at least {coverage:g} of its share",
            n=m,
            interval=(interval[0] / wanted, interval[1] / wanted) if interval else None,
            where=one.name,
            details={"rows": here, "population": there},
        )


def _labels(subject: Subject, population: Profile | Table) -> list[Finding]:
    """How many of the population have an outcome: the accepted only, as a rule."""
    label = subject.roles.label
    if not label or isinstance(population, Profile) or label not in population.columns:
        return []
    x = population.select(gone=missing(population[label]))
    told = ask_here(subject)(x.agg(n=x.count(), k=x.gone.sum())).rows[0]
    rows, gone = int(str(told["n"])), int(str(told["k"] or 0))
    if not gone:
        return []
    said = f"{gone:,} of {rows:,} rows of the population have no {label}. If they were refused, nothing here says how they would have done."
    return [Finding(message=said, verdict=Verdict.WARN, measured=gone / rows, n=rows, interval=wilson(gone, rows), where=label)]

"""False discovery over many models and columns: of what one run finds, only a declared share may be there by chance.

Each model's tests of one watched thing are a family. A family is chosen by its Simes p-value (Simes 1986) with Benjamini-Hochberg over
all families, and within the R of m that are chosen a test is held against q R / m (Benjamini & Bogomolov 2014). Effect sizes are not
asked here: a check finds nothing under its effect limit, however small its p.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.results import CheckResult

Family = tuple[str, str]  # model, watched name


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which families hold something beyond chance, and the largest p that counts within them; `families` is how many were looked at."""

    kept: frozenset[Family]
    within: Mapping[Family, float]
    families: int


def simes(ps: Sequence[float]) -> float:
    """P that nothing in the family is other than chance: min over i of n p(i) / i. 1 for no test."""
    ordered = sorted(ps)
    return min((len(ordered) * p / place for place, p in enumerate(ordered, start=1)), default=1.0)


def rejected(ps: Sequence[float], q: float) -> float:
    """The largest p that Benjamini-Hochberg rejects at q; -1 where it rejects none."""
    ordered = sorted(ps)
    return max((p for place, p in enumerate(ordered, start=1) if p <= q * place / len(ordered)), default=-1.0)


def choose(families: Mapping[Family, Sequence[float]], q: float) -> Chosen:
    """Benjamini-Hochberg over the families, then within each chosen one at q R / m. A family without tests is not counted."""
    told = {name: ps for name, ps in families.items() if ps}
    whole = {name: simes(ps) for name, ps in told.items()}
    most = rejected(list(whole.values()), q)
    kept = frozenset(name for name, p in whole.items() if p <= most)
    share = q * len(kept) / len(told) if told else 0.0
    return Chosen(kept=kept, within={name: rejected(told[name], share) for name in kept}, families=len(told))


def p_of(details: Mapping[str, object]) -> float | None:
    """The p of a finding; of a drift the greater of PSI's and the chi-square's over the same bins.

    PSI's is too small far out in the tail when a bin holds few rows: with 130 rows a side a third of null portfolios had a finding.
    """
    p, other = details.get("p"), details.get("chi_square_p")
    if not isinstance(p, float):
        return None
    return max(p, other) if isinstance(other, float) else p


def hypotheses(results: Sequence[CheckResult]) -> tuple[float, ...]:
    """The p of every test in these results, also of the columns that stand still. What fails without one (a lost column) is no test."""
    found: list[float | None] = []
    for result in results:
        for finding in result.findings:
            own = p_of(finding.details)
            parts = [one for one in finding.details.values() if isinstance(one, Mapping)] if own is None else []
            found += [own, *(p_of(one) for one in parts)]
    return tuple(p for p in found if p is not None)


def by_chance(results: Sequence[CheckResult], family: Family, chosen: Chosen) -> bool:
    """Is all that these results found what a run over so many models finds by chance? A failure that is no test never is."""
    failing = [p_of(finding.details) for result in results for finding in result.findings if finding.verdict is Verdict.FAIL]
    within = chosen.within.get(family, -1.0)
    return bool(failing) and all(p is not None and p > within for p in failing)

"""Each column of a table against the reference: every statistic of drift, from the counts of both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mlgov_validators.binning import Grid, Kind, Side, bins, grid_ks, grid_wasserstein
from mlgov_validators.distances import Apart, ks_p
from mlgov_validators.divergence import chi_square, chi_square_p, cramers_v, filled, jensen_shannon, psi, psi_interval, psi_p
from mlgov_validators.intervals import benjamini_hochberg
from mlgov_validators.opening import Columns
from mlgov_validators.profiles import ColumnProfile, Profile, on_two_threads, profile_column
from mlgov_validators.samples import Ask, Held, Named, kind_of
from mlgov_validators.warehoused import Asked, Merged

if TYPE_CHECKING:
    from ibis.expr.types import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one column lies from the reference. None where a statistic is undefined.

    `ks` and `wasserstein` (in the column's unit; `in_sd` in standard deviations of the reference) are for numbers, `v` (Cramer's) for
    categories. `adjusted` is PSI's p after Benjamini-Hochberg over the columns, `ks_adjusted` that of KS. `exact` is false where they
    were read off the grid of a stored profile: KS can then be up to `coarse` too small. `sql` are the questions to the data's own engine,
    in their order; none where the column was read into memory.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    psi: float | None
    interval: tuple[float, float] | None
    p: float | None
    js_distance: float | None
    chi: tuple[float, int] | None
    ks: float | None = None
    ks_p: float | None = None
    wasserstein: float | None = None
    in_sd: float | None = None
    means: tuple[float | None, float | None] = (None, None)
    exact: bool = True
    coarse: float = 0.0
    adjusted: float | None = None
    ks_adjusted: float | None = None
    sql: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[int, int]:
        return sum(self.reference), sum(self.current)

    @property
    def filled(self) -> int:
        return filled(self.reference, self.current)

    @property
    def v(self) -> float | None:
        return cramers_v(self.chi[0], sum(self.rows)) if self.chi and self.kind == "category" else None

    @property
    def moved(self) -> tuple[str, float]:
        """The bin whose share changed most, and by how much."""
        n, m = self.rows
        changes = [b / m - a / n for a, b in zip(self.reference, self.current, strict=True)]
        at = max(range(len(changes)), key=lambda number: abs(changes[number]))
        return self.labels[at], changes[at]


def compare(
    reference: Profile | Table, table: Table, names: Sequence[str], ask_reference: Ask, ask: Ask, *, one_engine: bool = True
) -> tuple[tuple[Drift, ...], dict[str, str]]:
    """The drift of each of these columns, and why a column was not compared.

    A reference that is a table is read once; where both sides are in memory, or in `one_engine`, KS and Wasserstein are exact.
    """
    skipped = {name: why for name in names if (why := _why_not(reference, table, name))}
    chosen = [name for name in names if name not in skipped]
    now = Columns(table, chosen, ask)
    before = reference.columns if isinstance(reference, Profile) else Columns(reference, chosen, ask_reference)
    found = on_two_threads(_job(name, before, now, one_engine) for name in chosen)
    compared = []
    for name, one in zip(chosen, found, strict=True):
        if isinstance(one, Drift):
            compared.append(one)
        else:
            skipped[name] = one
    return _adjusted(compared), skipped


def _why_not(reference: Profile | Table, table: Table, name: str) -> str:
    """Why this column is not compared; empty where it is."""
    kind = kind_of(table, name)
    if isinstance(reference, Profile):
        why = reference.skipped.get(name) or ("" if kind in ("number", "category") else kind)
        was = reference.columns[name].kind if name in reference.columns else kind
    else:
        was = kind_of(reference, name)
        why = "" if {kind, was} <= {"number", "category"} else (kind if kind not in ("number", "category") else was)
    return why or (f"it was a {was} in the reference and is a {kind}" if kind != was else "")


def _job(
    name: str, references: Mapping[str, ColumnProfile] | Columns, currents: Columns, one_engine: bool
) -> tuple[partial[Drift | str], bool]:
    """The comparison of one column, and whether it only computes."""
    told: list[str] = []
    before = references.open(name, told) if isinstance(references, Columns) else references[name]
    now = currents.open(name, told)
    computes = isinstance(now, Held) and isinstance(before, (Held, ColumnProfile))
    return partial(_with_sql, partial(drift, name, before, now, one_engine=one_engine), told), computes


def _with_sql(compared: Callable[[], Drift | str], told: list[str]) -> Drift | str:
    one = compared()
    return replace(one, sql=tuple(told)) if isinstance(one, Drift) else one


def drift(name: str, before: ColumnProfile | Held | Asked | Named, now: Held | Asked | Named, *, one_engine: bool = True) -> Drift | str:
    """One column's drift, or why it has none: a key, or categories that are all rare."""
    met = Merged(before, now) if one_engine and isinstance(before, Asked) and isinstance(now, Asked) else None
    profile = before if isinstance(before, ColumnProfile) else profile_column(name, met or before)
    grid, then = profile.grid, profile.side
    side = met.other(grid) if met else now.side(grid)
    if profile.key:
        return "every value of it differs: it is a key"
    if grid.kind == "category" and not grid.labels and then.known:
        return "no value of it has five rows in the reference"
    first, second = bins(then, grid), bins(side, grid)
    value, count = psi(first, second), filled(first, second)
    n, m = sum(first), sum(second)
    js = jensen_shannon(first, second)
    whole = Drift(
        name=name,
        kind=grid.kind,
        labels=grid.bin_labels,
        reference=first,
        current=second,
        psi=value,
        interval=None if value is None else psi_interval(value, n, m, count),
        p=None if value is None else psi_p(value, n, m, count),
        js_distance=None if js is None else js**0.5,
        chi=chi_square(first, second),
        means=(then.mean, side.mean),
    )
    exact = met.apart() if met else before.apart(now) if isinstance(before, Held) and isinstance(now, Held) else None
    return whole if grid.kind == "category" else _with_distances(whole, exact, grid, then, side)


def _with_distances(whole: Drift, exact: Apart | None, grid: Grid, then: Side, side: Side) -> Drift:
    """With KS and Wasserstein: exact where both samples were merged, else read off the grid."""
    if exact:
        distance, below = exact.ks, exact.below
        work: float | None = exact.wasserstein
    else:
        on_grid = grid_ks(then, side)
        if on_grid is None:
            return whole
        distance, below = on_grid
        work = grid_wasserstein(then, side, grid)
    return replace(
        whole,
        ks=distance,
        ks_p=ks_p(below, then.known, side.known),
        wasserstein=work,
        in_sd=work / then.sd if work is not None and then.sd else None,
        exact=exact is not None,
        coarse=0.0 if exact else max(then.counts) / then.known,
    )


def _adjusted(compared: list[Drift]) -> tuple[Drift, ...]:
    """With each p adjusted over the columns that have one."""
    by_psi = dict(zip(*_family([(one.name, one.p) for one in compared]), strict=True))
    by_ks = dict(zip(*_family([(one.name, one.ks_p) for one in compared]), strict=True))
    return tuple(replace(one, adjusted=by_psi.get(one.name), ks_adjusted=by_ks.get(one.name)) for one in compared)


def _family(pairs: list[tuple[str, float | None]]) -> tuple[list[str], tuple[float, ...]]:
    known = [(name, p) for name, p in pairs if p is not None]
    return [name for name, _ in known], benjamini_hochberg([p for _, p in known])


def chi_p(one: Drift) -> float | None:
    """P of the chi-square over the same bins."""
    return chi_square_p(*one.chi) if one.chi else None

"""The reference as a profile: bins, counts and sums of each column, in a small JSON file. With it no reference row has to be kept.

`write()` then `read()` gives an equal profile. Categories under five rows are in no profile by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_mlgov.sdk import Missing, open_table
from mlgov_validators.binning import Grid, Kind, Side
from mlgov_validators.opening import Columns
from mlgov_validators.samples import Ask, Column, Held, kind_of

if TYPE_CHECKING:
    from ibis.expr.types import Table

SCHEMA = "mlgov-drift-profile-2"
READ = ("mlgov-drift-profile-1", SCHEMA)  # the first had nothing about outcomes
THREADS = 2
Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column of the reference: its grid and what the reference holds in it; `key` where every value differs."""

    name: str
    grid: Grid
    side: Side
    key: bool = False

    @property
    def kind(self) -> Kind:
        return self.grid.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """How good the score was where it was validated, in what a later window is held against.

    `variance` is DeLong's of `auc`. Of the `chosen` rows at or over `cutoff`, `right` were favourable. `reliability` is (mean score, share
    favourable) of bins of equal mass, by rising score.
    """

    score: str
    label: str
    auc: float
    variance: float
    n: int
    good: int
    cutoff: float | None = None
    chosen: int = 0
    right: int = 0
    reliability: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The columns that can drift, why the others cannot, and (where there was an outcome) how good the score was."""

    columns: Mapping[str, ColumnProfile]
    skipped: Mapping[str, str]
    rows: int
    validated: Validated | None = None

    def write(self) -> str:
        """The profile as JSON text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1)


def read_profile(text: str) -> Profile:
    """The profile in a JSON text. Raises Missing where it is none."""
    from pydantic import TypeAdapter, ValidationError

    again = "Make it again from the reference table."
    try:
        given = json.loads(text)
        if not isinstance(given, dict) or given.pop("schema", None) not in READ:
            raise Missing("The reference is JSON and no drift profile.", expected=f"Expected schema {SCHEMA}, or a table.", next=again)
        profile = TypeAdapter(Profile).validate_python(given)
    except (ValueError, ValidationError) as error:
        raise Missing(f"The reference is no drift profile: {type(error).__name__}.", next=again) from None
    if any(len(one.side.counts) != one.grid.cells for one in profile.columns.values()):
        raise Missing("The reference is no drift profile: counts and cells differ.", next=again)
    return profile


def make_profile(table: Table, ask: Ask, columns: Iterable[str] = ()) -> Profile:
    """The profile of a reference table (of these columns, or of all)."""
    names = list(columns) or list(table.columns)
    kinds = {name: kind_of(table, name) for name in names}
    judged = [name for name in names if kinds[name] in ("number", "category")]
    opened = Columns(table, judged, ask)
    read = ((name, opened.open(name)) for name in judged)
    made = on_two_threads((partial(profile_column, name, one), isinstance(one, Held)) for name, one in read)
    rows = int(str(ask(table.agg(k=table.count())).rows[0]["k"]))
    return Profile(columns={one.name: one for one in made}, skipped={n: k for n, k in kinds.items() if n not in judged}, rows=rows)


def profile_column(name: str, given: Column) -> ColumnProfile:
    """The profile of one column."""
    grid = given.grid()
    return ColumnProfile(name=name, grid=grid, side=given.side(grid), key=given.is_key())


def on_two_threads(jobs: Iterator[tuple[Callable[[], Taken], bool]]) -> list[Taken]:
    """The answers of `jobs`, in order: those that only compute run on two threads while the next column is read.

    A job that asks a database (False) runs on the caller's thread, for a connection is not shared. Few columns are held at once.
    """
    done: list[Future[Taken]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for work, computes in jobs:
            if computes:
                done.append(pool.submit(work))
            else:
                done.append(Future())
                done[-1].set_result(work())
            if len(done) > THREADS:
                done[-1 - THREADS].result()
    return [one.result() for one in done]


def open_reference(path: Path) -> Profile | Table:
    """A stored profile (JSON), or the reference table itself."""
    with path.open("rb") as stream:
        start = stream.read(1)
    return read_profile(path.read_text("utf-8")) if start == b"{" else open_table(path)

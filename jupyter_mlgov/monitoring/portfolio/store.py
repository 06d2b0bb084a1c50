"""Port: the read tables. They hold nothing that the log does not say, so they can be dropped and folded again at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from jupyter_mlgov.monitoring.portfolio.facts import Ahead, Count, Standing

Sort = Literal["attention", "model", "tier", "stage", "verdict", "validated", "moved", "due", "findings"]
SORTS: tuple[Sort, ...] = ("attention", "model", "tier", "stage", "verdict", "validated", "moved", "due", "findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the entries (`after`, `upto`] add: standings and counts in order of the log, and first cells of notebooks."""

    after: int
    upto: int
    standings: Sequence[Standing]
    counts: Sequence[Count]
    first: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A page of models: which words they hold, in which order, from where, how many. `now` is the moment ages are counted to."""

    now: datetime
    words: str = ""
    sort: Sort = "attention"
    descending: bool = False
    offset: int = 0
    limit: int = 100
    only: Literal["", "due", "findings"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A model on a page; `watched` is when a monitor last looked, empty for never."""

    standing: Standing
    watched: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long things took, in hours; the last three are None where there are none."""

    n: int
    middle: float | None
    mean: float | None
    longest: float | None


class ReadTables(Protocol):
    """Every answer is about the first `upto` entries of the log. Raises StorageProblem like the journal beside it."""

    def position(self) -> int:
        """How many entries are folded; -1 where another version of the fold wrote the tables."""
        ...

    def clear(self) -> None:
        """Drop every row."""
        ...

    def write(self, batch: Batch) -> bool:
        """Add a batch. False, and nothing written, where the tables no longer stand at its `after`."""
        ...

    def at(self, moment: datetime) -> int:
        """The number of the last entry before the first one later than `moment`, among those that are folded."""
        ...

    def first_cells(self, after: int, upto: int) -> dict[str, tuple[int, str]]:
        """Notebook -> (entry, time) of the first cell in these entries of the log itself."""
        ...

    def first_cell(self, notebook: str) -> tuple[int, str] | None: ...

    def standing(self, model: str, upto: int) -> Standing | None: ...

    def page(self, asked: Asked, upto: int) -> tuple[tuple[Placed, ...], int]:
        """The page, and how many models there are in all that it is a page of."""
        ...

    def standings(self, upto: int) -> Iterator[Placed]:
        """Every model, by name, read bit by bit."""
        ...

    def sums(self, figure: str, upto: int) -> tuple[int, int]:
        """(denominator, numerator)."""
        ...

    def lengths(self, figure: str, upto: int) -> Lengths: ...

    def counts(self, figure: str, upto: int, offset: int, limit: int) -> tuple[tuple[Count, ...], int]:
        """What a figure came from, the newest first, and how much there is."""
        ...

    def ahead(self, upto: int) -> tuple[tuple[tuple[Ahead, ...], tuple[str, ...]], ...]:
        """Demands of controls to come, as they are answered -> the models for which exactly that is so."""
        ...

    def validated(self, upto: int) -> int:
        """How many models have a whole report."""
        ...

    def edges(self, upto: int) -> Iterator[Edges]:
        """What every model rests on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What one model rests on: data by name with digests, and what its team file says of shared nodes."""

    model: str
    tier: int
    model_digest: str
    data: Mapping[str, str]
    dependencies: Mapping[str, object]


def known(figures: Collection[str], figure: str) -> str:
    """`figure`, when it is one of ours. Raises UsageError with the nearest."""
    from jupyter_mlgov.core.errors import unknown

    if figure not in figures:
        raise unknown("figure", figure, figures, next="See `mlgov portfolio figures`.")
    return figure

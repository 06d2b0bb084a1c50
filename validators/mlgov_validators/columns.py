"""Personal data in the columns of a table: the engine that has the data finds candidates, Python checks them.

Every value is looked at by the sieve. Where more than MOST different candidates come out, a sample of them is checked: those
with the smallest MD5, so the sample depends on the content alone and is the same on every machine and in every order of rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from mlgov_validators.checksums import luhn
from mlgov_validators.kinds import Hit, Kind, mask
from mlgov_validators.patterns import KINDS, Sieve, hits, passing, sieve

if TYPE_CHECKING:
    from ibis.expr.types import StringValue, Table

    from jupyter_mlgov.sdk import Answer

Ask = Callable[["Table"], "Answer"]
MOST = 100_000
SURE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Different values that may be personal, each with the number of its rows. `different` counts those that were not taken as well."""

    values: tuple[tuple[str, int], ...]
    different: int
    rows: int

    @property
    def sampled(self) -> bool:
        return len(self.values) < self.different

    @property
    def sentence(self) -> str:
        """What was looked at, and what a sample of that size would have shown; empty where all were."""
        if not self.sampled:
            return ""
        share = seen_share(len(self.values))
        return (
            f" Of {self.different:,} different candidates {len(self.values):,} were checked, chosen by their MD5: what {share:.3%} or more"
            f" of them hold would have been seen with {SURE:.0%}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows of a column hold one kind: `rows` of the `looked` rows that were checked, `scale` times as many in the column."""

    kind: Kind
    rows: int
    looked: int
    total: int
    scale: float
    mask: str
    told: str

    @property
    def number(self) -> int:
        return round(self.rows * self.scale)

    @property
    def rate(self) -> float:
        return self.rows * self.scale / self.total


def seen_share(number: int, sure: float = SURE) -> float:
    """The smallest share that a random sample of `number` shows at least once with probability `sure`: 1 - (1 - sure)^(1/number)."""
    return 1.0 if number <= 0 else -math.expm1(math.log1p(-sure) / number)


def candidates(ask: Ask, table: Table, text: StringValue, through: Sieve = (), most: int = MOST) -> Candidates:
    """The different values of `text`, a column of `table` or made of one, that pass the sieve; at most `most`, by MD5."""
    values = table.select(mlgov_value=text)
    rows = [reduce(and_, [values.mlgov_value.re_search(pattern) for pattern in row]) for row in through]
    likely = values.filter(reduce(or_, rows) if rows else values.mlgov_value.notnull())
    grouped = likely.group_by("mlgov_value").agg(mlgov_rows=likely.count())
    found = _pairs(ask(grouped.limit(most + 1)))
    if len(found) <= most:
        return Candidates(values=tuple(sorted(found)), different=len(found), rows=sum(number for _, number in found))
    sums = ask(grouped.aggregate(different=grouped.count(), rows=grouped.mlgov_rows.sum())).rows[0]
    first = grouped.order_by([grouped.mlgov_value.hexdigest("md5"), grouped.mlgov_value]).limit(most)
    return Candidates(values=tuple(_pairs(ask(first))), different=int(str(sums["different"])), rows=int(str(sums["rows"])))


def _pairs(answer: Answer) -> list[tuple[str, int]]:
    return list(zip(answer.table["mlgov_value"].to_pylist(), answer.table["mlgov_rows"].to_pylist(), strict=True))


def texts(ask: Ask, table: Table, column: str, total: int, most: int = MOST) -> Iterator[Count]:
    """Each kind in a column of text. `total` is its number of rows."""
    found = candidates(ask, table, table[column], sieve(column=column), most)
    yield from _counted(found, column, total)


def numbers(ask: Ask, table: Table, column: str, total: int, most: int = MOST) -> Iterator[Count]:
    """Kinds that are bare rows of digits in a column of whole numbers: only where the name says it, or where most of the rows pass."""
    long = table.filter(table[column] >= 10**8)
    found = candidates(ask, long, long[column].cast("string"), most=most)
    if found.values:
        yield from _counted(found, column, total, whole=True)


def _counted(found: Candidates, column: str, total: int, *, whole: bool = False) -> Iterator[Count]:
    sure: Counter[str] = Counter()
    bare: Counter[str] = Counter()
    masks: dict[str, str] = {}
    kinds = {kind.name: kind for kind in reversed(KINDS)}
    for (value, rows), wanted in zip(found.values, _wanted(found, column), strict=True):
        for name, certain in _kinds(value, wanted, column, whole=whole).items() if wanted or whole else ():
            (sure if certain else bare)[name] += rows
            masks.setdefault(name, mask(value) if whole else certain or mask(value))
    looked = sum(rows for _, rows in found.values)
    scale = found.rows / (looked or 1)
    for name, kind in kinds.items():
        most_pass = bare[name] * scale * 2 > total
        rows = sure[name] + (bare[name] if most_pass else 0)
        if rows:
            yield Count(kind=kind, rows=rows, looked=looked, total=total, scale=scale, mask=masks[name], told=found.sentence)


def _kinds(value: str, wanted: Sequence[Kind], column: str, *, whole: bool) -> dict[str, str]:
    """Kinds in one value: name -> mask where it is sure, name -> "" where a bare number passes and nothing says what it is."""
    seen: dict[str, str] = {}
    for hit in hits(value, wanted, column=column):
        if whole and hit.kind.context is None:
            continue  # a whole number is a card or an id by chance in one of ten: see below
        if hit.sure or (hit.kind.checked and _fills(hit, value)):
            seen[hit.kind.name] = hit.mask if hit.sure else ""
    if whole and luhn(value):
        seen.setdefault("payment card number", "")
    return seen


def _wanted(found: Candidates, column: str) -> list[list[Kind]]:
    """For each candidate the kinds that may be in it, in their order: RE2 says of all candidates at once where a kind cannot be."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted: list[list[Kind]] = [[] for _ in found.values]
    texts = pa.array([value for value, _ in found.values], pa.string())
    for kind in KINDS:
        for place in pc.indices_nonzero(passing(texts, sieve((kind,), column))).to_pylist():
            wanted[place].append(kind)
    return wanted


def _fills(hit: Hit, value: str) -> bool:
    return value.strip() == value[hit.start : hit.end]

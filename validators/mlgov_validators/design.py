"""A model's inputs as numbers: one block of columns a feature, for the checks that fit something to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Missing, Subject
from mlgov_validators.scores import rows_of, texts_of
from mlgov_validators.values import same

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Codes = NDArray[np.int64]

SEED = 20261123
MOST_CLASSES = 50  # of a feature that is text; the rest become one
MOST_FEATURES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A column of numbers; NaN where there is none."""

    name: str
    values: Numbers

    @property
    def known(self) -> NDArray[np.bool_]:
        import numpy as np

        return ~np.isnan(self.values)

    def block(self, rows: Codes | NDArray[np.bool_]) -> Numbers:
        """Standardised columns: the number, with its median for what is missing, and whether it is missing."""
        import numpy as np

        values = self.values[rows]
        gone = np.isnan(values)
        middle = float(np.median(values[~gone])) if (~gone).any() else 0.0
        return _scaled(np.column_stack([np.where(gone, middle, values), *([gone.astype(float)] if gone.any() else [])]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """A column of texts: each row's place among the different ones, -1 where there is none."""

    name: str
    codes: Codes
    texts: tuple[str, ...]

    @property
    def known(self) -> NDArray[np.bool_]:
        return self.codes >= 0

    def block(self, rows: Codes | NDArray[np.bool_]) -> Numbers:
        """Standardised columns: one for each of the fifty most frequent texts."""
        import numpy as np

        codes = self.codes[rows]
        often = [int(one) for one in np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable")[:MOST_CLASSES]]
        return _scaled(np.column_stack([(codes == one).astype(float) for one in often]))


Feature = Quantity | Classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Features of all rows, and the columns read beside them by name as texts."""

    features: tuple[Feature, ...]
    beside: dict[str, Classes]
    rows: int
    sql: str
    score: Quantity | None = None

    def drawn(self, most: int) -> Inputs:
        """`most` rows by a seeded draw, in their order; all of them where there are no more."""
        if self.rows <= most:
            return self
        import numpy as np

        kept = np.sort(np.random.default_rng(SEED).choice(self.rows, most, replace=False))
        beside = {name: replace(column, codes=column.codes[kept]) for name, column in self.beside.items()}
        features = tuple(
            replace(one, values=one.values[kept]) if isinstance(one, Quantity) else replace(one, codes=one.codes[kept])
            for one in self.features
        )
        score = replace(self.score, values=self.score.values[kept]) if self.score else None
        return Inputs(features=features, beside=beside, rows=most, sql=self.sql, score=score)


def inputs(subject: Subject, beside: Sequence[str], score: str = "") -> Inputs:
    """Read the declared features, the texts `beside` them and a score. Raises Missing for more than 400 features or a score of text."""
    names = subject.roles.features
    if len(names) > MOST_FEATURES:
        raise Missing(f"{len(names):,} features are declared, more than {MOST_FEATURES}.")
    wanted = tuple(dict.fromkeys(filter(None, (*names, *beside, score))))
    table = subject.columns(*wanted)
    short = {name: f"mlgov_{number}" for number, name in enumerate(wanted)}
    question = table.select(**{short[name]: table[name] for name in wanted})
    arrow, sql = rows_of(subject, question)
    features = tuple(_feature(name, arrow.column(short[name])) for name in names)
    texts = {name: _classes(name, arrow.column(short[name])) for name in beside}
    weighed = _feature(score, arrow.column(short[score])) if score else None
    if isinstance(weighed, Classes):
        raise Missing(f"{score} is text, not a number, so it is no score.")
    return Inputs(features=features, beside=texts, rows=arrow.num_rows, sql=sql, score=weighed)


def truth_of(column: Classes, favourable: str) -> Codes:
    """1 favourable, 0 not, -1 missing. Raises Missing where the favourable value never occurs."""
    import numpy as np

    good = [same(text, favourable or "1") for text in column.texts]
    if not any(good):
        raise Missing(f'The favourable value "{favourable or "1"}" never occurs in {column.name}.')
    return np.array([*(int(one) for one in good), -1])[column.codes]


def _feature(name: str, column: Any) -> Feature:  # pyarrow ships no types
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        whole = column.cast("int8") if pa.types.is_boolean(kind) else column
        return Quantity(name=name, values=np.asarray(whole.cast("float64").to_numpy(), dtype=float))
    return _classes(name, column)


def _classes(name: str, column: Any) -> Classes:  # as above
    import numpy as np

    places, texts = texts_of(column)
    kept = tuple(sorted({text for text in texts if text is not None}))
    where = {text: place for place, text in enumerate(kept)}
    return Classes(name=name, codes=np.array([*(-1 if text is None else where[text] for text in texts), -1])[places], texts=kept)


def _scaled(columns: Numbers) -> Numbers:
    import numpy as np

    spread = columns.std(axis=0)
    found: Numbers = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return found

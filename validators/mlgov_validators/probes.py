"""A model asked many times about changed rows: a fixed sample of the table, its numeric inputs, one call for many variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Missing, Predict, Subject
from mlgov_validators.error_rates import cutoff

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MOST_AT_ONCE = 200_000
SEED = 20261123


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Rows of the table (pyarrow), the model's score of each, the names of numeric inputs and the score a decision turns at.

    `inputs` are the declared inputs of any type; the numeric ones alone where nobody declared any.
    """

    rows: Any
    score: Numbers
    numbers: tuple[str, ...]
    cut: float | None
    predict: Predict
    total: int
    inputs: tuple[str, ...] = ()

    def values(self, name: str) -> Numbers:
        """A numeric input of the sample."""
        import numpy as np

        return np.asarray(self.rows.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)

    def changed(self, columns: dict[str, Numbers]) -> Any:
        """The sample with these columns instead."""
        return with_columns(self.rows, columns)

    def without(self, name: str) -> Any:
        """The sample with no value of this input at all."""
        import pyarrow as pa

        place = self.rows.column_names.index(name)
        return self.rows.set_column(place, name, pa.nulls(self.rows.num_rows, self.rows.schema.field(name).type))

    def flips(self, score: Numbers) -> NDArray[np.bool_]:
        """Rows whose decision another score would turn. Raises Missing where nobody said the cutoff."""
        if self.cut is None:
            raise Missing("Nobody said at which score a decision turns.", next="Declare `cutoff = …` under [subject] in mlgov.toml.")
        turned: NDArray[np.bool_] = (self.score >= self.cut) != (score >= self.cut)
        return turned


def probe(subject: Subject, most: int) -> Probe:
    """At most `most` rows, evenly spaced over the table, with the model's scores. Raises Missing where the model cannot be asked."""
    if subject.predict is None:
        raise Missing("There is no model that can be asked for a score.")
    arrow = subject.ask(subject.table).table if subject.local else _first(subject, most)
    total = arrow.num_rows
    if total > most:
        arrow = arrow.take([place * total // most for place in range(most)])
    roles = subject.roles
    left = {roles.outcome, roles.label, roles.score, roles.baseline, roles.key, roles.time, *roles.protected}
    names = [name for name in (roles.features or arrow.column_names) if name in arrow.column_names and name not in left]
    numbers = tuple(name for name in names if _numeric(arrow.schema.field(name).type))
    if not numbers:
        raise Missing(
            "The table holds no numeric input of the model.", next="Declare `features = […]` under [subject] and keep them in the table."
        )
    (score,) = scores(subject.predict, [arrow])
    declared = tuple(names) if roles.features else numbers
    return Probe(rows=arrow, score=score, numbers=numbers, cut=cutoff(subject), predict=subject.predict, total=total, inputs=declared)


def _first(subject: Subject, most: int) -> Any:  # pyarrow ships no types
    """Rows elsewhere: the first ones the warehouse gives."""
    return subject.ask(subject.table.limit(most)).table


def _numeric(type_: Any) -> bool:  # pyarrow ships no types
    import pyarrow as pa

    return bool(pa.types.is_floating(type_) or pa.types.is_integer(type_) or pa.types.is_decimal(type_))


def with_columns(rows: Any, columns: dict[str, Numbers]) -> Any:  # pyarrow ships no types
    """A pyarrow table with these columns as doubles."""
    import pyarrow as pa

    for name, values in columns.items():
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values, pa.float64(), from_pandas=True))
    return rows


def scores(predict: Predict, tables: Sequence[Any]) -> list[Numbers]:
    """The model's scores of each table, asked in as few calls as fit. Raises Missing where an answer is no row of finite numbers."""
    import numpy as np

    answers = raw_scores(predict, tables)
    if not all(np.isfinite(answer).all() for answer in answers):
        raise Missing("The model answers with scores that are not finite.", next="See robust.stress for the rows.")
    return answers


def raw_scores(predict: Predict, tables: Sequence[Any]) -> list[Numbers]:
    """As `scores`, with answers that may not be finite. Raises Missing where the model raises, or gives another number of answers."""
    import numpy as np
    import pyarrow as pa

    found: list[Numbers] = []
    waiting: list[Any] = []
    for number, table in enumerate(tables):
        waiting.append(table)
        full = sum(one.num_rows for one in waiting) >= MOST_AT_ONCE
        if not full and number + 1 < len(tables):
            continue
        whole = pa.concat_tables(waiting, promote_options="permissive")
        try:
            answer = np.asarray(predict(whole), dtype=np.float64)
        except Missing:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a model raises says that it could not be asked
            raise Missing(f"The model could not be asked: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None
        if answer.shape != (whole.num_rows,):
            raise Missing(f"The model gave {answer.shape} answers to {whole.num_rows} rows.")
        ends = np.cumsum([one.num_rows for one in waiting])[:-1]
        found += np.split(answer, ends)
        waiting = []
    return found

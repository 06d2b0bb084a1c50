"""Scores and true outcomes of a subject's rows: what every check of a model's scores begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict
from mlgov_validators.cells import MOST_GROUPS, MOST_VALUES
from mlgov_validators.samples import Ask
from mlgov_validators.values import same, text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores and true outcomes of the rows that have all of them; `rows` counts every row of the table.

    `groups` are the texts of the column that was asked for beside them and `codes` each row's place among them.
    """

    scores: tuple[NDArray[np.float64], ...]
    positive: NDArray[np.bool_]
    rows: int
    sql: str = ""
    groups: tuple[str, ...] = ()
    codes: NDArray[np.int64] | None = None

    @property
    def used(self) -> int:
        return len(self.positive)

    @property
    def events(self) -> tuple[int, int]:
        """Positives and negatives."""
        good = int(self.positive.sum())
        return good, self.used - good


def scored(subject: Subject, columns: tuple[str, ...], *, by: str = "") -> Scored:
    """The rows that have every score, a label and, where one is asked for, a value of `by`.

    Here they are read as they are; elsewhere only counts of equal rows travel. Raises Missing for scores that are no numbers, a label
    nobody can read, or more than 100 groups.
    """
    import numpy as np

    names = [f"mlgov_score_{number}" for number in range(len(columns))]
    table = subject.columns(subject.label, *columns, *([by] if by else []))
    kept = {"mlgov_label": table[subject.label], **({"mlgov_by": table[by]} if by else {})}
    chosen = table.select(**kept, **{name: table[column] for name, column in zip(names, columns, strict=True)})
    for name, column in zip(names, columns, strict=True):
        if not chosen[name].type().is_numeric():
            raise Missing(f"{column} is {chosen[name].type()}, not a number, so it is no score.")
    wanted = favourable_texts(subject, chosen)
    question = chosen.select(*kept, *(chosen[name].cast("float64").name(name) for name in names))
    arrow, sql = rows_of(subject, question)
    labels, texts = texts_of(arrow.column("mlgov_label"))
    known = np.array([*(text is not None for text in texts), False])
    good = np.array([*(text in wanted for text in texts), False])
    scores = [np.asarray(arrow.column(name).to_numpy(), dtype=float) for name in names]
    keep = known[labels]
    for score in scores:
        keep &= ~np.isnan(score)
    groups: tuple[str, ...] = ()
    codes = None
    if by:
        groups, codes = _groups(by, arrow.column("mlgov_by"))
        keep &= codes >= 0
        codes = codes[keep]
    return Scored(
        scores=tuple(score[keep] for score in scores), positive=good[labels][keep], rows=len(labels), sql=sql, groups=groups, codes=codes
    )


def rows_of(subject: Subject, question: Any) -> tuple[Any, str]:  # pyarrow and ibis ship no types
    """The rows of a question and its text: here as they are, elsewhere as counts of equal rows, repeated."""
    return rows_by(question, subject.ask, here=subject.local)


def rows_by(question: Any, ask: Ask, *, here: bool) -> tuple[Any, str]:  # pyarrow and ibis ship no types
    """As rows_of(), of any table that `ask` can be asked about."""
    if here:
        answer = ask(question)
        return answer.table, answer.sql
    import numpy as np

    counted = question.group_by(list(question.columns)).agg(mlgov_rows=question.count())
    answer = ask(counted)
    number = answer.table.column("mlgov_rows").to_numpy().astype(int)
    return answer.table.take(np.repeat(np.arange(len(number)), number)), answer.sql


def texts_of(column: Any) -> tuple[NDArray[np.int64], list[str | None]]:
    """Each row's place among the different texts, the last place for null."""
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_nested(whole.type) or pa.types.is_null(whole.type):
        whole = pa.array([text_of(value) for value in whole.to_pylist()], type=pa.string())
    coded = whole.dictionary_encode()
    texts = [text_of(value) for value in coded.dictionary.to_pylist()]
    return coded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False), texts


def _groups(column: str, values: Any) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    import numpy as np

    places, texts = texts_of(values)
    groups = tuple(sorted({text for text in texts if text is not None}))
    if len(groups) > MOST_GROUPS:
        raise Missing(f"{column} has more than {MOST_GROUPS:,} different values, so they are no groups; band it first.")
    return groups, np.array([*(-1 if text is None else groups.index(text) for text in texts), -1])[places]


def favourable_texts(subject: Subject, chosen: Any) -> set[str]:  # ibis ships no types
    """The label's texts that mean favourable: the named value; 1 where nobody named one and the label is 0 and 1."""
    different = subject.ask(chosen.select("mlgov_label").distinct().limit(MOST_VALUES + 1)).table
    seen = sorted({text for value in different.column("mlgov_label").to_pylist() if (text := text_of(value)) is not None})
    if len(seen) > MOST_VALUES:
        raise Missing(f"{subject.label} has more than {MOST_VALUES} different values, so it is no label.")
    wanted = subject.roles.favourable
    if not wanted and not all(same(text, "0") or same(text, "1") for text in seen):
        raise Missing(f"Nobody said which value of {subject.label} is favourable. Values seen: {', '.join(seen[:10])}.")
    good = {text for text in seen if same(text, wanted or "1")}
    if not good and seen:
        shown = ", ".join(repr(value[:40]) for value in seen[:10])
        raise Missing(f'The favourable value "{wanted or "1"}" never occurs in {subject.label}. Values seen: {shown}.')
    return good


def too_few(data: Scored, min_events: int) -> Finding | None:
    """A finding where either class has fewer than `min_events` rows."""
    good, bad = data.events
    if min(good, bad) >= max(min_events, 1):
        return None
    what = "one class only" if min(good, bad) == 0 else "too few cases to tell"
    said = f"{good:,} favourable and {bad:,} other outcomes with a score: {what}; at least {min_events} of each are needed."
    return Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=data.used, allowed=f"at least {min_events} of each")


def left_out(data: Scored, most: float) -> list[Finding]:
    """A finding about rows without score or label: said always, `inconclusive` when more than the share `most`."""
    gone = data.rows - data.used
    if not gone:
        return []
    share = gone / data.rows
    verdict = Verdict.INCONCLUSIVE if share > most else Verdict.WARN
    said = f"{gone:,} of {data.rows:,} rows have no score or no label (null or NaN). They were not judged."
    return [Finding(message=said, verdict=verdict, measured=share, allowed=f"at most {most:.0%} left out", n=data.rows)]


def probability(subject: Subject, data: Scored) -> NDArray[np.float64]:
    """The score as a probability. Raises Missing where it leaves 0..1: a ranking has no calibration."""
    score = data.scores[0]
    if len(score) and (score.min() < 0 or score.max() > 1):
        raise Missing(
            f"{subject.roles.score} runs from {score.min():.4g} to {score.max():.4g}, so it is no probability of the favourable value.",
            next="Keep the model's probability in the table and name that column.",
        )
    return score

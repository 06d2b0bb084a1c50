"""Does the model know at training what it cannot know when it decides?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.contracts import contracts
from mlgov_validators.intervals import wilson
from mlgov_validators.probes import SEED
from mlgov_validators.ranking import auc
from mlgov_validators.scores import favourable_texts, texts_of
from mlgov_validators.values import text_of

if TYPE_CHECKING:
    import numpy as np
    from ibis.expr.types import Table
    from numpy.typing import NDArray

MOST_CATEGORIES = 200


@validator(
    "data.leakage",
    title="Leakage",
    version="1.1",
    needs=("table",),
    uses=("label", "features", "time", "key", "splits", "register"),
    stricter={"most": "lower", "min_events": "higher"},
    timeout=300.0,
)
def leakage(subject: Subject, *, most: float = 0.98, min_events: int = 10) -> list[Finding]:
    """Does the model know at training what it cannot know when it decides?

    Four looks, each with what it could and could not see:
    - each feature alone: AUC of its value (of its categories' rates of the outcome, fitted on one half of the rows and measured on the
      other) against the outcome, whichever way it runs;
    - each feature with `as_of` under [features] in mlgov.toml: rows where that time lies after the row's own (`time` under [subject]);
    - `train` and `test`: keys in both, and rows that are equal in every feature and in the outcome;
    - their times: rows of `train` later than the first row of `test`.

    fail: a feature's AUC is `most` or more; a value stamped after the decision; a key in both splits; a row of `test` that is also in
    `train`, where rows are told apart by more than chance (more of them than twice the repeats within `train`).
    warn: `train` reaches past the start of `test`; equal rows in both that repeat no oftener than within `train` itself.
    inconclusive: fewer than `min_events` outcomes of either kind; a declared feature that could not be tried; nothing to look at.
    What was not declared (times, splits, keys) was not looked at, and is named.

    Source: Kaufman, Rosset, Perlich & Stitelman 2012 (leakage, and learn-predict separation); the cut-off 0.98 is house.

    Fix: Build the feature again as of the decision, drop it, or split by person and by time before anything is fitted.
    """
    findings = [*_alone(subject, most, min_events), *_as_of(subject), *_splits(subject)]
    if not any(one.verdict is not Verdict.NOT_APPLICABLE for one in findings):
        raise Missing(
            " ".join(one.message for one in findings), next="Declare `label`, `features`, `time`, `train` and `test` under [subject]."
        )
    return findings


def _alone(subject: Subject, most: float, min_events: int) -> Iterator[Finding]:
    """Each feature against the outcome, by itself."""
    import numpy as np

    label, table = subject.label, subject.table
    if not label or label not in table.columns:
        yield _unlooked("No column of true outcomes was named, so no feature was tried alone.")
        return
    roles = subject.roles
    others = {label, roles.score, roles.baseline, roles.key, roles.time, roles.outcome}
    names = [name for name in (roles.features or table.columns) if name in table.columns and name not in others]
    if not subject.local:
        yield _unlooked("The rows live elsewhere, so no feature was tried alone.")
        return
    plain = [f"c{number}" for number in range(len(names))]
    chosen = table.select(mlgov_label=table[label], **{c: table[name] for c, name in zip(plain, names, strict=True)})
    wanted = favourable_texts(subject, chosen)
    arrow = subject.ask(chosen).table
    codes, texts = texts_of(arrow.column("mlgov_label"))
    known = np.array([*(text is not None for text in texts), False])[codes]
    good = np.array([*(text in wanted for text in texts), False])[codes]
    events = int(good[known].sum()), int((~good[known]).sum())
    if min(events) < min_events:
        said = f"{events[0]:,} favourable and {events[1]:,} other outcomes: too few to try a feature alone ({min_events} of each)."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, n=sum(events))
        return
    areas, untried = _areas(arrow, dict(zip(plain, names, strict=True)), known, good)
    untried += [name for name in roles.features if name not in table.columns]
    yield from _untried(untried, declared=bool(roles.features))
    if not areas:
        yield _unlooked("No feature has a value that could be ranked.")
        return
    for name, (value, interval, n) in sorted(areas.items(), key=lambda pair: (-pair[1][0], pair[0])):
        if value >= most:
            said = f"{name} alone ranks the outcome with AUC {value:.3f} ({most:g} or more): it may be made from it."
            yield Finding(message=said, verdict=Verdict.FAIL, measured=value, allowed=f"under {most:g}", n=n, interval=interval, where=name)
    best = max(areas, key=lambda name: areas[name][0])
    if areas[best][0] < most:
        said = f"{len(areas)} features tried alone; the best is {best} with AUC {areas[best][0]:.3f}."
        value, interval, n = areas[best]
        yield Finding(message=said, verdict=Verdict.PASS, measured=value, allowed=f"under {most:g}", n=n, interval=interval, where=best)


def _areas(
    arrow: Any, names: dict[str, str], known: NDArray[np.bool_], good: NDArray[np.bool_]
) -> tuple[dict[str, tuple[float, tuple[float, float] | None, int]], list[str]]:  # pyarrow ships no types
    """Feature -> AUC, its interval and rows, whichever way it runs; and those that could not be ranked."""
    areas: dict[str, tuple[float, tuple[float, float] | None, int]] = {}
    untried: list[str] = []
    for column, name in names.items():
        values = _ranked(arrow.column(column), known, good)
        if values is None or not 0 < int(good[values[1]].sum()) < int(values[1].sum()):
            untried.append(name)
            continue
        score, kept = values
        area = auc(score[kept], good[kept])
        one = area if area.value >= 0.5 else auc(-score[kept], good[kept])
        areas[name] = (one.value, one.interval(), int(kept.sum()))
    return areas, untried


def _untried(names: list[str], *, declared: bool) -> Iterator[Finding]:
    """Columns that nobody could rank by the outcome; a feature that was declared and not tried is no pass."""
    if names:
        shown = ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        said = f"Not tried alone, for want of values beside both outcomes or for too many different texts: {shown}."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE if declared else Verdict.NOT_APPLICABLE, n=len(names))


def _ranked(column: Any, known: NDArray[np.bool_], good: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """(a number for each row, rows that have one); None for a pyarrow column that cannot be ranked."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        number = column.cast("int8") if pa.types.is_boolean(kind) else column
        values = np.asarray(number.cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.nan_to_num(values, nan=0.0), known & ~np.isnan(values)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    column = column.combine_chunks().dictionary_encode()
    size = len(column.dictionary)
    if size > MOST_CATEGORIES:
        return None  # as many names as rows tell every row apart, by rate of outcome too
    codes = column.indices.fill_null(size).to_numpy(zero_copy_only=False)
    half = np.random.default_rng(SEED).random(len(codes)) < 0.5
    fitted = known & half
    if not fitted.any():
        return None
    n = np.bincount(codes[fitted], minlength=size + 1)
    k = np.bincount(codes[fitted & good], minlength=size + 1)
    rates = (k + good[fitted].mean()) / (n + 1)
    return rates[codes], known & ~half


def _as_of(subject: Subject) -> Iterator[Finding]:
    """Values known only after the decision."""
    stamped = {name: rule.as_of for name, rule in contracts(subject).items() if rule.as_of}
    table, time = subject.table, subject.roles.time
    if not time or not stamped:
        yield _unlooked("No times of features and decisions were declared, so no value was looked up as of its decision.")
        return
    if time not in table.columns:
        yield Finding(message=f"{time} is declared as the time and is not in the table.", verdict=Verdict.INCONCLUSIVE, where=time)
        return
    for name, column in stamped.items():
        if column not in table.columns:
            said = f"{name} is stamped by {column}, which is not in the table."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=name)
            continue
        x = table.select(a=table[column].cast("timestamp"), b=table[time].cast("timestamp"))
        told = subject.ask(x.agg(n=x.count(), k=(x.a > x.b).fill_null(False).sum(), u=(x.a.isnull() | x.b.isnull()).sum())).rows[0]
        rows, late, unknown = (int(str(told[key] or 0)) for key in ("n", "k", "u"))
        if late:
            said = f"{name} is stamped after the decision in {late:,} of {rows:,} rows."
            yield Finding(
                message=said, verdict=Verdict.FAIL, measured=late / rows, allowed="none", n=rows, interval=wilson(late, rows), where=name
            )
        elif unknown:
            said = f"{name}: {unknown:,} of {rows:,} rows have no time to compare."
            yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, measured=unknown / rows, n=rows, where=name)
        else:
            said = f"{name} was known before the decision in all {rows:,} rows."
            yield Finding(message=said, verdict=Verdict.PASS, measured=0.0, allowed="none", n=rows, interval=wilson(0, rows), where=name)


def _splits(subject: Subject) -> Iterator[Finding]:
    """Is a person, a row or a time on both sides of the split?"""
    if not {"train", "test"} <= set(subject.split_paths):
        yield _unlooked("No train and test tables were kept, so no row was looked for in both.")
        return
    train, test = subject.split("train"), subject.split("test")
    roles = subject.roles
    if roles.key and roles.key in train.columns and roles.key in test.columns:
        yield _keys(train, test, roles.key)
    yield from _rows(subject, train, test)
    if roles.time and roles.time in train.columns and roles.time in test.columns:
        yield from _times(train, test, roles.time)


def _both(train: Table, test: Table) -> tuple[Any, Any]:
    """The two tables on one connection. Ibis ships no types."""
    import ibis

    connection = ibis.duckdb.connect(autoinstall_known_extensions=False, autoload_known_extensions=False)
    return connection.create_table("a", train.to_pyarrow()), connection.create_table("b", test.to_pyarrow())


def _keys(train: Table, test: Table, key: str) -> Finding:
    one, other = _both(train.select(x=train[key].cast("string")), test.select(x=test[key].cast("string")))
    rows = int(other.count().execute())
    shared = int(other.semi_join(one, "x").count().execute())
    said = f"{shared:,} of {rows:,} test rows have a {key} that is in the training rows as well."
    verdict = Verdict.FAIL if shared else Verdict.PASS
    interval = wilson(shared, rows)
    return Finding(
        message=said, verdict=verdict, measured=shared / rows if rows else None, allowed="none", n=rows, interval=interval, where=key
    )


def _rows(subject: Subject, train: Table, test: Table) -> Iterator[Finding]:
    left = {subject.roles.key, subject.roles.time, subject.roles.score}
    wanted = subject.roles.features or tuple(train.columns)
    label = (subject.label,) if subject.label else ()
    names = [name for name in dict.fromkeys((*wanted, *label)) if name in train.columns and name in test.columns and name not in left]
    names = [name for name in names if not train[name].type().is_nested()]
    if not names:
        yield _unlooked("The training and test tables share no column, so no row was looked for in both.")
        return
    plain = [f"c{number}" for number in range(len(names))]
    one, other = _both(
        train.select(**{c: train[name].cast("string").fill_null("") for c, name in zip(plain, names, strict=True)}),
        test.select(**{c: test[name].cast("string").fill_null("") for c, name in zip(plain, names, strict=True)}),
    )
    rows, learned = int(other.count().execute()), int(one.count().execute())
    if not rows or not learned:
        yield Finding(message="The training or the test table has no rows.", verdict=Verdict.INCONCLUSIVE, n=rows)
        return
    shared = int(other.semi_join(one.distinct(), plain).count().execute())
    usual = 1 - int(one.distinct().count().execute()) / learned
    share = shared / rows
    said = f"{shared:,} of {rows:,} test rows are equal to a training row in {len(names)} columns; {usual:.2%} of training rows repeat."
    verdict = Verdict.PASS if not shared else Verdict.FAIL if share > max(2 * usual, 0.0) else Verdict.WARN
    yield Finding(
        message=said, verdict=verdict, measured=share, allowed="no more than rows repeat anyway", n=rows, interval=wilson(shared, rows)
    )


def _times(train: Table, test: Table, time: str) -> Iterator[Finding]:
    start = text_of(test[time].cast("timestamp").min().execute())
    later = int((train[time].cast("timestamp") > test[time].cast("timestamp").min().execute()).sum().execute() or 0)
    rows = int(train.count().execute())
    if later:
        said = f"{later:,} of {rows:,} training rows are later than the first test row ({start})."
        yield Finding(message=said, verdict=Verdict.WARN, measured=later / rows, n=rows, interval=wilson(later, rows), where=time)
    else:
        said = f"All {rows:,} training rows are before the first test row ({start})."
        yield Finding(message=said, verdict=Verdict.PASS, measured=0.0, n=rows, where=time)


def _unlooked(sentence: str) -> Finding:
    return Finding(message=sentence, verdict=Verdict.NOT_APPLICABLE)

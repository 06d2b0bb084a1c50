"""Does the table hold what was agreed about it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.sdk import Finding, Missing, Subject, Unanswered, Verdict, validator
from mlgov_validators.contracts import Contract, contracts, number
from mlgov_validators.divergence import chi_square, chi_square_p
from mlgov_validators.intervals import benjamini_hochberg, wilson
from mlgov_validators.values import same, text_of

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_GROUPS = 50
MOST_TEXTS = 1000


@validator(
    "data.quality",
    title="Data quality",
    needs=("table",),
    uses=("protected", "key", "time", "register", "reference", "lineage"),
    stricter={
        "max_age_days": "lower, 0 asks nothing",
        "max_duplicates": "lower",
        "max_unseen": "lower",
        "group_gap": "lower",
        "evidently": "higher",
    },
    timeout=300.0,
)
def data_quality(
    subject: Subject,
    *,
    max_age_days: float = 0.0,
    max_duplicates: float = 0.01,
    max_unseen: float = 0.0,
    group_gap: float = 0.05,
    evidently: bool = False,
) -> list[Finding]:
    """Does the table hold what was agreed about it?

    The agreement is `[features.COLUMN]` in mlgov.toml: type, share of nulls, range, values, uniqueness. Each rule is a finding with the
    share of rows that break it and Wilson's interval. All counts are aggregates, taken where the data live. Null, NaN and blank
    text are missing.

    fail: a rule of the agreement is broken; a declared column is not there or of another type; a key (`key` under [subject]) occurs
    twice; a column holds no value at all, or infinite numbers; the newest row is older than `max_age_days` (0: nobody asked).
    warn: a column has one value only; most of a text column are numbers and some are not; more than the share `max_duplicates` of rows
    occur twice; more than the share `max_unseen` of a text column are values that the reference does not have; the shares of missing
    values of two groups of a protected column differ by `group_gap` or more (chi-square, Benjamini-Hochberg, p under 0.01).
    inconclusive: the agreement cannot be read; an age is asked for and no column of times or no time of the run is known.
    Without an agreement nothing can be called good: then a model's demand stays unchecked, unless something fails anyway.

    With `evidently`, the figures of Evidently's data summary stand in the details.

    Source: ISO/IEC 5259 series and BCBS 239 (recalled, to be checked); the team's own agreement. The figures are house.

    Fix: Mend the data at its source, or impute by a rule that is written down; change the agreement only in a commit of its own.
    """
    agreed = contracts(subject)
    table = subject.table
    told = _measured(subject, table, agreed)
    rows = int(number(told["rows"]) or 0)
    findings = [*_agreed(subject, table, agreed, told, rows), *_general(table, told, rows)]
    findings += [*_twice(subject, table, rows, max_duplicates), *_fresh(subject, told, max_age_days)]
    findings += [*_unseen(subject, table, max_unseen), *_by_group(subject, table, group_gap)]
    if not agreed and not subject.is_table and not any(one.verdict is Verdict.FAIL for one in findings):
        raise Unanswered(
            "mlgov.toml has no [features], so nobody said what this table must hold; nothing was found broken by itself.",
            next="Write what each column must hold: docs/users/team-file.md shows [features].",
        )
    names = list(table.columns)
    if all(one.verdict in (Verdict.WARN, Verdict.NOT_APPLICABLE) for one in findings):
        what = f"{len(agreed)} agreed columns keep every rule" if agreed else "no agreement to keep; no column is empty or infinite"
        findings.append(Finding(message=f"{rows:,} rows, {len(names)} columns: {what}.", verdict=Verdict.PASS, measured=0.0, n=rows))
    if evidently:
        from mlgov_validators.evidently_presets import summary_preset

        findings.append(summary_preset(table, list(table.columns)))
    return findings


def missing(x: Any) -> Any:  # ibis ships no types
    """Is there no value: null, NaN, blank text?"""
    type_ = x.type()
    if type_.is_floating():
        return x.isnull() | x.isnan().fill_null(False)
    return x.isnull() | (x.strip() == "").fill_null(False) if type_.is_string() else x.isnull()


def _measured(subject: Subject, table: Table, agreed: Mapping[str, Contract]) -> Mapping[str, object]:
    """One query: for each column (by its number) what the rules ask."""
    asked: dict[str, Any] = {"rows": table.count()}
    for at, name in enumerate(table.columns):
        x = table[name]
        gone = missing(x)
        rule = agreed.get(name, Contract())
        asked[f"nulls_{at}"] = gone.sum()
        if x.type().is_numeric() or x.type().is_string() or x.type().is_boolean() or x.type().is_temporal():
            asked[f"low_{at}"], asked[f"high_{at}"] = x.min(where=~gone).cast("string"), x.max(where=~gone).cast("string")
        if x.type().is_floating():
            asked[f"infinite_{at}"] = x.isinf().fill_null(False).sum()
        if x.type().is_string():
            asked[f"numbers_{at}"] = x.strip().re_search(r"^[+-]?[0-9]+([.][0-9]+)?$").fill_null(False).sum()
        if x.type().is_numeric() and rule.min is not None:
            asked[f"under_{at}"] = ((x < rule.min) & ~gone).fill_null(False).sum()
        if x.type().is_numeric() and rule.max is not None:
            asked[f"over_{at}"] = ((x > rule.max) & ~gone).fill_null(False).sum()
        if rule.unique:
            asked[f"different_{at}"] = x.nunique(where=~gone)
    return subject.ask(table.agg(**asked)).rows[0]


def _agreed(subject: Subject, table: Table, agreed: Mapping[str, Contract], told: Mapping[str, object], rows: int) -> Iterator[Finding]:
    place = {name: at for at, name in enumerate(table.columns)}
    for name, rule in agreed.items():
        if name not in place:
            yield Finding(
                message=f"{name} is agreed and is not in the table.", verdict=Verdict.FAIL, allowed="every agreed column", where=name
            )
            continue
        at, type_ = place[name], table[name].type()
        if rule.type and not _fits(rule.type, type_):
            said = f"{name} is {str(type_)[:40]}; agreed was {rule.type}."
            yield Finding(message=said, verdict=Verdict.FAIL, allowed=rule.type, where=name)
        nulls = _count(told, f"nulls_{at}")
        if nulls > rule.nulls * rows:
            yield _broken(name, nulls, rows, f"{nulls / rows:.2%} nulls", f"at most {rule.nulls:.2%} nulls")
        for key, word, limit in (("under", "under", rule.min), ("over", "over", rule.max)):
            count = _count(told, f"{key}_{at}")
            if count:
                yield _broken(name, count, rows, f"{count:,} values are {word} {limit:g}", f"none {word} {limit:g}")
        if rule.unique and rows - nulls > _count(told, f"different_{at}"):
            again = rows - nulls - _count(told, f"different_{at}")
            yield _broken(name, again, rows, f"{again:,} values occur again", "each value once")
        if rule.values:
            yield from _outside(subject, table, name, rule, rows)


def _outside(subject: Subject, table: Table, name: str, rule: Contract, rows: int) -> Iterator[Finding]:
    """Values that the agreement does not name; 1, 1.0 and true are one value."""
    chosen = table.select(mlgov_x=table[name])
    cells = subject.ask(chosen.group_by("mlgov_x").agg(k=chosen.count()).limit(10_000)).rows
    found = [(text_of(cell["mlgov_x"]), _count(cell, "k")) for cell in cells]
    odd = [(text, k) for text, k in found if text is not None and not any(same(text, value) for value in rule.values)]
    if odd:
        count = sum(k for _, k in odd)
        shown = ", ".join(repr(text[:40]) for text, _ in sorted(odd, key=lambda pair: (-pair[1], pair[0]))[:3])
        yield _broken(name, count, rows, f"{count:,} rows hold other values ({shown})", f"only {', '.join(rule.values[:8])}")


def _fits(wanted: str, type_: Any) -> bool:  # ibis ships no types
    fits = {"number": type_.is_numeric(), "text": type_.is_string(), "flag": type_.is_boolean(), "time": type_.is_temporal()}
    return bool(fits[wanted])


def _broken(name: str, count: int, rows: int, said: str, allowed: str) -> Finding:
    return Finding(
        message=f"{name}: {said}, the agreement allows {allowed}.",
        verdict=Verdict.FAIL,
        measured=count / rows,
        allowed=allowed,
        n=rows,
        interval=wilson(count, rows),
        where=name,
        details={"rows": count},
    )


def _general(table: Table, told: Mapping[str, object], rows: int) -> Iterator[Finding]:
    """What is wrong with a column whatever was agreed."""
    for at, name in enumerate(table.columns):
        nulls, infinite = _count(told, f"nulls_{at}"), _count(told, f"infinite_{at}")
        if nulls == rows:
            yield Finding(message=f"{name} holds no value in {rows:,} rows.", verdict=Verdict.FAIL, measured=1.0, n=rows, where=name)
            continue
        if infinite:
            said = f"{name}: {infinite:,} of {rows:,} values are infinite."
            yield Finding(message=said, verdict=Verdict.FAIL, measured=infinite / rows, n=rows, interval=wilson(infinite, rows), where=name)
        low, high = told.get(f"low_{at}"), told.get(f"high_{at}")
        if low is not None and low == high and not nulls and rows > 1:
            said = f"{name} has one value only in {rows:,} rows: it tells nothing."
            yield Finding(message=said, verdict=Verdict.WARN, n=rows, where=name)
        numbers, known = _count(told, f"numbers_{at}"), rows - nulls
        if known and known > numbers > known / 2:
            said = f"{name}: {numbers:,} of {known:,} texts are numbers and {known - numbers:,} are not. Types are mixed."
            yield Finding(message=said, verdict=Verdict.WARN, measured=(known - numbers) / known, n=known, where=name)


def _twice(subject: Subject, table: Table, rows: int, most: float) -> Iterator[Finding]:
    key = subject.roles.key
    if key and key in table.columns:
        x = table.select(mlgov_key=table[key])
        told = subject.ask(x.agg(n=x.mlgov_key.count(), k=x.mlgov_key.nunique())).rows[0]
        again = _count(told, "n") - _count(told, "k")
        if again:
            said = f"{key} is the key, and {again:,} of {rows:,} rows have one that was there before."
            yield Finding(message=said, verdict=Verdict.FAIL, measured=again / rows, n=rows, interval=wilson(again, rows), where=key)
        return
    plain = [name for name in table.columns if not table[name].type().is_nested()]
    whole = table.select(*plain).distinct()
    again = rows - _count(subject.ask(whole.agg(k=whole.count())).rows[0], "k")
    if again > most * rows:
        said = f"{again:,} of {rows:,} rows are the same as another in every column."
        yield Finding(message=said, verdict=Verdict.WARN, measured=again / rows, allowed=f"at most {most:.0%}", n=rows)


def _fresh(subject: Subject, told: Mapping[str, object], most: float) -> Iterator[Finding]:
    if most <= 0:
        return
    from datetime import UTC, datetime

    name = subject.roles.time
    names = list(subject.table.columns)
    if name not in names:
        raise Missing("An age was asked for, and no column of the table says when a row is from.", next='Declare `time = "COLUMN"`.')
    session = subject.lineage.session if subject.lineage else None
    now = session.started if session else None
    newest = told.get(f"high_{names.index(name)}")
    try:
        stamp = datetime.fromisoformat(str(newest))
    except ValueError:
        raise Missing(f"{name} holds no time that can be read ({str(newest)[:40]!r}).") from None
    if now is None:
        raise Missing("An age was asked for, and nothing says when this ran.", next="Validate a recorded notebook.")
    stamp = stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    days = (now - stamp).total_seconds() / 86_400
    verdict = Verdict.FAIL if days > most else Verdict.PASS
    said = f"The newest {name} is {days:.1f} days before the run; {most:g} are allowed."
    yield Finding(message=said, verdict=verdict, measured=round(days, 6), allowed=f"at most {most:g} days", where=name)


def _unseen(subject: Subject, table: Table, most: float) -> Iterator[Finding]:
    """Values of text columns that the reference does not have."""
    from pathlib import Path

    from mlgov_validators.profiles import Profile, open_reference

    if not isinstance(subject.reference_path, Path):
        return
    reference = open_reference(subject.reference_path)
    if isinstance(reference, Profile):
        return  # rare values are in no profile, so none could be called new
    for name in table.columns:
        if not table[name].type().is_string() or name not in reference.columns or not reference[name].type().is_string():
            continue
        known = reference.select(mlgov_x=reference[name]).distinct().limit(MOST_TEXTS + 1).to_pyarrow().column(0).to_pylist()
        if len(known) > MOST_TEXTS:
            continue
        x = table.select(mlgov_x=table[name]).filter(~missing(table[name]))
        cells = subject.ask(x.group_by("mlgov_x").agg(k=x.count()).limit(MOST_TEXTS + 1)).rows
        if len(cells) > MOST_TEXTS:
            continue
        new, rows = sum(_count(cell, "k") for cell in cells if cell["mlgov_x"] not in known), sum(_count(cell, "k") for cell in cells)
        if new > most * rows:
            said = f"{name}: {new:,} of {rows:,} values are none that the reference has."
            yield Finding(message=said, verdict=Verdict.WARN, measured=new / rows, n=rows, interval=wilson(new, rows), where=name)


def _by_group(subject: Subject, table: Table, gap: float) -> Iterator[Finding]:
    """Is more missing of one group than of another?"""
    tests: list[tuple[float, Finding]] = []
    for protected in subject.roles.protected:
        if protected not in table.columns:
            continue
        others = [name for name in table.columns if name != protected]
        flags = table.select(
            mlgov_group=table[protected], **{f"m_{at}": missing(table[name]).cast("int64") for at, name in enumerate(others)}
        )
        counted = flags.group_by("mlgov_group").agg(n=flags.count(), **{f"m_{at}": flags[f"m_{at}"].sum() for at in range(len(others))})
        cells = [row for row in subject.ask(counted.limit(MOST_GROUPS + 1)).rows if text_of(row["mlgov_group"]) is not None]
        if not 2 <= len(cells) <= MOST_GROUPS:
            continue
        for at, name in enumerate(others):
            pairs = sorted((text_of(row["mlgov_group"]) or "", _count(row, f"m_{at}"), _count(row, "n")) for row in cells)
            found = _group_gap(protected, name, pairs)
            if found:
                tests.append(found)
    adjusted = benjamini_hochberg([p for p, _ in tests])
    for (_, finding), p in zip(tests, adjusted, strict=True):
        if p < 0.01 and (finding.measured or 0.0) >= gap:
            yield finding


def _group_gap(protected: str, name: str, pairs: list[tuple[str, int, int]]) -> tuple[float, Finding] | None:
    table = chi_square([float(k) for _, k, _ in pairs], [float(n - k) for _, k, n in pairs])
    if table is None or not math.isfinite(table[0]):
        return None
    low, high = min(pairs, key=lambda one: one[1] / one[2]), max(pairs, key=lambda one: one[1] / one[2])
    apart = high[1] / high[2] - low[1] / low[2]
    said = (
        f"{name} is missing in {high[1] / high[2]:.1%} of {protected} = {high[0]} and in {low[1] / low[2]:.1%} of {protected} = {low[0]}."
    )
    p = chi_square_p(*table)
    found = Finding(message=said, verdict=Verdict.WARN, measured=apart, n=sum(n for _, _, n in pairs), where=name, details={"p": p})
    return p, found


def _count(row: Mapping[str, object], name: str) -> int:
    """An aggregate that counts: a sum over no row is 0."""
    return int(number(row.get(name)) or 0)

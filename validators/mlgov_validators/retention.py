"""Are the rows the model learned from still allowed to be there: their age, and the people who asked to be erased."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Verdict, validator
from mlgov_validators.intervals import wilson

if TYPE_CHECKING:
    from ibis.expr.types import Table

_HASH = re.compile(r"[0-9a-f]{64}")


@validator(
    "priv.retention",
    title="Storage limitation and erasure",
    needs=("table",),
    uses=("register", "records", "splits", "time", "key", "files"),
)
def retention(subject: Subject) -> list[Finding]:
    """Is every row younger than its limit, and is nobody among them who asked to be erased?

    Looked at: the table the model learned from (`train` under [subject]), else the subject's table. In mlgov.toml:

        [retention]
        days = 1825                     # a row may be this old; `time` under [subject] is its date
        salt = "…"                      # a person is known by SHA-256 of "salt:key", `key` under [subject], never by the key
        erased = ["9f86d0…"]            # these hashes, and/or a file with one a line:
        register = "erased.txt"
        live_decision = "DPO 2026-11-02"  # what was decided about a live model that learned from erased people

    fail: a row older than the limit; a row of an erased person.
    warn: a row of an erased person where `live_decision` says what was decided; rows without a time.
    inconclusive: no limit, no time, no register of erased people, no key, or a register that cannot be read. An empty list `erased = []`
    says that nobody was erased.

    Source: GDPR Art 5(1)(e), 17(1). That erasure reaches training data and is weighed for live models is our reading, not text.

    Fix: Extract the data anew without these rows and train again; for a live model, write down what was decided.
    """
    rules = subject.declared("retention")
    table = subject.split("train") if "train" in subject.split_paths else subject.table
    return [*_ages(subject, table, rules), *_erased(subject, table, rules)]


def _ages(subject: Subject, table: Table, rules: Mapping[str, object]) -> Iterator[Finding]:
    days, column = rules.get("days"), subject.roles.time
    if not isinstance(days, (int, float)) or isinstance(days, bool) or days <= 0:
        yield _unknown("[retention] names no limit: `days = …`.")
        return
    if subject.records is None:
        yield _unknown("Nobody handed in a clock, so no row's age is known.")
        return
    if column not in table.columns:
        named = f"The table has no column {column!r} with a row's date."
        yield _unknown(named if column else "Nobody said which column has a row's date: `time`.")
        return
    now = subject.records.now
    counted = _counted(subject, table, column, now - timedelta(days=days))
    number, dated, expired = counted["rows"], counted["dated"], counted["expired"]
    if dated < number:
        said = f"{number - dated:,} of {number:,} rows have no time in {column}, so their age is not known."
        yield Finding(message=said, verdict=Verdict.WARN if dated else Verdict.INCONCLUSIVE, n=number, where=column)
    if dated:
        said = f"{expired:,} of {dated:,} rows are past their limit ({days:g} days)."
        verdict = Verdict.FAIL if expired else Verdict.PASS
        yield Finding(
            message=said, verdict=verdict, measured=float(expired), allowed="0", n=dated, interval=_share(expired, dated), where=column
        )


def _counted(subject: Subject, table: Table, column: str, oldest: datetime) -> dict[str, int]:
    import ibis

    moment = table[column] if table[column].type().is_temporal() else table[column].try_cast("timestamp")
    limit = ibis.literal(oldest.replace(tzinfo=None)).cast("timestamp")
    late = moment.cast("timestamp") < limit
    question = table.aggregate(rows=table.count(), dated=moment.count(), expired=late.ifelse(1, 0).sum())
    row = subject.ask(question).rows[0]
    return {name: int(str(row[name] or 0)) for name in ("rows", "dated", "expired")}


def _share(number: int, rows: int) -> tuple[float, float] | None:
    bounds = wilson(number, rows)
    return (bounds[0] * rows, bounds[1] * rows) if bounds else None


# -- erased people ----------------------------------------------------------------------------------------------------


def person(salt: str, key: object) -> str:
    """How the register knows a person: SHA-256, in hex, of the UTF-8 text `salt:key`."""
    return hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()


def _erased(subject: Subject, table: Table, rules: Mapping[str, object]) -> Iterator[Finding]:
    key, salt = subject.roles.key, str(rules.get("salt", ""))
    known = _register(subject, rules)
    if known is None:
        yield _unknown("There is no register of erased people ([retention] erased or register), so nobody was looked for.")
        return
    if not known:
        yield Finding(message="The register of erased people is empty.", verdict=Verdict.PASS, measured=0.0, allowed="0")
        return
    if not salt or key not in table.columns:
        yield _unknown(f"{len(known):,} people were erased; without `salt` and a `key` column of the table nobody can be looked for.")
        return
    rows, people, total = _matched(subject, table, key, salt, known)
    decided = str(rules.get("live_decision", "")).strip()
    said = f"{rows:,} of {total:,} rows are of {people:,} people who were erased ({len(known):,} stand in the register)."
    verdict = Verdict.PASS if rows == 0 else Verdict.WARN if decided else Verdict.FAIL
    if rows and decided:
        said += " What was decided about the live model is recorded."
    yield Finding(message=said, verdict=verdict, measured=float(rows), allowed="0", n=total, where=key)


def _register(subject: Subject, rules: Mapping[str, object]) -> frozenset[str] | None:
    """The hashes of erased people; None where there is no register. Raises Missing for one that cannot be read to the last line."""
    listed, name = rules.get("erased"), rules.get("register")
    if listed is None and name is None:
        return None
    lines = [str(one) for one in listed] if isinstance(listed, list) else []
    if name is not None:
        if subject.folder is None:
            raise Missing("The workspace's folder is not known, so the register of erased people was not read.")
        try:
            lines += (subject.folder / str(name)).read_text("utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise Missing(
                f"The register of erased people cannot be read: {type(error).__name__}.", next="See [retention] register."
            ) from None
    found = [line.strip().lower() for line in lines if line.strip()]
    wrong = sum(not _HASH.fullmatch(line) for line in found)
    if wrong:
        raise Missing(f"{wrong} of {len(found)} lines of the register of erased people are no SHA-256 in hex.", next="Mend the register.")
    return frozenset(found)


def _matched(subject: Subject, table: Table, key: str, salt: str, known: frozenset[str]) -> tuple[int, int, int]:
    """(rows of erased people, erased people among the rows, rows). The hashing is done where the data live."""
    import ibis

    hashed = (ibis.literal(f"{salt}:") + table[key].cast("string")).hexdigest("sha256")
    marked = table.select(mlgov_key=table[key].cast("string"), mlgov_hit=hashed.isin(sorted(known)))
    hit = marked.mlgov_hit.fill_null(False)
    question = marked.aggregate(rows=marked.count(), hits=hit.ifelse(1, 0).sum(), people=marked.mlgov_key.nunique(where=hit))
    row = subject.ask(question).rows[0]
    return int(str(row["hits"] or 0)), int(str(row["people"] or 0)), int(str(row["rows"]))


def _unknown(said: str) -> Finding:
    return Finding(message=said, verdict=Verdict.INCONCLUSIVE)

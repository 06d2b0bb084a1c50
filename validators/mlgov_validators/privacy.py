"""Personal data where it should not be: in columns nobody declared, in source and outputs that everybody reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Text, Verdict, validator
from mlgov_validators.intervals import wilson
from mlgov_validators.patterns import KINDS, Kind, hits, luhn, says_personal

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_CANDIDATES = 100_000


@validator("priv.pii", title="Personal data in table and notebook", stricter={"share": "lower"})
def personal_data(subject: Subject, *, share: float = 0.01) -> list[Finding]:
    """Are there card numbers, IBANs, social security numbers, e-mail addresses or telephone numbers where nobody declared them?

    Columns of text: a pattern in DuckDB finds candidates, Python checks them (Luhn for cards, mod 97 for IBANs, area rules for
    social security numbers). Columns of whole numbers of 13 digits and more are looked at for cards, and reported when most pass. The
    name of a column counts too. Notebook source and outputs are searched with the same patterns. A value that is found is never
    printed: two characters and an ellipsis.

    fail: any value that passes its checksum in source or an output.
    warn: at least `share` of the rows of an undeclared column; a column whose name says it is personal; an address or telephone
    number (which has no checksum) in source or an output.
    inconclusive: the table was not kept, or the notebook could not be read, so that part was not looked at; a column with more
    candidates than are looked at (100,000 different ones).
    Columns in `declared_personal` of mlgov.toml are named and allowed.

    Source: house; GDPR Art 4(1), 32. Wilson interval of the hit rate.

    Fix: Clear the output and strip outputs at save; replace the column by a token; rotate what leaked. A column that must stay is
    declared: `declared_personal = ["COLUMN"]` under [subject] in mlgov.toml.
    """
    found = [*_columns(subject, share), *_texts(subject)]
    return found or [
        Finding(message="No personal data was found.", verdict=Verdict.PASS, measured=0.0, allowed=f"under {share:.0%} of rows")
    ]


# -- the table --------------------------------------------------------------------------------------------------------


def _columns(subject: Subject, share: float) -> list[Finding]:
    if not subject.has_table:
        said = f"The table `{subject.roles.table}` was not kept, so its columns were not looked at."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=subject.roles.table)]
    table = subject.table
    rows = int(table.count().execute())
    if rows == 0:
        raise Missing("The table has no rows, so nothing can be measured.")
    findings: list[Finding] = []
    for column in table.columns:
        if column in subject.roles.declared_personal:
            findings.append(Finding(message=f"{column} is declared as personal data.", verdict=Verdict.PASS, where=column))
        else:
            findings += _column(table, column, rows, share)
    looked = f"{len(table.columns)} columns and {rows:,} rows were looked at."
    quiet = Finding(message=f"No undeclared personal data in the table: {looked}", verdict=Verdict.PASS, measured=0.0, n=rows)
    return findings if any(finding.verdict != Verdict.PASS for finding in findings) else [*findings, quiet]


def _column(table: Table, column: str, rows: int, share: float) -> list[Finding]:
    kind = table[column].type()
    findings: list[Finding] = []
    if says_personal(column):
        said = f"The name of {column} says that it holds personal data, and nobody declared it."
        findings.append(Finding(message=said, verdict=Verdict.WARN, where=column))
    if kind.is_string():
        findings += [finding for one in KINDS if (finding := _rate(column, one, *_matches(table, column, one), rows, share))]
        findings += _too_many(table, column)
    elif kind.is_integer():
        passed, candidates, mask = _numbers(table, column)
        if candidates and passed * 2 > candidates:
            findings += [finding for finding in [_rate(column, KINDS[0], passed, mask, rows, share)] if finding]
        findings += _sampled(table, column)
    return findings


def _sampled(table: Table, column: str) -> list[Finding]:
    """Says it where only a part of a column's long numbers was looked at."""
    values = table.select(mlgov_value=table[column])
    number = int(values.filter(values.mlgov_value >= 10**12).mlgov_value.nunique().execute())
    if number <= MOST_CANDIDATES:
        return []
    said = f"{column} has {number:,} different long numbers; the card check looked at the smallest {MOST_CANDIDATES:,} of them."
    return [Finding(message=said, verdict=Verdict.WARN, where=column, n=number)]


def _too_many(table: Table, column: str) -> list[Finding]:
    """A finding where a column has more candidates than are looked at: what was not looked at is not clean."""
    values = table.select(mlgov_value=table[column])
    for kind in KINDS:
        number = int(values.filter(values.mlgov_value.re_search(kind.prefilter)).mlgov_value.nunique().execute())
        if number > MOST_CANDIDATES:
            said = f"{column} has {number:,} values that may be a {kind.name}; only the first {MOST_CANDIDATES:,} were looked at."
            return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column, n=number)]
    return []


def _matches(table: Table, column: str, kind: Kind) -> tuple[int, str]:
    """(rows with a valid value of this kind, one mask). Distinct candidates come over, with the number of their rows."""
    values = table.select(mlgov_value=table[column])
    likely = values.filter(values.mlgov_value.re_search(kind.prefilter))
    grouped = likely.group_by("mlgov_value").agg(mlgov_rows=likely.count()).order_by("mlgov_value").limit(MOST_CANDIDATES)
    number, mask = 0, ""
    for cell in grouped.to_pyarrow().to_pylist():
        first = next(hits(cell["mlgov_value"], (kind,)), None)
        if first:
            number += int(cell["mlgov_rows"])
            mask = mask or first.mask
    return number, mask


def _numbers(table: Table, column: str) -> tuple[int, int, str]:
    """(rows that pass Luhn, rows with 13 to 19 digits, one mask) of a column of whole numbers. By chance one in ten passes."""
    values = table.select(mlgov_value=table[column])
    likely = values.filter(values.mlgov_value >= 10**12)
    grouped = likely.group_by("mlgov_value").agg(mlgov_rows=likely.count()).order_by("mlgov_value").limit(MOST_CANDIDATES)
    passed = candidates = 0
    mask = ""
    for cell in grouped.to_pyarrow().to_pylist():
        text, number = str(cell["mlgov_value"]), int(cell["mlgov_rows"])
        candidates += number
        if luhn(text):
            passed += number
            mask = mask or f"{text[:2]}…"
    return passed, candidates, mask


def _rate(column: str, kind: Kind, number: int, mask: str, rows: int, share: float) -> Finding | None:
    if number == 0:
        return None
    rate = number / rows
    much = rate >= share
    said = f"{number:,} of {rows:,} rows of {column} hold a {kind.name} (as {mask}), and nobody declared the column."
    said += "" if much else f" That is under {share:.0%}."
    return Finding(
        message=said,
        verdict=Verdict.WARN if much else Verdict.PASS,
        measured=rate,
        allowed=f"under {share:.0%} of rows",
        n=rows,
        interval=wilson(number, rows),
        where=column,
        details={"kind": kind.name, "rows_found": number, "candidates_looked_at_most": MOST_CANDIDATES},
    )


# -- the notebook -----------------------------------------------------------------------------------------------------


def _texts(subject: Subject) -> list[Finding]:
    if subject.is_table:
        return []
    if not subject.texts:
        said = "The notebook's text could not be read, so source and outputs were not looked at."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE)]
    findings = [finding for text in subject.texts for finding in _text(text)]
    quiet = Finding(message=f"No personal data in {len(subject.texts)} texts of the notebook.", verdict=Verdict.PASS, n=len(subject.texts))
    return findings or [quiet]


def _text(text: Text) -> list[Finding]:
    numbers: Counter[str] = Counter()
    masks: dict[str, str] = {}
    for hit in hits(text.content):
        numbers[hit.kind.name] += 1
        masks.setdefault(hit.kind.name, hit.mask)
    return [_told(text.where, kind, numbers[kind.name], masks[kind.name]) for kind in KINDS if numbers[kind.name]]


def _told(where: str, kind: Kind, number: int, mask: str) -> Finding:
    many = f"{number} values" if number > 1 else "1 value"
    verb = "pass" if number > 1 else "passes"
    what = f"that {verb} the {kind.name} check" if kind.checked else f"of the form of a {kind.name}"
    head = where[:1].upper() + where[1:]
    said = f"{head} shows {many} {what} (as {mask}). Clear it, and rotate what leaked."
    verdict = Verdict.FAIL if kind.checked else Verdict.WARN
    return Finding(message=said, verdict=verdict, measured=float(number), allowed="0", where=where, details={"kind": kind.name})

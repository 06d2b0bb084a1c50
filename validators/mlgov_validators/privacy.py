"""Personal data where it should not be: in columns nobody declared, in source, outputs and file names that everybody reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Missing, Subject, Text, Verdict, validator
from mlgov_validators import columns
from mlgov_validators.intervals import wilson
from mlgov_validators.kinds import Hit
from mlgov_validators.names import PERSON
from mlgov_validators.patterns import KINDS, hits, says_personal
from mlgov_validators.places import begins, line_of, place_details

if TYPE_CHECKING:
    from ibis.expr.types import Table


@validator(
    "priv.pii",
    title="Personal data in table and notebook",
    version="2.2",
    uses=("table", "texts", "lineage"),
    stricter={"share": "lower", "deep": "higher"},
)
def personal_data(subject: Subject, *, share: float = 0.01, deep: bool = False) -> list[Finding]:
    """Is there personal data where nobody declared it: in the table, the notebook's source and outputs, the names of files?

    Looked for: payment cards (Luhn), IBANs (mod 97), US social security numbers (area rules); national numbers of Belgium, Brazil,
    Canada, China, Finland, France, Germany, India, Italy, the Netherlands, Poland, Spain, Sweden, Switzerland and the United Kingdom
    (each with its check digit where it has one); vehicle identification numbers; e-mail and IP addresses, telephone numbers, street
    addresses, dates of birth, people's names (a list of common names of some twenty languages: what it does not know is not found);
    keys, tokens and passwords (published forms; entropy behind a word that says it).

    Columns of text: a few patterns in the data's own engine finds candidates over all rows, Python checks them. Over 100,000 different
    candidates a sample is checked, chosen by MD5, and the finding says what share it would have shown with 99 %. A bare row of digits
    counts where a word before it or the column's name says what it is, or where most rows of the column pass its check; so do whole
    numbers. The name of a column counts too. A value that is found is never printed: two characters and an ellipsis.

    fail: any value that passes its check in source, an output or a file's name; a key or password there.
    warn: at least `share` of the rows of an undeclared column; a column whose name says it is personal; a value without a check digit
    (address, telephone number, name) in source or an output.
    inconclusive: the table was not kept, or the notebook could not be read, so that part was not looked at; `deep` was asked for and
    presidio is not installed.
    Columns in `declared_personal` of mlgov.toml are named and allowed. `deep = true` adds presidio's recognizers, on 1,000 values a column.

    Source: house; GDPR Art 4(1), 32. Wilson interval of the hit rate. Check digits: mlgov_validators/checksums.py names the document
    of each.

    Fix: Clear the output and strip outputs at save; replace the column by a token; rotate what leaked. A column that must stay is
    declared: `declared_personal = ["COLUMN"]` under [subject] in mlgov.toml.
    """
    found = [*_columns(subject, share), *_texts(subject), *_names(subject)]
    if deep:
        from mlgov_validators.deep import deep_findings

        found += deep_findings(subject, share)
    return found or [
        Finding(message="No personal data was found.", verdict=Verdict.PASS, measured=0.0, allowed=f"under {share:.0%} of rows")
    ]


# -- the table --------------------------------------------------------------------------------------------------------


def _columns(subject: Subject, share: float) -> list[Finding]:
    if subject.ref.kind == "files":
        return []
    if not subject.has_table:
        said = f"The table `{subject.roles.table}` was not kept, so its columns were not looked at."
        return [Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=subject.roles.table)]
    table = subject.table
    rows = int(str(subject.ask(table.aggregate(rows=table.count())).rows[0]["rows"]))
    if rows == 0:
        raise Missing("The table has no rows, so nothing can be measured.")
    findings: list[Finding] = []
    for column in table.columns:
        if column in subject.roles.declared_personal:
            findings.append(Finding(message=f"{column} is declared as personal data.", verdict=Verdict.PASS, where=column))
        else:
            findings += _column(subject, table, column, rows, share)
    looked = f"{len(table.columns)} columns and {rows:,} rows were looked at."
    quiet = Finding(message=f"No undeclared personal data in the table: {looked}", verdict=Verdict.PASS, measured=0.0, n=rows)
    return findings if any(finding.verdict != Verdict.PASS for finding in findings) else [*findings, quiet]


def _column(subject: Subject, table: Table, column: str, rows: int, share: float) -> Iterator[Finding]:
    if says_personal(column):
        said = f"The name of {column} says that it holds personal data, and nobody declared it."
        yield Finding(message=said, verdict=Verdict.WARN, where=column)
    kind = table[column].type()
    if kind.is_string():
        yield from (_rate(column, count, share) for count in columns.texts(subject.ask, table, column, rows, columns.MOST))
    elif kind.is_integer():
        yield from (_rate(column, count, share) for count in columns.numbers(subject.ask, table, column, rows, columns.MOST))
    elif not (kind.is_numeric() or kind.is_boolean() or kind.is_temporal() or kind.is_uuid()):
        said = f"{column} is of type {kind}, and values of that type were not looked at."
        yield Finding(message=said, verdict=Verdict.INCONCLUSIVE, where=column)


def _rate(column: str, count: columns.Count, share: float) -> Finding:
    much = count.rate >= share
    about = "About " if count.scale > 1 else ""
    said = f"{about}{count.number:,} of {count.total:,} rows of {column} hold {count.kind.one} (as {count.mask}), "
    said += "and nobody declared the column."
    said += ("" if much else f" That is under {share:.0%}.") + count.told
    bounds = wilson(count.rows, count.looked)
    part = count.looked * count.scale / count.total
    return Finding(
        message=said,
        verdict=Verdict.WARN if much else Verdict.PASS,
        measured=count.rate,
        allowed=f"under {share:.0%} of rows",
        n=count.total,
        interval=(bounds[0] * part, bounds[1] * part) if bounds and count.scale > 1 else wilson(count.number, count.total),
        where=column,
        details={"kind": count.kind.name, "rows_found": count.number, "candidates_looked_at_most": columns.MOST},
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


def _text(text: Text) -> Iterator[Finding]:
    """One finding for each kind in each text. Names by dictionary alone count in outputs only: source and prose cite people."""
    wanted = KINDS if text.kind in ("output", "") else tuple(kind for kind in KINDS if kind is not PERSON)
    found = sorted((hit for hit in hits(text.content, wanted) if hit.sure), key=lambda hit: (hit.kind.name, hit.start))
    for _, same in groupby(found, key=lambda hit: hit.kind.name):
        yield _told(text, list(same))


def _told(text: Text, found: list[Hit]) -> Finding:
    first, number = found[0], len(found)
    kind = first.kind
    many = f"{number} values" if number > 1 else "1 value"
    verb = "pass" if number > 1 else "passes"
    what = f"that {verb} the {kind.name} check" if kind.checked else f"of the form of {kind.one}"
    line = line_of(text, first.start)
    said = f"{begins(text, line)} shows {many} {what} (as {first.mask}). Clear it, and rotate what leaked."
    verdict = Verdict.FAIL if kind.checked else Verdict.WARN
    details = {"kind": kind.name, "lines": sorted({line_of(text, hit.start) for hit in found})[:50], **place_details(text, line)}
    return Finding(message=said, verdict=verdict, measured=float(number), allowed="0", where=text.where, details=details)


def _names(subject: Subject) -> Iterator[Finding]:
    """Personal data in the names of the files that were read, written or looked at."""
    runs = subject.lineage.runs if subject.lineage else ()
    names = {ref.path for run in runs for ref in (*run.files_read, *run.files_written)} | {text.path for text in subject.texts}
    for name in sorted(names - {""}):
        for hit in hits(name.replace("\\", "/").replace("_", " ")):
            if hit.sure:
                said = f"The name of a file holds {hit.kind.one} (as {hit.mask}). "
                said += "Names stand in the record, in git and in logs. Rename the file."
                verdict = Verdict.FAIL if hit.kind.checked else Verdict.WARN
                yield Finding(
                    message=said, verdict=verdict, measured=1.0, allowed="0", where="a file's name", details={"kind": hit.kind.name}
                )

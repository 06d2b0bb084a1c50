"""Where special categories are told without a column of their own: notes in the table, outputs, source, file names; and by inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from jupyter_mlgov.sdk import Finding, Subject, Verdict
from mlgov_validators.intervals import wilson
from mlgov_validators.places import begins, line_of, place_details
from mlgov_validators.special_phrases import PHRASES, said

if TYPE_CHECKING:
    from ibis.expr.types import Table

AUC, V = 0.75, 0.4  # as strong as proxy.detect calls a failing link
MOST_ROWS = 100_000


def in_notes(subject: Subject, table: Table, columns: list[str]) -> Iterator[Finding]:
    """Columns of free text in which rows say it of somebody: one query of counts for all columns."""
    if not columns:
        return
    wanted = {f"mlgov_{c}_{p}": (column, category) for c, column in enumerate(columns) for p, category in enumerate(PHRASES)}
    counts = {name: table[column].re_search(PHRASES[category]).sum() for name, (column, category) in wanted.items()}
    row = subject.ask(table.aggregate(mlgov_rows=table.count(), **counts)).rows[0]
    rows = int(str(row["mlgov_rows"]))
    for name, (column, category) in wanted.items():
        number = int(str(row[name] or 0))
        if number:
            told = f"{number:,} of {rows:,} rows of {column} say something about a person's {_short(category)}."
            details = {"column": column, "category": category}
            yield Finding(
                message=told,
                verdict=Verdict.WARN,
                measured=number / rows,
                n=rows,
                interval=wilson(number, rows),
                where=column,
                details=details,
            )


def in_texts(subject: Subject) -> Iterator[Finding]:
    """Cells, outputs and files that say it of somebody, and names of files that do. The value itself is never shown."""
    for text in subject.texts:
        counted = Counter[str]()
        first: dict[str, int] = {}
        for category, start in said(text.content):
            counted[category] += 1
            first.setdefault(category, start)
        for category, number in counted.items():
            line = line_of(text, first[category])
            times = "once" if number == 1 else f"{number} times"
            told = f"{begins(text, line)} tells {times} of a person's {_short(category)}. Clear it."
            details = {"category": category, **place_details(text, line)}
            yield Finding(message=told, verdict=Verdict.WARN, measured=float(number), allowed="0", where=text.where, details=details)
    runs = subject.lineage.runs if subject.lineage else ()
    names = {ref.path for run in runs for ref in (*run.files_read, *run.files_written)} | {text.path for text in subject.texts}
    for name in sorted(names - {""}):
        for category in sorted({one for one, _ in said(name.replace("\\", "/").replace("_", " "))}):
            told = f"The name of a file tells of a person's {_short(category)}. Rename it."
            yield Finding(message=told, verdict=Verdict.WARN, allowed="0", where="a file's name", details={"category": category})


def inferred(subject: Subject, special: Mapping[str, str], known: set[str], min_n: int = 30) -> Iterator[Finding]:
    """Features that give a special column away, as proxy.detect measures it (CJEU C-184/20: what can be inferred counts)."""
    from mlgov_validators.design import Classes, inputs
    from mlgov_validators.proxies import link

    features = [name for name in subject.roles.features if name not in special and name not in known]
    if not special or not features:
        return
    if not subject.local:
        told = "The rows live elsewhere, so it was not looked at what the features give away; proxy.detect asks there."
        yield Finding(message=told, verdict=Verdict.NOT_APPLICABLE)
        return
    data = inputs(subject, list(special)).drawn(MOST_ROWS)
    for column, category in special.items():
        groups = data.beside[column]
        if not isinstance(groups, Classes) or len(groups.texts) < 2 or len(groups.texts) > 100:
            continue
        for feature in data.features:
            found = link(feature, groups, min_n) if feature.name in features else None
            if found and found.value >= (AUC if found.measure == "AUC" else V):
                told = f"{feature.name} tells {column} ({_short(category)}) with {found.measure} {found.value:.2f}: it may stand for it."
                fix = f'Write `{feature.name} = "{category}"` under [personal.inferred], or why it is none under [personal.not_special].'
                limit = f"AUC under {AUC:g}, V under {V:g}"
                yield Finding(
                    message=told, verdict=Verdict.WARN, measured=found.value, allowed=limit, n=found.n, interval=found.interval,
                    where=feature.name, fix=fix, details={"feature": feature.name, "column": column, "category": category},
                )  # fmt: skip


def _short(category: str) -> str:
    return {"health": "health", "sex life or sexual orientation": "sexual orientation"}.get(category, category)

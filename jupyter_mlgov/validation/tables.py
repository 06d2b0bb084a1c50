"""A plain table as a subject: what `mlgov validate --data` judges."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.subjects import Subject
from jupyter_mlgov.validation.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_table", "table_subject"]


def table_subject(source: object, roles: Roles, name: str = "", *, reference: object = None) -> Subject:
    """The table in `source` as a subject of kind `table`, named by its file without folder and suffix.

    What can be read here (a file, a Delta folder, a frame) has the fingerprint of all rows and columns for its digest. A table on
    somebody else's connection is not pulled to be fingerprinted: it has no digest, only its rows. Raises BadInput for what cannot be read.
    `reference` is the table to compare with, in any of these forms too; where both live in one engine elsewhere, they are compared there.
    """
    subject = _subject(source, roles, name)
    if reference is None:
        return subject
    open_table(reference)  # what cannot be read is said here
    if isinstance(reference, Path):
        return replace(subject, reference_path=reference)
    return replace(subject, reference_source=reference)


def _subject(source: object, roles: Roles, name: str) -> Subject:
    from ibis.expr.types import Table as IbisTable

    if isinstance(source, (IbisTable, Warehouse)):
        return _elsewhere(source, roles, name)
    from jupyter_mlgov.lineage.fingerprint import fingerprint

    path = source if isinstance(source, Path) else Path(name or roles.table)
    print_ = fingerprint(_read(source, path.name))
    if print_ is None:
        raise BadInput(f"{path.name} holds a column that has no fingerprint.", next="Write it with plain column types and try again.")
    ref = SubjectRef(kind="table", name=name or path.stem, table=print_.root, rows=print_.rows, roles=asdict(roles))
    return Subject(ref=ref, roles=roles, table_path=path) if source is path else Subject(ref=ref, roles=roles, source=source)


def _read(source: object, name: str) -> pa.Table:
    """All of it, as Arrow. Raises BadInput, naming the columns at fault, for a type that DuckDB does not give back (a duration)."""
    import pyarrow as pa

    table = open_table(source)
    try:
        return table.to_pyarrow()
    except pa.ArrowException as error:
        odd = [column for column, kind in table.schema().items() if kind.is_interval()]
        what = f"The columns {', '.join(odd[:5])} are durations" if odd else " ".join(str(error).split())[:200]
        raise BadInput(f"{name} cannot be read: {what}.", next="Give each column one plain type, as seconds for a duration.") from None


def _elsewhere(source: object, roles: Roles, name: str) -> Subject:
    bare = Subject(ref=SubjectRef(kind="table", name=name or roles.table), roles=roles, source=source)
    table = bare.table
    rows = int(str(bare.ask(table.aggregate(rows=table.count())).rows[0]["rows"]))
    return replace(bare, ref=SubjectRef(kind="table", name=name or roles.table, rows=rows, roles=asdict(roles)))

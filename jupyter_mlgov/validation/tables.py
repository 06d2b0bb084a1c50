"""A plain table as a subject: what `mlgov validate --data` judges."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.validation.reading import open_table
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.subjects import Subject

__all__ = ["open_table", "table_subject"]


def table_subject(path: Path, roles: Roles) -> Subject:
    """The table in `path` as a subject of kind `table`, named by its file without folder and suffix.

    Raises BadInput for a file that cannot be read; its digest is the fingerprint of all rows and columns.
    """
    from jupyter_mlgov.lineage.fingerprint import fingerprint

    print_ = fingerprint(open_table(path).to_pyarrow())
    if print_ is None:
        raise BadInput(f"{path.name} holds a column that has no fingerprint.", next="Write it with plain column types and try again.")
    ref = SubjectRef(kind="table", name=path.stem, table=print_.root, rows=print_.rows, roles=asdict(roles))
    return Subject(ref=ref, roles=roles, table_path=path)

"""The subject of a verdict, gathered from what was recorded: table, model, data, slice, environment, code, texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.pipelines.documents import Cell
from jupyter_mlgov.validation.results import SubjectRef
from jupyter_mlgov.validation.subjects import Subject, Text

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_PIN = re.compile(r"^\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*==\s*(?P<version>[^\s;\\#]+)")


def subject_ref(team: Team, lineage: Lineage) -> SubjectRef:
    """The digests a verdict about this notebook's model rests on. Two equal refs need no second look."""
    scored = lineage.last_output(team.roles.table)
    model = lineage.model
    session = lineage.session
    return SubjectRef(
        kind="model",
        name=team.model,
        notebook=lineage.notebook,
        table=scored.fingerprint.root if scored and scored.fingerprint else None,
        rows=scored.fingerprint.rows if scored and scored.fingerprint else -1,
        model=model.fingerprint.root if model and model.fingerprint else None,
        data=lineage.data,
        slice=lineage.slice,
        environment=session.environment.digest if session else None,
        code=session.code.commit if session else "",
        roles=asdict(team.roles),
    )


def gather(workspace: Workspace, team: Team, lineage: Lineage) -> Subject:
    """Everything validators may ask about the model of this notebook. Raises NotReady when nothing has run."""
    scored = lineage.last_output(team.roles.table)
    if scored is None and not any(run.step for run in lineage.runs):
        raise NotReady(
            f"No tagged cell of {lineage.notebook or 'this notebook'} has run here, so there is nothing to validate.",
            next="Tag its steps and run them (`%load_ext jupyter_mlgov`, then Run All; or `mlgov run NOTEBOOK`).",
        )
    lock, hashed = read_lock(workspace.root / team.lock)
    return Subject(
        ref=subject_ref(team, lineage),
        roles=team.roles,
        table_path=workspace.objects.path(scored.stored) if scored and scored.stored else None,
        lineage=lineage,
        texts=texts(workspace.path_of(lineage.notebook)),
        lock=lock,
        lock_hashed=hashed,
        tier=team.tier,
    )


def texts(notebook: Path) -> tuple[Text, ...]:
    """Source and outputs of the notebook file, cell by cell; an unreadable file is no text, and lineage says so."""
    from jupyter_mlgov.integrations.notebooks import read_notebook

    try:
        cells = read_notebook(notebook).cells
    except MlgovError:
        return ()
    return tuple(text for cell in cells for text in cell_texts(cell, notebook.name))


def cell_texts(cell: Cell, path: str) -> Iterator[Text]:
    """Source and outputs of one cell of the notebook `path`."""
    yield Text(where=f"cell [{cell.index}]", content=cell.source, kind=cell.type, path=path, cell=cell.index)
    for output in cell.outputs:
        yield Text(where=f"output of cell [{cell.index}]", content=output, kind="output", path=path, cell=cell.index)


def read_lock(path: Path) -> tuple[Mapping[str, str] | None, bool]:
    """(name -> version, whether every pin carries a hash) of a pip lock file; (None, False) where there is none.

    Names are normalised as in the packaging specification (PEP 503): lower case, runs of `-_.` as one `-`.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None, False
    logical = text.replace("\\\n", " ").splitlines()
    pins = [(match, "--hash=" in line) for line in logical if (match := _PIN.match(line))]
    versions = {re.sub(r"[-_.]+", "-", match["name"]).lower(): match["version"] for match, _ in pins}
    return versions, bool(pins) and all(hashed for _, hashed in pins)

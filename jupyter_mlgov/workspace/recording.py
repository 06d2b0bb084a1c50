"""How a kernel's record is opened, and read again."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Literal, cast

from jupyter_mlgov.lineage.facts import Lineage, Session, Step

if TYPE_CHECKING:
    from jupyter_mlgov.core.digests import Digest
    from jupyter_mlgov.lineage.recorder import Recorder
    from jupyter_mlgov.lineage.staleness import HiddenState
    from jupyter_mlgov.workspace.composition import Workspace


def open_recorder(workspace: Workspace, notebook: str, host: str) -> Recorder:
    """A recorder for one kernel's life on `notebook`. Its first cell run writes `session.started`."""
    from jupyter_mlgov.integrations.git import code_state
    from jupyter_mlgov.lineage.describing import Description
    from jupyter_mlgov.lineage.environment import environment
    from jupyter_mlgov.lineage.outbound import Outbound
    from jupyter_mlgov.lineage.recorder import Recorder

    _watch_doors()
    session = Session(
        id=uuid.uuid4().hex,
        notebook=notebook,
        host=cast("Literal['jupyterlab', 'papermill', 'ipython']", host),
        started=workspace.clock.now(),
        environment=environment(),
        code=code_state(workspace.root),
        pipeline=os.environ.get("MLGOV_PIPELINE", ""),
        step=os.environ.get("MLGOV_STEP", ""),
    )
    team = workspace.team_for(notebook)
    outbound = Outbound(
        journal=workspace.journal, folder=workspace.spools.folder, session=session.id, notebook=notebook, actor=workspace.actor()
    )
    return Recorder(
        outbound=outbound,
        description=Description(outbound=outbound, session=session, cache=workspace.spools.folder.parent / "records.json"),
        objects=workspace.objects,
        clock=workspace.clock,
        session=session,
        root=workspace.root,
        keep=frozenset(team.roles.tables),
    )


def _watch_doors() -> None:
    """Systems with versions of their own tell which one a cell saw; their libraries are watched when the notebook imports them."""
    from jupyter_mlgov.integrations import delta, feast, snowflake
    from jupyter_mlgov.lineage.native import observe

    for door in (delta, feast, snowflake):
        for module in door.MODULES:
            observe(module, door.observe)


def read_lineage(workspace: Workspace, notebook: str) -> Lineage:
    """Fold the trail into the last session of `notebook`, its steps judged against the cells of the file as it is now."""
    from dataclasses import replace

    from jupyter_mlgov.lineage.fold import fold
    from jupyter_mlgov.lineage.steps import step_statuses

    lineage = fold(workspace.journal.entries(subject=notebook), notebook)
    if not workspace.path_of(notebook).is_file():
        return lineage
    return replace(lineage, steps=step_statuses(lineage.runs, cells_now(workspace, notebook, lineage)))


def read_hidden_state(workspace: Workspace, notebook: str) -> tuple[HiddenState, dict[str, int]]:
    """What the last session holds that a run from the top would not give, and the numbers of the cells in the file.

    Raises NotReady where there is no file, BadInput for a notebook that cannot be read or is not Python.
    """
    from jupyter_mlgov.core.errors import NotReady
    from jupyter_mlgov.integrations.notebooks import code_cells
    from jupyter_mlgov.lineage.fold import fold
    from jupyter_mlgov.lineage.hidden import hidden_state

    path = workspace.path_of(notebook)
    if not path.is_file():
        raise NotReady(f"{notebook} is no saved notebook, so its cells cannot be held against the record.", next="Save it, and ask again.")
    numbers = {cell.id: cell.index for cell in code_cells(path)}
    lineage = fold(workspace.journal.entries(subject=notebook), notebook)
    return hidden_state(lineage.runs, cells_now(workspace, notebook, lineage)), numbers


def cells_now(workspace: Workspace, notebook: str, lineage: Lineage) -> list[tuple[str, Step | None, Digest | None]]:
    """The code cells of the file. One that says the same as when it ran, in another layout, counts as the text that ran."""
    from jupyter_mlgov.core.digests import Digest
    from jupyter_mlgov.integrations.notebooks import read_notebook
    from jupyter_mlgov.lineage.dataflow import names
    from jupyter_mlgov.lineage.tags import step_of

    last = {run.cell_id: run for run in lineage.runs}
    found: list[tuple[str, Step | None, Digest | None]] = []
    for cell in read_notebook(workspace.path_of(notebook)).cells:
        if cell.type != "code" or not cell.source.strip():  # an empty cell never runs
            continue
        digest, run = Digest.of_text(cell.source), last.get(cell.id)
        if run is not None and run.meaning and digest != run.source_digest and names(cell.source).meaning == run.meaning:
            digest = run.source_digest
        found.append((cell.id, step_of(cell.tags, f"cell [{cell.index}]"), digest))
    return found

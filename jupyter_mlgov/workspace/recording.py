"""How a kernel's record is opened, and read again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal, cast

from jupyter_mlgov.lineage.facts import Lineage, Session

if TYPE_CHECKING:
    from jupyter_mlgov.lineage.recorder import Recorder
    from jupyter_mlgov.workspace.composition import Workspace


def open_recorder(workspace: Workspace, notebook: str, host: str) -> Recorder:
    """A recorder for one kernel's life on `notebook`. Its first cell run writes `session.started`."""
    from jupyter_mlgov.integrations.git import code_state
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
    )
    team = workspace.team_for(notebook)
    return Recorder(
        outbound=Outbound(
            journal=workspace.journal, folder=workspace.spools.folder, session=session.id, notebook=notebook, actor=workspace.actor()
        ),
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

    from jupyter_mlgov.core.digests import Digest
    from jupyter_mlgov.integrations.notebooks import read_notebook
    from jupyter_mlgov.lineage.fold import fold
    from jupyter_mlgov.lineage.steps import step_statuses
    from jupyter_mlgov.lineage.tags import step_of

    lineage = fold(workspace.journal.entries(), notebook)
    path = workspace.path_of(notebook)
    if not path.is_file():
        return lineage
    cells = [
        (cell.id, step_of(cell.tags, f"cell [{cell.index}]"), Digest.of_text(cell.source))
        for cell in read_notebook(path).cells
        if cell.type == "code"
    ]
    return replace(lineage, steps=step_statuses(lineage.runs, cells))

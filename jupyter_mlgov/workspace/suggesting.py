"""What `%mlgov suggest` says in a notebook: proposals for its saved cells, and how to take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import NotReady, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.reports.views import SuggestedStep
    from jupyter_mlgov.workspace.composition import Workspace


def suggested(path: Path) -> tuple[SuggestedStep, ...]:
    """The steps that untagged cells of the saved file look like, for a surface that can tag them. Raises BadInput as code_cells()."""
    from jupyter_mlgov.integrations.notebooks import code_cells
    from jupyter_mlgov.lineage.suggest import suggest
    from jupyter_mlgov.reports.views import SuggestedStep

    found = suggest([(cell.id, cell.source, cell.tags) for cell in code_cells(path)])
    return tuple(SuggestedStep(cell=one.cell, kind=one.kind, why=one.why, others=one.others) for one in found if one.kind and one.cell)


def suggestions(workspace: Workspace, notebook: str, accept: str | None = None) -> str:
    """A line for each untagged cell of the file as it was last saved. `accept` tells which tag to set: an open notebook is its editor's.

    Raises NotReady where there is no file, BadInput for one that cannot be read or is not Python.
    """
    from jupyter_mlgov.integrations.notebooks import code_cells
    from jupyter_mlgov.lineage.suggest import suggest
    from jupyter_mlgov.reports.suggest import suggest_text

    path = workspace.path_of(notebook)
    if not path.is_file():
        raise NotReady(f"{notebook} is no saved notebook, so its cells cannot be read.", next="Save it, and ask again.")
    cells = code_cells(path)
    indices = {place: cell.index for place, cell in enumerate(cells, 1)}
    found = suggest([(cell.id, cell.source, cell.tags) for cell in cells])
    if accept is None:
        ask = "Set a step with the cell toolbar's tag button. With the notebook closed, "
        ask += f"`mlgov suggest {notebook} --accept all` writes those that are sure."
        return suggest_text(found, indices, next=ask)
    known = {str(indices[one.place]): one for one in found} | {one.cell: one for one in found}
    if accept != "all" and accept not in known:
        raise unknown("untagged cell", accept, [str(indices[one.place]) for one in found], next="See `%mlgov suggest`.")
    chosen = [one for one in found if (accept == "all" or known.get(accept) == one) and one.is_sure]
    lines = [f"[{indices[one.place]}] set the tag mlgov:{one.kind}" for one in chosen] or [
        "No sure suggestion there; see `%mlgov suggest`."
    ]
    told = "The notebook is open, so its editor must write it: set the tags with the cell toolbar. "
    told += f"Closed: `mlgov suggest {notebook} --accept {accept}`."
    return "\n".join([*lines, told])

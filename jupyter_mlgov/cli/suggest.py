"""`mlgov suggest NOTEBOOK`: a step tag for each untagged cell, with its reason, and written into the file when accepted."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, say_json, width
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.facts import plain


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--accept", metavar="CELL|all", help="Write the tag of this cell (number or id), or of all that are sure.")
@format_option()
def suggest(notebook: Path, accept: str | None, style: str) -> None:
    """Propose a step for each untagged cell from what it reads, calls and makes. Where two kinds fit it says so and does not choose."""
    from jupyter_mlgov.integrations.notebooks import code_cells, find_cell, read_notebook, set_step
    from jupyter_mlgov.lineage.suggest import suggest as of
    from jupyter_mlgov.reports.suggest import suggest_text

    cells = code_cells(notebook)
    found = of([(cell.id, cell.source, cell.tags) for cell in cells])
    indices = {place: cell.index for place, cell in enumerate(cells, 1)}
    if accept is None:
        ask = f"Take one: `mlgov suggest {notebook} --accept CELL`; all that are sure: `--accept all`; "
        ask += f"another: `mlgov tag {notebook} CELL STEP`."
        if style == "json":
            say_json([{**_fields(plain(one)), "index": indices[one.place], "sure": one.is_sure} for one in found])
        else:
            click.echo(suggest_text(found, indices, next=ask, width=width()))
        return
    chosen = [one for one in found if one.is_sure]
    if accept != "all":
        meant = find_cell(read_notebook(notebook), accept)
        chosen = [one for one in found if one.cell == meant.id]
        if not chosen or not chosen[0].is_sure:
            why = f"it is unsure: {chosen[0].why}" if chosen else "it is a step already, or no code"
            raise UsageError(
                f"There is no sure suggestion for cell [{meant.index}]: {why}.", next=f"Say it: `mlgov tag {notebook} {accept} STEP`."
            )
    for one in chosen:
        set_step(notebook, str(indices[one.place]), one.kind)
    done = [{"index": indices[one.place], "step": one.kind} for one in chosen]
    if style == "json":
        say_json(done)
        return
    for line in done:
        click.echo(f"[{line['index']}] mlgov:{line['step']}")
    click.echo(
        f"Wrote {len(done)} tags into {notebook}. Is it open in JupyterLab? File > Reload Notebook from Disk, before you save there."
    )


def _fields(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}

"""`mlgov stale OLD NEW`: which cells of an edited notebook must run again."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, say_json, width


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@format_option()
@click.pass_context
def stale(ctx: click.Context, old: Path, new: Path, style: str) -> None:
    """Which cells of NEW must run again in a kernel that ran OLD from top to bottom, each with its reason. Nothing is run.

    Exit code 0: none. 1: some, or names of cells that are gone live on.
    """
    from jupyter_mlgov.integrations.notebooks import code_cells
    from jupyter_mlgov.lineage.staleness import cells_to_rerun
    from jupyter_mlgov.reports.stale import stale_json, stale_text

    before, after = code_cells(old), code_cells(new)
    plan = cells_to_rerun([(cell.own_id, cell.source) for cell in before], [(cell.own_id, cell.source) for cell in after])
    places = [cell.index for cell in after]
    if style == "json":
        say_json(stale_json(plan, places))
    else:
        click.echo(stale_text(plan, places, colour=colour(), width=width()))
    ctx.exit(0 if plan.is_fresh else 1)

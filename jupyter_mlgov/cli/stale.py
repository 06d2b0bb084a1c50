"""`mlgov stale`: hidden state of the last session. `mlgov stale OLD NEW`: which cells of an edited notebook must run again."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, notebook_option, opened, say_json, width, workspace_option
from jupyter_mlgov.core.verdicts import Verdict

_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1}


@click.command()
@click.argument("old", type=click.Path(path_type=Path), required=False)
@click.argument("new", type=click.Path(path_type=Path), required=False)
@workspace_option
@notebook_option
@format_option()
@click.pass_context
def stale(ctx: click.Context, old: Path | None, new: Path | None, folder: Path | None, notebook: str | None, style: str) -> None:
    """Which cells must run again, each with its reason. Nothing is run.

    OLD NEW: the cells of NEW, in a kernel that ran OLD from top to bottom. Without them: the last recorded session against the file as
    it is saved now. Exit code 0: none. 1: some, or names of cells that are gone live on. 3: not all ran, or nothing is recorded.
    """
    if old is not None and new is None:
        raise click.UsageError("Name both: `mlgov stale OLD.ipynb NEW.ipynb`; or none, for the last recorded session.")
    if old is None or new is None:
        ctx.exit(_session(folder, notebook, style))
    ctx.exit(_pair(old, new, style))


def _session(folder: Path | None, notebook: str | None, style: str) -> int:
    from jupyter_mlgov.reports.stale import hidden_json, hidden_text
    from jupyter_mlgov.workspace.recording import read_hidden_state

    workspace = opened(folder)
    found, numbers = read_hidden_state(workspace, workspace.notebook(notebook))
    if style == "json":
        say_json(hidden_json(found, numbers))
    else:
        click.echo(hidden_text(found, numbers, colour=colour(), width=width()))
    return _CODES.get(found.verdict, 3)


def _pair(old: Path, new: Path, style: str) -> int:
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
    return 0 if plan.is_fresh else 1

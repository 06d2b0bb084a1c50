"""`mlgov init` and `mlgov tag`: the first things to type."""

from __future__ import annotations

import os
from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, say_json
from jupyter_mlgov.core.errors import unknown
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.core.team import TEAM_FILE
from jupyter_mlgov.lineage.facts import KINDS


@click.command()
@click.option(
    "--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True, help="The folder."
)
@format_option()
def init(folder: Path, style: str) -> None:
    """Make a workspace in a folder, with a team file to fill in.

    Says what was found (notebooks, git, DVC, MLflow), what was made, and what to type next. What is there stays as it is.
    """
    from jupyter_mlgov.core.facts import plain
    from jupyter_mlgov.reports.clean import visible
    from jupyter_mlgov.workspace.arriving import arrive, sentences

    arrival = arrive(folder, Settings.from_environment(os.environ), os.environ)
    if style == "json":
        root = arrival.folder.root
        told = {"workspace": str(root), "team_file": str(root / TEAM_FILE), "team_file_made": TEAM_FILE in arrival.made}
        found = [plain(one) for one in arrival.folder.found]
        say_json({**told, "found": found, "made": list(arrival.made), "next": list(arrival.next)})
        return
    for line in sentences(arrival):
        click.echo("\n".join(visible(part) for part in line.split("\n")))


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("cell", required=False)
@click.argument("step", required=False)
@format_option()
def tag(notebook: Path, cell: str | None, step: str | None, style: str) -> None:
    """Tag CELL (its number or id) of NOTEBOOK as STEP (data, features, train, evaluate, register, report; `none` takes it away).

    Without CELL and STEP: show the tags.
    """
    from jupyter_mlgov.integrations.notebooks import read_notebook, set_step

    if cell is not None and step is None:
        raise click.UsageError("Name the step too: `mlgov tag NOTEBOOK CELL STEP`, for instance `mlgov tag model.ipynb 5 train`.")
    if cell is not None and step is not None:
        if step.partition(":")[0] not in (*KINDS, "none"):
            raise unknown("step", step, [*KINDS, "none"], next="For instance `mlgov tag model.ipynb 5 train`.")
        set_step(notebook, cell, None if step == "none" else step)
    rows = [
        {"cell": one.index, "id": one.id, "tags": list(one.tags), "source": _first_line(one.source)}
        for one in read_notebook(notebook).cells
    ]
    if style == "json":
        say_json(rows)
        return
    for row in rows:
        tags = ", ".join(map(str, row["tags"] if isinstance(row["tags"], list) else []))
        click.echo(f"[{row['cell']}]  {tags or '–':<24}  {row['source']}")


def _first_line(source: str) -> str:
    return next((line for line in source.splitlines() if line.strip()), "")[:80]

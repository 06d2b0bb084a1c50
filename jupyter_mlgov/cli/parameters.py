"""`mlgov parameters NOTEBOOK`: what a notebook may be given, and where each parameter makes a difference."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened_or_made, say_json, workspace_option


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@workspace_option
@format_option()
@click.pass_context
def parameters(ctx: click.Context, notebook: Path, folder: Path | None, style: str) -> None:
    """Each parameter of NOTEBOOK with its type, bounds and default, and the steps that rest on it. Exit code 1 when none does."""
    from jupyter_mlgov.pipelines.sensitivity import reaches
    from jupyter_mlgov.workspace.jobs import existing
    from jupyter_mlgov.workspace.stepping import step_book

    workspace = opened_or_made(folder)
    path = existing(workspace, notebook)
    book = step_book(path, workspace.name_of(path))
    found = reaches(book.graph, book.parameters)
    if style == "json":
        say_json([one.as_json() for one in found])
    else:
        for one in found:
            click.echo(one.sentence)
    ctx.exit(0 if all(one.steps for one in found) else 1)

"""`mlgov reproduce`: a recorded version run again elsewhere, and every artefact graded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from jupyter_mlgov.cli.options import colour, format_option, opened, say_json, saying, width, workspace_option


@click.command()
@click.argument("target")
@click.option(
    "--environment",
    type=click.Choice(["auto", "current", "lock"]),
    default="auto",
    show_default=True,
    help="Where to run: here, in the lock's environment, or there only where this one differs.",
)
@click.option("--quick", is_flag=True, help="Only the steps from the first changed one on, upon kept values; no evidence for a gate.")
@click.option("--timeout", type=click.IntRange(min=1), help="Seconds one cell may take.")
@workspace_option
@format_option()
@click.pass_context
def reproduce(ctx: click.Context, target: str, environment: str, quick: bool, timeout: int | None, folder: Path | None, style: str) -> None:
    """Run TARGET again (MODEL@VERSION, MODEL@STAGE, or a notebook's last session) and hold it against the record.

    Nothing of yours is written but one entry of the trail. Exit code 0 identical or within tolerance, 1 divergent, 3 could not tell.
    """
    from jupyter_mlgov.workspace.reproducing import Choice, Wish, reproduce

    wish = Wish(target=target, environment=cast("Choice", environment), timeout=timeout, quick=quick)
    done = reproduce(opened(folder), wish, saying)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    if style == "json":
        say_json(done.as_json())
    else:
        from jupyter_mlgov.reports.reproduction import reproduction_text

        click.echo(reproduction_text(done, colour=colour(), width=width()))
    ctx.exit(done.exit_code)

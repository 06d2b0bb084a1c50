"""`mlgov status`, `lineage`, `report`, `doctor`: where you stand."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, notebook_option, opened, say_json, width, workspace_option
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.facts import plain


@click.command()
@workspace_option
@notebook_option
@format_option()
def status(folder: Path | None, notebook: str | None, style: str) -> None:
    """Where you stand and what to do next."""
    workspace = opened(folder)
    view = workspace.view(workspace.notebook(notebook))
    if style == "json":
        say_json(plain(view))
        return
    from jupyter_mlgov.reports.status import status_text

    click.echo(status_text(view, colour=colour(), width=width()))


@click.command()
@workspace_option
@notebook_option
@format_option("svg")
def lineage(folder: Path | None, notebook: str | None, style: str) -> None:
    """What ran on what: steps, cells, files, tables and model of the last session."""
    from jupyter_mlgov.reports.lineage import lineage_svg, lineage_text

    workspace = opened(folder)
    found = workspace.lineage(workspace.notebook(notebook))
    if style == "json":
        say_json(plain(found))
    elif style == "svg":
        click.echo(lineage_svg(found))
    else:
        click.echo(lineage_text(found, colour=colour(), width=width()))


@click.command()
@workspace_option
@format_option()
@click.option("--against", metavar="WHAT", help="Compare with a lock file, `lock`, an environment FILE.json, a session's id or a notebook.")
@click.option("--of", "subject", metavar="WHAT", default="here", show_default=True, help="What to compare: as for --against.")
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Write this environment to FILE.json, for --against elsewhere."
)
@click.pass_context
def doctor(ctx: click.Context, folder: Path | None, style: str, against: str | None, subject: str, write: Path | None) -> None:
    """Check this installation and workspace, with the command that mends what is wrong; or compare two environments.

    Exit code 0 means that all is fine, 3 that something is not.
    With --against, exit code 0 means nothing differs that can change numbers, 1 that something does, 3 that something is not known.
    """
    from jupyter_mlgov.cli.doctor import examine
    from jupyter_mlgov.reports.clean import visible

    if against or write:
        ctx.exit(_environments(folder, style, against, subject, write))
    lines = examine(folder)
    if style == "json":
        say_json([plain(line) for line in lines])
    else:
        for line in lines:
            click.echo(f"{'✓' if line.fine else '✕'} {visible(line.what)}: {visible(line.found)}")
            for more in filter(None, (line.next, line.command and f"$ {line.command}")):
                click.echo(f"    {visible(more)}")
    ctx.exit(0 if all(line.fine for line in lines) else 3)


def _environments(folder: Path | None, style: str, against: str | None, subject: str, write: Path | None) -> int:
    import json

    from jupyter_mlgov.cli.environments import environment_of, report

    try:
        workspace = opened(folder)
    except NotReady:
        if folder:
            raise
        workspace = None
    one = environment_of(subject, workspace)
    if write:
        write.write_text(json.dumps(plain(one[1]), indent=1, ensure_ascii=False) + "\n", "utf-8")
        click.echo(f"Wrote {one[0]} to {write}.", err=True)
    if not against:
        return 0
    body, text, code = report(one, environment_of(against, workspace))
    if style == "json":
        say_json(body)
    else:
        click.echo(text)
    return code

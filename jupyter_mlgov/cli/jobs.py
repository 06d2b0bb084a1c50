"""`mlgov run`, `export`, `sync`: the notebook as a job."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, opened_or_made, say_json, workspace_option
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.workspace.jobs import Done, export_notebook, run_governed


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The executed notebook; default: runs/NAME.ipynb in the workspace.")
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; may be given again.")
@click.option("--params-file", type=click.Path(path_type=Path, dir_okay=False), help="Parameters from a YAML or JSON file.")
@click.option("--metrics", type=click.Path(path_type=Path, dir_okay=False), help="Write the recorded metrics as JSON.")
@click.option("--timeout", type=click.IntRange(min=1), help="Seconds one cell may take.")
@workspace_option
@format_option()
@click.pass_context
def run(
    ctx: click.Context,
    notebook: Path,
    output: Path | None,
    given: tuple[str, ...],
    params_file: Path | None,
    metrics: Path | None,
    timeout: int | None,
    folder: Path | None,
    style: str,
) -> None:
    """Run NOTEBOOK as a governed job: recorded, projected to MLflow. Exit code 1 when a cell failed."""
    workspace = opened_or_made(folder)
    done = run_governed(
        workspace, notebook, output=output, given=given, params_file=params_file, metrics=metrics, timeout=timeout, say=_say
    )
    if style == "json":
        say_json(done.as_json())
    else:
        click.echo(done.sentence)
        for problem in done.problems:
            click.echo(f"! {problem}", err=True)
    ctx.exit(0 if done.outcome == "ok" else 1)


def _say(line: str) -> None:
    import sys

    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K  {line}", err=True, nl=False)


@click.command()
@workspace_option
@notebook_option
@click.option("--to", "targets", default="papermill,dvc", show_default=True, help="Targets, separated by commas: papermill, dvc.")
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; default: the workspace.")
@format_option()
def export(folder: Path | None, notebook: str | None, targets: str, output: Path | None, style: str) -> None:
    """Write the notebook as a parameterised job."""
    workspace = opened(folder)
    written = export_notebook(
        workspace, workspace.notebook(notebook), tuple(filter(None, (one.strip() for one in targets.split(",")))), output
    )
    if style == "json":
        say_json([str(path) for path in written])
        return
    for path in written:
        click.echo(f"Wrote {path}")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@format_option()
def track(paths: tuple[Path, ...], folder: Path | None, style: str) -> None:
    """Have DVC keep data files of the workspace; what it keeps already is recognised."""
    from jupyter_mlgov.workspace.tracking import track_now

    workspace = opened(folder)
    found = [track_now(workspace, path if path.is_absolute() else Path.cwd() / path) for path in paths]
    if style == "json":
        say_json([fields_of(item) for item in found])
        return
    for item in found:
        click.echo(f"{item.path}  md5 {item.md5}  ({item.dvc_file})")
    click.echo("Next: `git add` what stands in brackets, and `dvc push`.")


@click.command()
@workspace_option
@format_option()
@click.pass_context
def sync(ctx: click.Context, folder: Path | None, style: str) -> None:
    """Send what waits in the outbox to MLflow. Exit code 3 while something still waits."""
    workspace = opened(folder)
    for notebook in workspace.notebooks():
        workspace.project(notebook)
    problems = workspace.deliver(_say)
    waiting = len(workspace.journal.pending())
    if style == "json":
        say_json({"waiting": waiting, "problems": list(problems)})
    else:
        click.echo(f"{waiting} still waiting." if waiting else "Everything is delivered.")
        for problem in problems:
            click.echo(f"! {problem}", err=True)
    ctx.exit(3 if waiting else 0)


__all__ = ["Done", "export", "run", "sync", "track"]

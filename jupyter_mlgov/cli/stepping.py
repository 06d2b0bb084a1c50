"""`mlgov run-step`: what every pipeline target calls for each step."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened_or_made, progress, say_json, workspace_option


@click.command("run-step")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("step")
@click.option(
    "--in",
    "inputs",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of a step that ran before, or one that holds several.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for what this step leaves.")
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; may be given again.")
@click.option("--params-file", type=click.Path(path_type=Path, dir_okay=False), help="Parameters from a YAML or JSON file.")
@click.option("--token", default="", help="Names the pipeline run: its steps count as one run of the notebook.")
@click.option("--timeout", type=click.IntRange(min=1), help="Seconds for the step; default: [pipelines] of mlgov.toml.")
@click.option("--metrics", type=click.Path(path_type=Path, dir_okay=False), help="Write the metrics recorded so far as JSON.")
@click.option("--plots", type=click.Path(path_type=Path, file_okay=False), help="A folder for the pictures that the step's cells showed.")
@workspace_option
@format_option()
@click.pass_context
def run_step(
    ctx: click.Context,
    notebook: Path,
    step: str,
    inputs: tuple[Path, ...],
    out: Path,
    given: tuple[str, ...],
    params_file: Path | None,
    token: str,
    timeout: int | None,
    metrics: Path | None,
    plots: Path | None,
    folder: Path | None,
    style: str,
) -> None:
    """Run one STEP of NOTEBOOK in a kernel of its own: it takes values from --in and leaves its own in --out.

    Exit codes: 0 done, 1 a cell failed, was killed or took too long, 2 wrong usage (unknown step or parameter, values made with other
    parameters), 3 could not run or hand over (no finished step in --in, a changed byte, a value that cannot cross).
    """
    from jupyter_mlgov.workspace.jobs import existing, parameters_given
    from jupyter_mlgov.workspace.pictures import write_shown
    from jupyter_mlgov.workspace.stepping import run_step as run
    from jupyter_mlgov.workspace.stepping import step_book

    workspace = opened_or_made(folder)
    path = existing(workspace, notebook)
    book = step_book(path, workspace.name_of(path))
    values = parameters_given(path, given, params_file)
    done = run(workspace, book, book.step(step), inputs, out, values, token=token, timeout=timeout, progress=progress)
    if done.outcome == "ok":
        write_shown(workspace, book.name, done, metrics, plots)
    if style == "json":
        say_json(done.as_json())
    else:
        click.echo(done.sentence)
        for name in done.pickled:
            click.echo(f"! `{name}` crossed as a pickle, which mlgov.toml allows; who opens it runs what is in it.", err=True)
    ctx.exit(0 if done.outcome == "ok" else 1)

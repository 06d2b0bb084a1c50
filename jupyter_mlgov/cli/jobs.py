"""`mlgov run`, `export`, `sync`: the notebook as a job."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, opened_or_made, say_json, saying, workspace_option
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.workspace.jobs import Done, drafted, export_notebook, run_governed, run_stepwise

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.afterwards import Ending


@click.command(context_settings={"allow_extra_args": True})
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The executed notebook; default: runs/NAME.ipynb in the workspace.")
@click.option("--parameter", "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; may be given again.")
@click.option("--params-file", type=click.Path(path_type=Path, dir_okay=False), help="Parameters from a YAML or JSON file.")
@click.option("--metrics", type=click.Path(path_type=Path, dir_okay=False), help="Write the recorded metrics as JSON.")
@click.option("--timeout", type=click.IntRange(min=1), help="Seconds one cell may take.")
@click.option("--steps", "stepwise", is_flag=True, help="Each step in a kernel of its own, with what [pipelines] of mlgov.toml says.")
@click.option("--token", default="", help="Names the run: asked twice, it runs once.")
@click.option("--schedule-id", default="", help="A scheduler's name for this run; the same as --token.")
@click.option("--resume", is_flag=True, help="With --token: keep the steps that are still right, run the rest.")
@click.option("--dry-run", is_flag=True, help="Say what would run, with which parameters, and what follows; run nothing.")
@click.option("--then", default="", help="What follows a good run: validate,promote=STAGE. Exit code 1 when a gate stays shut.")
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
    stepwise: bool,
    token: str,
    schedule_id: str,
    resume: bool,
    dry_run: bool,
    then: str,
    folder: Path | None,
    style: str,
) -> None:
    """Run NOTEBOOK as a governed job: recorded, and told to MLflow. A folder NAME.steps of an export runs step by step.

    Exit codes: 0 done and every gate of --then open, 1 a cell failed or a gate stayed shut, 2 wrong usage, 3 could not run or check.
    """
    from jupyter_mlgov.workspace.afterwards import afterwards, parse_then
    from jupyter_mlgov.workspace.rehearsing import asked_for, rehearsal

    _one_word_each(given, ctx.args)
    workspace = opened_or_made(folder)
    asked = asked_for(workspace, notebook, stepwise=bool(stepwise or resume or token or schedule_id))
    name = asked.name
    acts = parse_then(then or asked.then, workspace.team_for(name))
    if dry_run:
        told = rehearsal(workspace, asked, given, params_file, token=token or schedule_id, resume=resume, acts=acts)
        if style == "json":
            say_json(told.as_json())
        else:
            click.echo(told.sentence)
        ctx.exit(0)
    if asked.book is not None:
        act = partial(run_stepwise, workspace, asked.book, token=token or schedule_id, resume=resume)
    else:
        act = partial(run_governed, workspace, asked.path)
    done = act(output=output, given=given, params_file=params_file, metrics=metrics, timeout=timeout, say=saying)
    ending = afterwards(workspace, name, acts, saying) if done.outcome == "ok" else None
    _tell(done, ending, style)
    ctx.exit(1 if ending is None else ending.code)


def _one_word_each(given: tuple[str, ...], more: list[str]) -> None:
    """papermill's own `-p NAME VALUE` is two words, ours is one."""
    if not more:
        return
    bare = next((word for word in given if "=" not in word), "")
    write = f"Write -p {shlex.quote(f'{bare}={more[0]}')}." if bare else "`mlgov run --help` shows what can be said."
    raise UsageError(f"{more[0]!r} is one word too many.", expected="Expected one NOTEBOOK, and -p NAME=VALUE.", next=write)


def _tell(done: Done, ending: Ending | None, style: str) -> None:
    if style == "json":
        say_json({**done.as_json(), "then": list(ending.sentences) if ending else []})
        return
    click.echo(done.sentence)
    for sentence in ending.sentences if ending else ():
        click.echo(sentence)
    for problem in done.problems:
        click.echo(f"! {problem}", err=True)


@click.command()
@workspace_option
@notebook_option
@click.option("--to", "targets", default="papermill,dvc", show_default=True, help="Targets, separated by commas.")
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; default: the workspace.")
@click.option("--dry-run", is_flag=True, help="Show the steps and the files, and write nothing.")
@click.option("--per-step", is_flag=True, help="papermill: a notebook for each step.")
@click.option("--image", default="", help="The image the job runs in, pinned: NAME@sha256:….")
@click.option("--base-image", "base", default="", help="image: what it is built on, pinned.")
@click.option("--schedule", default="", help="Five cron fields, for targets that start the job themselves.")
@click.option("--stage", default="", help="The stage the job asks for; default: the first with a gate.")
@click.option("--unproven", is_flag=True, help="Do not run the steps to prove that they equal the notebook. It is recorded as unproven.")
@click.option("--probe", "probing", is_flag=True, help="First show what each parameter changes; stop where one changes nothing.")
@format_option()
def export(
    folder: Path | None,
    notebook: str | None,
    targets: str,
    output: Path | None,
    dry_run: bool,
    per_step: bool,
    image: str,
    base: str,
    schedule: str,
    stage: str,
    unproven: bool,
    probing: bool,
    style: str,
) -> None:
    """Write the notebook as a job.

    Exit code 1 when its steps do not give what the notebook gives, or a probed parameter changes nothing.
    """
    from jupyter_mlgov.pipelines.plan import Deployment
    from jupyter_mlgov.pipelines.shown import draft_facts, draft_text

    workspace = opened(folder)
    name = workspace.notebook(notebook)
    wanted = tuple(filter(None, (one.strip() for one in targets.split(","))))
    deployment = Deployment(image=image, base=base, schedule=schedule, stage=stage, per_step=per_step)
    if dry_run:
        made = drafted(workspace, name, wanted, output, deployment)
        if style == "json":
            say_json(draft_facts(made))
        else:
            click.echo(draft_text(made))
        return
    if probing:
        from jupyter_mlgov.workspace.probing import probed

        for one in probed(workspace, name, saying):
            click.echo(one.sentence, err=style == "json")
    written = export_notebook(workspace, name, wanted, output, deployment=deployment, unproven=unproven, say=saying)
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
    problems = workspace.deliver(saying)
    waiting = len(workspace.journal.pending())
    if style == "json":
        say_json({"waiting": waiting, "problems": list(problems)})
    else:
        click.echo(f"{waiting} still waiting." if waiting else "Everything is delivered.")
        for problem in problems:
            click.echo(f"! {problem}", err=True)
    ctx.exit(3 if waiting else 0)


__all__ = ["Done", "export", "run", "sync", "track"]

"""`mlgov monitor`: is what is in production still good."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.cli import telling
from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.verdicts import Verdict

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.monitoring import Tick


@click.group()
def monitor() -> None:
    """Watch a model in production. A finding raises an alarm, refutes the evidence and shuts the gate; so does silence."""


@monitor.command()
@click.argument("model")
@workspace_option
@format_option()
def plan(model: str, folder: Path | None, style: str) -> None:
    """What is watched of MODEL, how often, by which checks, and when it was last measured."""
    from jupyter_mlgov.core.errors import MlgovError
    from jupyter_mlgov.workspace.monitoring import running, state
    from jupyter_mlgov.workspace.reference import reference_of
    from jupyter_mlgov.workspace.watched import fix_plan

    workspace = opened(folder)
    now = running(workspace, model)
    changed = fix_plan(workspace, now)
    try:
        kept = reference_of(workspace, now.move, now.team.roles)
        reference = f"{kept.rows:,} rows as the profile {kept.profile.short}"
    except MlgovError as error:
        reference = f"none: {error}"
    states = state(workspace, now)
    if style == "json":
        say_json(
            {
                "model": model,
                "version": now.move.version,
                "reference": reference,
                "changed": list(changed),
                "watched": [{**fields_of(one), **states[one.name]} for one in now.plan],
            }
        )
        return
    click.echo(f"{model} version {now.move.version}, in {now.move.stage} since {now.move.since:%Y-%m-%d}:")
    for one in now.plan:
        checks = ", ".join(one.checks) or "no machine measures it"
        click.echo(f"  {one.name:<14} {one.frequency:<10} {checks}; {states[one.name]['said']}")
        for line in filter(
            None,
            (
                one.owner and f"owner {one.owner}",
                one.response and f"response: {one.response}",
                f"a finding is due in {one.deadline:g} hours",
            ),
        ):
            click.echo(f"  {'':<25} {line}")
    click.echo(f"  Source: {now.plan[0].source}." if now.plan else "  Nothing is watched.")
    click.echo(f"  Reference: {reference}.")
    for line in changed:
        click.echo(f"! The plan changed: {line}.")


@monitor.command()
@click.argument("model", default="")
@click.option("--window", type=click.Path(path_type=Path), help="Parquet, CSV, a Delta folder, or a folder whose last file it is.")
@click.option("--log", is_flag=True, help="The window is what was served: our log of predictions, with the labels that have come in.")
@click.option("--since", type=click.DateTime(), help="With --log: from this moment on (UTC).")
@click.option("--until", type=click.DateTime(), help="With --log: up to and without this moment (UTC).")
@click.option(
    "--all", "every", type=click.Path(path_type=Path, file_okay=False), help="A folder with MODEL.parquet (or .csv, or a Delta folder)."
)
@click.option("--name", default="", help="What the window is called in the record; default: the file's name.")
@click.option("--only", multiple=True, help="Only these names of the plan; may be given again.")
@workspace_option
@format_option()
@click.pass_context
def run(
    ctx: click.Context,
    model: str,
    window: Path | None,
    log: bool,
    since: datetime | None,
    until: datetime | None,
    every: Path | None,
    name: str,
    only: tuple[str, ...],
    folder: Path | None,
    style: str,
) -> None:
    """Judge a window of MODEL's rows, or of every model with --all.

    Exit codes: 0 all that was due is measured and good, 1 a finding, 3 could not tell.
    """
    from jupyter_mlgov.workspace.monitoring import Looks, look, look_all

    workspace = opened(folder)
    if every is not None:
        if model or window or log or name or only:
            raise click.UsageError("--all FOLDER takes every model's window from that folder, and nothing else beside it.")
        looks = look_all(workspace, _windows(every))
    else:
        if not model or (window is None) == (not log):
            raise click.UsageError("Name a MODEL and its --window FILE (or --log), or --all FOLDER.")
        looks = Looks(
            ticks=(
                look(workspace, model, window if window is not None else _logged(workspace, model, since, until), name=name, only=only),
            ),
            problems={},
        )
    if style == "json":
        told = [_told(tick) for tick in looks.ticks]
        say_json(told[0] if every is None else {"looks": told, "problems": dict(looks.problems)})
    else:
        for tick in looks.ticks:
            _show(tick)
        for one, problem in looks.problems.items():
            click.echo(f"! {one} could not be looked at: {problem}")
    ctx.exit({Verdict.FAIL: 1, Verdict.PASS: 0}.get(looks.verdict, 3))


def _windows(folder: Path) -> dict[str, Path]:
    """Model -> its window: MODEL.parquet, MODEL.csv or a Delta folder MODEL. Raises UsageError for two of one model, and for none."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in (".parquet", ".csv") or (path / "_delta_log").is_dir():
            model = path.stem if path.is_file() else path.name
            if model in found:
                raise click.UsageError(f"{found[model].name} and {path.name} are both a window of {model}.")
            found[model] = path
    if not found:
        raise click.UsageError(f"{folder} has no window: MODEL.parquet, MODEL.csv or a Delta folder MODEL.")
    return found


def _logged(workspace: Workspace, model: str, since: datetime | None, until: datetime | None) -> object:
    from jupyter_mlgov.workspace.prediction_windows import logged_window
    from jupyter_mlgov.workspace.watched import running

    first, last = (one.replace(tzinfo=UTC) if one else None for one in (since, until))
    return logged_window(workspace, running(workspace, model), since=first, until=last)


def _told(tick: Tick) -> dict[str, object]:
    return {
        "model": tick.model,
        "version": tick.version,
        "window": tick.window,
        "rows": tick.rows,
        "verdict": tick.verdict.word,
        "found": {one: [result.summary for result in results] for one, results in tick.found.items()},
        "held": dict(tick.held),
        "measured": list(tick.measured),
        "unmeasured": dict(tick.unmeasured),
        "notes": list(tick.notes),
        "acts": list(tick.acts),
        "seconds": tick.seconds,
        "report": tick.report.digest,
    }


def _show(tick: Tick) -> None:
    click.echo(f"{tick.model} version {tick.version}, window {tick.window} ({tick.rows:,} rows, {tick.seconds:.1f} s): {tick.verdict.word}")
    for result in tick.report.results:
        click.echo(f"  {result.verdict.word:<14} {result.title}: {result.summary}")
    for one, why in (*tick.unmeasured.items(), *tick.held.items()):
        click.echo(f"  {'not measured' if one in tick.unmeasured else 'may be chance':<14} {one}: {why}")
    for note in tick.notes:
        click.echo(f"  note           {note}")
    for act in tick.acts:
        click.echo(f"! {act}")


@monitor.command()
@workspace_option
@format_option()
@click.pass_context
def watch(ctx: click.Context, folder: Path | None, style: str) -> None:
    """For a scheduler: find monitors that did not run, and tell whom the alarms concern. Exit code 1: some did not."""
    from jupyter_mlgov.workspace.alarms import watch as tell
    from jupyter_mlgov.workspace.monitoring import quiet

    workspace = opened(folder)
    said = quiet(workspace)
    told = tell(workspace)
    if style == "json":
        say_json({"silent": list(said), "posted": told.posted, "problems": list(told.problems)})
    else:
        for line in said or ("Every monitor ran when it was due.",):
            click.echo(line)
        for problem in told.problems:
            click.echo(f"! {problem}", err=True)
    ctx.exit(1 if said else 0)


@monitor.command()
@click.argument("model")
@click.argument("name")
@click.option("--reason", "-m", default="", help="What was found and done; it stands in the trail. Needed.")
@workspace_option
def settle(model: str, name: str, reason: str, folder: Path | None) -> None:
    """Say why the finding NAME about MODEL is settled. Only somebody who did not work on the model may."""
    from jupyter_mlgov.workspace.monitoring import settle as settled

    click.echo(settled(opened(folder), model, name, reason))


@monitor.command()
@click.argument("model")
@click.option("--to", "targets", default="papermill,cron", show_default=True, help="papermill, scheduler, cron, kfp, argo; with commas.")
@click.option(
    "--window", required=True, help="Where the windows come in, below the workspace: a file, a Delta folder, or a folder of files."
)
@click.option("--schedule", default="", help="Five cron fields; default: as often as the plan's most frequent thing.")
@click.option("--image", default="", help="kfp, argo: the image to run in, pinned: NAME@sha256:….")
@click.option("--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; default: the workspace.")
@workspace_option
def schedule(model: str, targets: str, window: str, schedule: str, image: str, output: Path | None, folder: Path | None) -> None:
    """Write what lets MODEL's monitor run by itself: template notebook, crontab, job definition, pipeline, CronWorkflow."""
    from jupyter_mlgov.workspace.schedules import write_schedule

    workspace = opened(folder)
    names = tuple(filter(None, (one.strip() for one in targets.split(","))))
    for path in write_schedule(workspace, model, names, window=window, schedule=schedule, image=image, output=output):
        click.echo(f"Wrote {path}")


@monitor.command()
@click.argument("repo", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, required=True, metavar="VIEW:FEATURE...")
@click.option("--model", default="", help="The model that reads them: a finding is an alarm about it.")
@click.option("--tolerance", default=1e-6, show_default=True, help="Numbers are equal within this share of themselves.")
@click.option("--hours", default=24.0, show_default=True, help="How old online values may be.")
@click.option("--keys", default=1000, show_default=True, help="Keys that are sampled.")
@click.option("--most", default=0.0, show_default=True, help="The share of keys that may differ.")
@workspace_option
@format_option()
@click.pass_context
def features(
    ctx: click.Context,
    repo: Path,
    names: tuple[str, ...],
    model: str,
    tolerance: float,
    hours: float,
    keys: int,
    most: float,
    folder: Path | None,
    style: str,
) -> None:
    """Hold Feast's online values in REPO against the offline ones, and see that they are fresh. Exit codes as of `monitor run`."""
    from jupyter_mlgov.workspace.feature_watch import Wanted, watch_features

    wanted = Wanted(features=names, tolerance=tolerance, hours=hours, keys=keys, most=most)
    seen = watch_features(opened(folder), repo, wanted, model=model)
    if style == "json":
        say_json({"verdict": seen.verdict.word, "lines": [[verdict.word, line] for verdict, line in seen.lines], "keys": seen.keys})
    else:
        for verdict, line in seen.lines:
            click.echo(f"  {verdict.word:<14} {line}")
    ctx.exit({Verdict.FAIL: 1, Verdict.PASS: 0}.get(seen.verdict, 3))


for _command in (telling.metrics, telling.webhook, telling.rules, telling.dashboards):
    monitor.add_command(_command)

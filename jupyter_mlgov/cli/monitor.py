"""`mlgov monitor plan|run|watch|settle`: is what is in production still good."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.verdicts import Verdict


@click.group()
def monitor() -> None:
    """Watch a model in production. A finding raises an alarm, refutes the evidence and shuts the gate; so does silence."""


@monitor.command()
@click.argument("model")
@workspace_option
@format_option()
def plan(model: str, folder: Path | None, style: str) -> None:
    """What is watched of MODEL, how often, by which checks, and when it was last measured."""
    from jupyter_mlgov.workspace.monitoring import running, state

    workspace = opened(folder)
    now = running(workspace, model)
    states = state(workspace, now)
    if style == "json":
        say_json({"model": model, "version": now.move.version, "watched": [{**fields_of(one), **states[one.name]} for one in now.plan]})
        return
    click.echo(f"{model} version {now.move.version}, in {now.move.stage} since {now.move.since:%Y-%m-%d}:")
    for one in now.plan:
        checks = ", ".join(one.checks) or "no machine measures it"
        click.echo(f"  {one.name:<14} {one.frequency:<10} {checks}; {states[one.name]['said']}")
        for line in filter(None, (one.owner and f"owner {one.owner}", one.response and f"response: {one.response}")):
            click.echo(f"  {'':<25} {line}")
    click.echo(f"  Source: {now.plan[0].source}." if now.plan else "  Nothing is watched.")


@monitor.command()
@click.argument("model")
@click.option(
    "--window", type=click.Path(path_type=Path), required=True, help="Parquet or CSV: the rows of the window, with the columns as scored."
)
@click.option("--name", default="", help="What the window is called in the record; default: the file's name.")
@click.option("--only", multiple=True, help="Only these names of the plan; may be given again.")
@workspace_option
@format_option()
@click.pass_context
def run(ctx: click.Context, model: str, window: Path, name: str, only: tuple[str, ...], folder: Path | None, style: str) -> None:
    """Judge a window of MODEL's rows. Exit codes: 0 all that was due is measured and good, 1 a finding, 3 could not tell."""
    from jupyter_mlgov.workspace.monitoring import look

    tick = look(opened(folder), model, window, name=name, only=only)
    if style == "json":
        found = {one: [result.summary for result in results] for one, results in tick.found.items()}
        say_json(
            {
                "model": tick.model,
                "version": tick.version,
                "window": tick.window,
                "rows": tick.rows,
                "verdict": tick.verdict.word,
                "found": found,
                "measured": list(tick.measured),
                "unmeasured": dict(tick.unmeasured),
                "acts": list(tick.acts),
                "report": tick.report.digest,
            }
        )
    else:
        click.echo(f"{tick.model} version {tick.version}, window {tick.window} ({tick.rows:,} rows): {tick.verdict.word}")
        for result in tick.report.results:
            click.echo(f"  {result.verdict.word:<14} {result.title}: {result.summary}")
        for one, why in tick.unmeasured.items():
            click.echo(f"  not measured   {one}: {why}")
        for act in tick.acts:
            click.echo(f"! {act}")
    ctx.exit({Verdict.FAIL: 1, Verdict.PASS: 0}.get(tick.verdict, 3))


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

"""`mlgov rollback` and `mlgov champion`: which version is there by right, and the way back to one that was."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.dates import moment_of
from jupyter_mlgov.core.facts import fields_of


@click.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, in a sentence; it stands in the trail. Needed.")
@click.option(
    "--to", "version", default="", metavar="VERSION", help="Default: the newest version that was there before and is still sound."
)
@click.option("--stage", default="", help="Default: the last one of the model's own team file (production).")
@click.option("--drill", is_flag=True, help="Look at everything, move nothing; the receipt is in the trail.")
@workspace_option
@format_option()
@click.pass_context
def rollback(
    ctx: click.Context, model: str, reason: str, version: str, stage: str, drill: bool, folder: Path | None, style: str
) -> None:  # click hands flags over by name
    """Bring MODEL back to a version that was in the stage before, now. No approval is waited for. Exit code 1: it was not done."""
    from jupyter_mlgov.reports.clean import visible
    from jupyter_mlgov.workspace.rollback import Order, roll_back

    workspace = opened(folder)
    chosen = stage or workspace.decided(model)[1].stages[-1]
    receipt = roll_back(workspace, Order(model=model, stage=chosen, reason=reason, to=version, drill=drill))
    if style == "json":
        say_json({**fields_of(receipt), "sentence": receipt.sentence})
    else:
        passed = (f"version {item.version} was passed over: {item.why}" for item in receipt.passed_over)
        click.echo(visible(receipt.sentence))
        for line in (*receipt.before, *receipt.after, *passed):
            click.echo(f"  {visible(line)}")
    ctx.exit(0 if receipt.outcome in ("done", "drilled") else 1)


@click.command()
@click.argument("model")
@click.option("--at", "moment", default="", metavar="DATE", help="A date (its end, UTC) or a time with its zone; default: now.")
@click.option("--stage", default="", help="Default: the last one of the model's own team file (production).")
@workspace_option
@format_option()
@click.pass_context
def champion(ctx: click.Context, model: str, moment: str, stage: str, folder: Path | None, style: str) -> None:
    """Which version of MODEL was in the stage at DATE, from the trail alone. Exit code 1: none."""
    from jupyter_mlgov.workspace.rollback import champion as answer

    workspace = opened(folder)
    chosen = stage or workspace.decided(model)[1].stages[-1]
    found = answer(workspace, model, moment_of(moment), chosen)
    there = found is not None and bool(found.version)
    if style == "json":
        say_json(fields_of(found) if found and there else {"model": model, "stage": chosen, "version": ""})
    elif found and there:
        click.echo(
            f"{model} version {found.version} was in {chosen} since {found.since:%Y-%m-%d %H:%M} UTC, by {found.how} of {found.actor}."
        )
    else:
        click.echo(f"No version of {model} was in {chosen} then.")
    ctx.exit(0 if there else 1)

"""`mlgov why`, `promote` and `audit replay`: the gate, and its decisions decided again."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, notebook_option, opened, say_json, width, workspace_option
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.promotion.facts import Answer, Decision


@click.command()
@click.argument("stage", required=False)
@workspace_option
@notebook_option
@format_option()
@click.pass_context
def why(ctx: click.Context, stage: str | None, folder: Path | None, notebook: str | None, style: str) -> None:
    """The shortest list of what stands before STAGE (default: the next one). Exit code 1 while something does."""
    from jupyter_mlgov.workspace.judging import next_stage

    workspace = opened(folder)
    name = workspace.notebook(notebook)
    decision = workspace.why(stage or next_stage(workspace, name), name)
    _say(decision, style, shortest_only=True)
    ctx.exit(0 if decision.answer is Answer.GRANTED else 1)


@click.command()
@click.argument("stage")
@click.option("--traffic", help="How much of all traffic it is asked for (5%), where an approval limits that.")
@click.option("--exposure", help="How much exposure it is asked for, where an approval limits that.")
@workspace_option
@notebook_option
@click.option("--until-review", is_flag=True, help="Exit code 0 also where nothing but a review is missing: the end of an unattended job.")
@format_option()
@click.pass_context
def promote(
    ctx: click.Context,
    stage: str,
    traffic: str | None,
    exposure: str | None,
    folder: Path | None,
    notebook: str | None,
    until_review: bool,  # the end of an unattended job
    style: str,
) -> None:
    """Ask for STAGE. Granted: the alias is set in the registry. Refused: every reason, and exit code 1."""
    from jupyter_mlgov.promotion.conditions import parse_limit

    asked = {"traffic": traffic, "exposure": exposure}
    limits = tuple(parse_limit(f"{name}<={value}") for name, value in asked.items() if value)
    workspace = opened(folder)
    decision = workspace.promote(stage, workspace.notebook(notebook), limits)
    _say(decision, style, shortest_only=False)
    clear = {Answer.GRANTED, Answer.AWAITING_REVIEW} if until_review else {Answer.GRANTED}
    ctx.exit(0 if decision.answer in clear else 1)


@click.command()
@workspace_option
@format_option()
@click.pass_context
def replay(ctx: click.Context, folder: Path | None, style: str) -> None:
    """Decide every past decision again, from the log alone. Exit code 1 when one does not agree, 3 when one cannot be decided again."""
    from jupyter_mlgov.promotion.docket import replay as again

    found = again(tuple(opened(folder).journal.entries()))
    if style == "json":
        say_json([{**fields_of(one), "sentence": one.sentence} for one in found])
    else:
        for one in found:
            if one.outcome != "agrees":
                click.echo(one.sentence)
        agreeing = sum(one.outcome == "agrees" for one in found)
        click.echo(f"{agreeing} of {len(found)} decisions were decided again with the same answer.")
    outcomes = {one.outcome for one in found}
    ctx.exit(1 if "disagrees" in outcomes else 3 if "unproven" in outcomes else 0)


def _say(decision: Decision, style: str, *, shortest_only: bool) -> None:
    from jupyter_mlgov.promotion.why import shortest
    from jupyter_mlgov.reports.why import decision_text, why_text

    if style == "json":
        say_json({**fields_of(decision), "shortest": plain(shortest(decision))})
    elif shortest_only:
        click.echo(why_text(decision, shortest(decision), colour=colour(), width=width()))
    else:
        click.echo(decision_text(decision, colour=colour(), width=width()))

"""`mlgov review …`: the queue, from both sides: ask, claim, talk, look, measure again, approve or refuse; and the clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, say_json, workspace_option
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.workspace import Workspace


@click.group()
def review() -> None:
    """Ask for a review, or give one. An author's word opens no gate."""


@review.command()
@click.argument("stage", required=False)
@workspace_option
@notebook_option
@format_option()
def ask(stage: str | None, folder: Path | None, notebook: str | None, style: str) -> None:
    """Put the last report into the queue, for STAGE (default: the next one). The clock starts."""
    from jupyter_mlgov.workspace.judging import next_stage
    from jupyter_mlgov.workspace.reviewing import ask as put

    workspace = opened(folder)
    name = workspace.notebook(notebook)
    _say(put(workspace, name, stage or next_stage(workspace, name)), style)


@review.command()
@workspace_option
@format_option()
@click.option("--all", "everything", is_flag=True, help="Closed and void ones, too.")
def queue(folder: Path | None, style: str, everything: bool) -> None:
    """What waits for a reviewer, oldest first."""
    from jupyter_mlgov.workspace.reviewing import queue as waiting

    found = [one for one in waiting(opened(folder)) if everything or one.state not in ("closed", "void")]
    if style == "json":
        say_json([plain(one) for one in found])
        return
    for one in found:
        _say(one, style)
    if not found:
        click.echo("Nothing waits for a review.")


@review.command()
@click.argument("number", type=int)
@workspace_option
@format_option()
def claim(number: int, folder: Path | None, style: str) -> None:
    """Take review NUMBER."""
    from jupyter_mlgov.workspace.reviewing import claim as take

    _say(take(opened(folder), number), style)


@review.command()
@click.argument("number", type=int)
@workspace_option
@format_option()
def release(number: int, folder: Path | None, style: str) -> None:
    """Let review NUMBER go, for somebody else."""
    from jupyter_mlgov.workspace.reviewing import release as let_go

    _say(let_go(opened(folder), number), style)


@review.command()
@click.argument("number", type=int)
@workspace_option
@format_option()
@click.pass_context
def packet(ctx: click.Context, number: int, folder: Path | None, style: str) -> None:
    """What review NUMBER is about, each thing held against its digest. Exit code 1 when something is not as it was sealed."""
    from jupyter_mlgov.workspace.reviewing import packet as sealed

    found = sealed(opened(folder), number)
    if style == "json":
        say_json(fields_of(found))
    else:
        content = found.content
        click.echo(_line(f"Packet {found.digest}"))
        click.echo(_line(f"{content['model']} for {content['stage']}: report {content['report']}"))
        for name in ("evidence", "objects", "cells"):
            value: Any = content[name]
            click.echo(f"{len(value)} {name}")
        for problem in found.problems:
            click.echo(_line(f"✕ {problem}"))
        click.echo("✕ not as it was sealed" if found.problems else "✓ everything is as it was sealed")
    ctx.exit(1 if found.problems else 0)


def _talk(kind: Literal["question", "answer"], number: int, text: str, folder: Path | None, style: str) -> None:
    from jupyter_mlgov.workspace.reviewing import say

    _say(say(opened(folder), number, kind, text), style)


@review.command()
@click.argument("number", type=int)
@click.option("--comment", "-m", required=True, help="The question.")
@workspace_option
@format_option()
def question(number: int, comment: str, folder: Path | None, style: str) -> None:
    """Ask something about review NUMBER."""
    _talk("question", number, comment, folder, style)


@review.command()
@click.argument("number", type=int)
@click.option("--comment", "-m", required=True, help="The answer.")
@workspace_option
@format_option()
def answer(number: int, comment: str, folder: Path | None, style: str) -> None:
    """Answer what was asked about review NUMBER."""
    _talk("answer", number, comment, folder, style)


@review.command()
@click.argument("number", type=int)
@workspace_option
@format_option()
@click.pass_context
def rerun(ctx: click.Context, number: int, folder: Path | None, style: str) -> None:
    """Measure everything of review NUMBER again, as yourself. Exit code 1 when the report comes out differently."""
    from jupyter_mlgov.workspace.reviewing import rerun as again

    found, others = again(opened(folder), number)
    if style == "json":
        say_json({**fields_of(found), "others": list(others)})
    elif found.same:
        click.echo(f"✓ The same report came out: {found.found}")
    else:
        click.echo(f"✕ Another report came out: {found.found}")
        for one in others:
            click.echo(_line(f"  {one}"))
    ctx.exit(0 if found.same else 1)


@review.command()
@workspace_option
@notebook_option
@format_option()
@click.pass_context
def impact(ctx: click.Context, folder: Path | None, notebook: str | None, style: str) -> None:
    """What changed since the last report: which evidence falls, and the smallest set of cells to run again. Exit code 1 when any falls."""
    from jupyter_mlgov.workspace.impact import impact as found_out

    workspace = opened(folder)
    found = found_out(workspace, workspace.notebook(notebook))
    if style == "json":
        say_json(fields_of(found))
    else:
        for changed in found.changed or ("Nothing changed since the last report.",):
            click.echo(_line(changed))
        for fallen in found.falls:
            click.echo(_line(f"✕ {fallen.validator} falls: {'; '.join(fallen.parts)}"))
        if found.holds:
            click.echo(_line(f"✓ still holds: {', '.join(found.holds)}"))
        for one in found.rerun:
            click.echo(_line(f"run again: cell {one.cell} ({one.why})"))
        for cell in found.never_ran:
            click.echo(_line(f"run: cell {cell} (never ran)"))
        if found.unknown:
            click.echo(_line(f"? the cells to run again are not known: {found.unknown}"))
        if found.void:
            click.echo(f"void: review {', '.join(map(str, found.void))}")
    ctx.exit(1 if found.falls or found.changed else 0)


def _verdict(command: Any) -> Any:
    """The options that approve and refuse share."""
    for decorate in (
        format_option(),
        notebook_option,
        workspace_option,
        click.option("--comment", "-m", required=True, help="Why, in a sentence; it stands in the trail."),
        click.argument("number", type=int, required=False),
    ):
        command = decorate(command)
    return command


@review.command()
@_verdict
@click.option("--attest-unchecked", is_flag=True, help="You judged by hand the controls that no validator checks here.")
@click.option("--condition", "conditions", multiple=True, help='The most it may be used: "traffic<=5%" or "exposure<=1000000".')
@click.option("--exposure", help="The same as --condition exposure<=N.")
@click.option("--until", default="", help="The last day on which this approval counts (2026-12-31).")
def approve(
    number: int | None,
    comment: str,
    attest_unchecked: bool,
    conditions: tuple[str, ...],
    exposure: str | None,
    until: str,
    folder: Path | None,
    notebook: str | None,
    style: str,
) -> None:
    """Approve the last report, or that of review NUMBER, as yourself; with conditions where you set some."""
    from jupyter_mlgov.promotion.conditions import parse_limit

    texts = (*conditions, *((f"exposure<={exposure}",) if exposure else ()))
    limits = tuple(parse_limit(text) for text in texts)
    more = {"attests_unchecked": attest_unchecked, "limits": limits, "until": until}
    _give("approve", number, comment, folder, notebook, style, more)


@review.command()
@_verdict
def refuse(number: int | None, comment: str, folder: Path | None, notebook: str | None, style: str) -> None:
    """Refuse the last report, or that of review NUMBER. The gate stays shut until another report is approved."""
    _give("refuse", number, comment, folder, notebook, style, {"attests_unchecked": False})


def _give(
    verdict: Literal["approve", "refuse"],
    number: int | None,
    comment: str,
    folder: Path | None,
    notebook: str | None,
    style: str,
    more: dict[str, Any],
) -> None:
    from jupyter_mlgov.workspace.reviewing import find

    workspace: Workspace = opened(folder)
    name = find(workspace, number).case.notebook if number is not None else workspace.notebook(notebook)
    given, report = workspace.review(name, verdict, comment, number=number, **more)
    if style == "json":
        say_json(plain(given))
        return
    click.echo(f"{given.actor} gave: {verdict} on report {report.digest.short} of {report.subject.name}.")
    if verdict == "approve" and report.unchecked and not more["attests_unchecked"]:
        click.echo(f"{len(report.unchecked)} demands have no machine check here; `--attest-unchecked` says that you judged them by hand.")


@review.command()
@workspace_option
@format_option()
@click.option("--every", type=click.IntRange(min=1), metavar="MINUTES", help="Look again so often, until stopped; default: look once.")
@click.pass_context
def watch(ctx: click.Context, folder: Path | None, style: str, every: int | None) -> None:
    """Tell whom MLGOV_NOTIFY names what has come due and what alarms were raised, once each. For a scheduler.

    Exit code 1 while a review is due, 3 when something could not be sent.
    """
    from jupyter_mlgov.workspace.alarms import watch as look

    while True:
        found = look(opened(folder))
        if style == "json":
            say_json(fields_of(found))
        else:
            for title in found.due:
                click.echo(_line(title))
            told = f"{found.posted} new messages for {found.places} places." if found.places else "MLGOV_NOTIFY names nobody to tell."
            click.echo(told)
            for problem in found.problems:
                click.echo(_line(f"✕ {problem}"), err=True)
        if every is None:
            ctx.exit(3 if found.problems else 1 if found.due else 0)
        time.sleep(every * 60)


def _say(one: Any, style: str) -> None:
    if style == "json":
        say_json(plain(one))
        return
    case = one.case
    click.echo(_line(f"{case.number}  {case.model} for {case.stage}: {one.state.value}, due {one.deadline:%Y-%m-%d %H:%M} UTC"))
    if case.claimed_by:
        click.echo(_line(f"    {case.claimed_by} has it"))
    for changed in case.changed:
        click.echo(_line(f"    void: {changed}"))
    for said in case.talk:
        click.echo(_line(f"    {said.kind} by {said.actor}: {said.text}"))


def _line(text: str) -> str:
    """One line of a terminal: what people wrote cannot move its cursor."""
    from jupyter_mlgov.reports.clean import visible

    return visible(text, limit=1000)

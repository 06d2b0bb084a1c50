"""`mlgov canary start|status|look|promote|abort|labels`: a canary in the traffic of `mlgov serve`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.facts import fields_of

if TYPE_CHECKING:
    from jupyter_mlgov.rollout.canary.judging import Judged
    from jupyter_mlgov.workspace.canaries import Canary
    from jupyter_mlgov.workspace.composition import Workspace


@click.command()
@click.argument("model")
@click.option("--stage", default="", help="Default: the last one (production).")
@click.option("--champion", default="", metavar="VERSION", help="Default: the version that answers now.")
@click.option("--challenger", default="", metavar="VERSION", help="Default: the version that was let in and waits.")
@workspace_option
@format_option()
def start(model: str, stage: str, champion: str, challenger: str, folder: Path | None, style: str) -> None:
    """Begin in shadow, with the plan printed and fixed in the trail: sizes, bounds, guards, and the planned end."""
    from jupyter_mlgov.workspace.canaries import start as begin

    canary = begin(opened(folder), model, stage=stage, champion=champion, challenger=challenger)
    if style == "json":
        say_json({"canary": canary.id, "plan": fields_of(canary.plan)})
        return
    for line in planned(canary):
        click.echo(line)


def planned(canary: Canary) -> list[str]:
    """The plan in sentences, before anything moves."""
    from jupyter_mlgov.rollout.sequential import spending_bounds

    plan = canary.plan
    steps = " -> ".join(["shadow", *(f"{step} %" for step in plan.route.steps)])
    told = [
        f"Canary {canary.id[7:19]} of {plan.model}: version {plan.challenger} against {plan.champion}.",
        f"  {steps}; each asks for {plan.route.units:,} entities and {plan.route.hours:g} h; undecided after {plan.route.most:,}.",
        f"  Guards at every look: alpha {plan.alpha:g} shared by Holm, always-valid p-values; smallest change that matters {plan.mde:g}.",
    ]
    if plan.most < 100:
        told.append(f"  The approvals allow {plan.most:g} % of the traffic: it stops there.")
    primary = plan.primary
    if primary is None:
        return [*told, "  No [canary.primary]: nothing proves it no worse, so it ends undecided unless a person promotes it."]
    bounds = spending_bounds([(k + 1) / primary.looks for k in range(primary.looks)], primary.alpha)
    return [
        *told,
        f"  Proof: {primary.event} among {primary.among} not {primary.harm} by {primary.margin:g}, one-sided {primary.alpha:g}:",
        f"    {primary.planned:,} labelled units per arm give power {primary.power:g} at {primary.rate:g}.",
        "  Looks (O'Brien-Fleming type, Lan & DeMets): "
        + ", ".join(f"z over {bound:.3f} at {primary.planned * (k + 1) // primary.looks:,}" for k, bound in enumerate(bounds)),
    ]


@click.command()
@click.argument("model")
@workspace_option
@format_option()
@click.pass_context
def status(ctx: click.Context, model: str, folder: Path | None, style: str) -> None:
    """Where the canary stands, its looks, and how often canaries were right. Exit code 1: a look does not replay from the trail."""
    from jupyter_mlgov.workspace.canaries import ACTS, accuracy, current, replay

    workspace = opened(folder)
    canary = current(workspace, model)
    entries = tuple(workspace.journal.entries(actions=ACTS))
    again = tuple(replay(entries, model))
    right, wrong, unknown = accuracy(entries)
    if style == "json":
        facts: dict[str, Any] = {"canary": canary.id, "plan": fields_of(canary.plan), "rollout": fields_of(canary.rollout)}
        facts |= {"replayed": [fields_of(one) for one in again], "accuracy": {"right": right, "wrong": wrong, "unknown": unknown}}
        say_json(facts)
    else:
        rollout = canary.rollout
        why = rollout.why or "no look yet"
        click.echo(f"{model}: {rollout.state}, {rollout.share} % of the entities on version {canary.plan.challenger}; {why}.")
        for entry in canary.looks[-10:]:
            click.echo(
                f"  {entry.time:%Y-%m-%d %H:%M} {entry.payload.get('state')} {entry.payload.get('share')} %: {entry.payload.get('why')}"
            )
        click.echo(f"{sum(one.agrees is True for one in again)} of {len(again)} looks replay with the same answer.")
        for one in again:
            if one.agrees is not True:
                click.echo(f"  {one.said}")
        click.echo(f"Canaries so far: {right} ended as the labels later said, {wrong} did not, {unknown} nobody can say.")
    ctx.exit(0 if all(one.agrees for one in again) else 1)


@click.command()
@click.argument("model")
@click.option("--hold", is_flag=True, help="Stay where it is, whatever the guards say, short of an abort.")
@click.option("--every", type=click.FloatRange(0.001, 1440), help="Look again and again, so many minutes apart, until it ends.")
@click.option("--rollout", default="", metavar="VERSION", help="Look for a cluster's rollout of this version: may it go past --share?")
@click.option("--share", type=click.FloatRange(0, 100), default=0.0, help="With --rollout: where it stands, in percent; 0 is shadow.")
@workspace_option
@format_option()
@click.pass_context
def look(
    ctx: click.Context, model: str, hold: bool, every: float | None, rollout: str, share: float, folder: Path | None, style: str
) -> None:
    """Count, judge, write, move. Exit code 0: promoted, 1: aborted, 3: it goes on or could not tell.

    With --rollout: 0 once the canary has gone past --share, 1 once it has ended otherwise, 3 until then.
    """
    from jupyter_mlgov.workspace.canaries import current, settle
    from jupyter_mlgov.workspace.canaries import look as judge

    workspace = opened(folder)
    if rollout:
        if hold:
            raise click.UsageError("--hold and --rollout exclude one another: a rollout is held by `mlgov canary look MODEL --hold`.")
        ctx.exit(_for_rollout(workspace, model, rollout, share, every, style))
    canary = current(workspace, model)
    if canary.rollout.state.ended:
        settled = settle(workspace, model)
        said = str(settled) if settled else "It has ended, and no label says yet what became of it."
        say_json({"state": canary.rollout.state, "said": said}) if style == "json" else click.echo(said)
        ctx.exit(0 if settled and settled.payload.get("agreed") is True else 1 if settled and settled.payload.get("agreed") is False else 3)
    while True:
        canary, found = judge(workspace, model, hold=hold)
        _say(canary, found, style)
        if canary.rollout.state.ended or every is None:
            break
        time.sleep(every * 60)
    state = canary.rollout.state.value
    ctx.exit({"promoted": 0, "aborted": 1}.get(state, 3))


def _for_rollout(workspace: Workspace, model: str, version: str, share: float, every: float | None, style: str) -> int:
    """Exit code of a look for a cluster's step. A look that cannot be taken holds the step: it is tried again, and nothing goes on."""
    from jupyter_mlgov.core.errors import StorageProblem
    from jupyter_mlgov.workspace.canaries import look_for

    while True:
        known = None
        try:
            canary, found, known = look_for(workspace, model, version, share)
        except StorageProblem as error:
            if every is None:
                raise
            click.echo(f"mlgov: no look could be taken: {error}", err=True)
        else:
            if found is not None:
                _say(canary, found, style)
            elif style != "json":
                click.echo(f"{canary.rollout.state} at {canary.rollout.share} %: {canary.rollout.why}")
            else:
                say_json({"state": canary.rollout.state, "share": canary.rollout.share, "why": canary.rollout.why})
        if known is not None or every is None:
            return 3 if known is None else 0 if known else 1
        time.sleep(every * 60)


def _say(canary: Canary, found: Judged, style: str) -> None:
    if style == "json":
        said = {"state": canary.rollout.state, "share": canary.rollout.share, "why": canary.rollout.why, "split_p": found.split_p}
        say_json({**said, "guards": [fields_of(one) for one in found.guards], "labels": fields_of(found.labels) if found.labels else None})
        return
    click.echo(f"{canary.rollout.state} at {canary.rollout.share} %: {canary.rollout.why}")
    split = "no split yet" if found.split_p is None else f"split p = {found.split_p:.3g}"
    click.echo(f"  {split}; {found.observation.units:,} entities in this step, {found.observation.total:,} in all")
    for one in sorted(found.guards, key=lambda guard: guard.adjusted):
        click.echo(f"  {'✕' if one.harm else '✓'} {one.guard}: p = {one.p:.3g}, {one.adjusted:.3g} after Holm")
    if found.labels is not None:
        bound = "no look due" if found.labels.bound is None else f"bound {found.labels.bound:.3f}"
        click.echo(f"  labels: {found.labels.fraction:.0%} of the planned information, z = {found.labels.z:.3f} ({bound})")


@click.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, in a sentence. Needed.")
@workspace_option
def promote(model: str, reason: str, folder: Path | None) -> None:
    """End it for the challenger by a person's word; refused unless the last look found every guard clear."""
    from jupyter_mlgov.workspace.canaries import promote as order

    canary = order(opened(folder), model, reason)
    click.echo(f"{canary.rollout.state}: version {canary.plan.challenger} of {model} answers everybody.")


@click.command()
@click.argument("model")
@click.option("--reason", "-m", default="", help="Why, in a sentence. Needed.")
@workspace_option
def abort(model: str, reason: str, folder: Path | None) -> None:
    """End it for the champion, now; the stage is brought back."""
    from jupyter_mlgov.core.errors import UsageError
    from jupyter_mlgov.workspace.canaries import look as judge

    if not reason.strip():
        raise UsageError("An abort needs a reason.", next='Add --reason "…".')
    canary, _ = judge(opened(folder), model, abort=True, reason=reason)
    click.echo(f"{canary.rollout.state}: version {canary.plan.champion} of {model} answers everybody.")


@click.command()
@click.argument("model")
@click.option(
    "--file", "path", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True, help="CSV or Parquet: request, label."
)
@workspace_option
def labels(model: str, path: Path, folder: Path | None) -> None:
    """Keep what became of requests; the next look joins it by the request's id."""
    from jupyter_mlgov.workspace.labels import add_labels

    click.echo(f"{add_labels(opened(folder), model, path):,} labels were kept.")

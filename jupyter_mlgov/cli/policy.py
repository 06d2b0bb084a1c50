"""`mlgov policy list|show|diff`: what the packs ask, what decides it, how sure the text is, and what changed between two."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, say_json, workspace_option
from jupyter_mlgov.core.errors import NotReady, unknown
from jupyter_mlgov.core.facts import fields_of

if TYPE_CHECKING:
    from jupyter_mlgov.validation.policy import Control, Policy


@click.group()
def policy() -> None:
    """List, show and compare policy packs."""


@policy.command(name="list")
@format_option()
def list_packs(style: str) -> None:
    """The installed packs, with their controls."""
    from jupyter_mlgov.validation.plugins import installed_policies, policy_ids

    packs = installed_policies(policy_ids())
    if style == "json":
        say_json([{**fields_of(pack), "digest": pack.digest, "controls": [control.id for control in pack.controls]} for pack in packs])
        return
    today = _today()
    for pack in packs:
        binding = sum(_standing(pack, control, today) == "in force" for control in pack.controls)
        rest = f", {len(pack.controls) - binding} not in force" if binding < len(pack.controls) else ""
        click.echo(f"{pack.id:<16} {len(pack.controls):>2} controls{rest:<18} {pack.title}")
    number = sum(len(pack.controls) for pack in packs)
    click.echo(f"\n{len(packs)} packs, {number} controls. `mlgov policy show PACK` or `mlgov policy show CONTROL` says more.")


@policy.command()
@click.argument("name", required=False)
@format_option()
def show(name: str | None, style: str) -> None:
    """All controls, those of a pack, or one: what it asks, what decides it, whether it is in force, and how sure its wording is."""
    from jupyter_mlgov.validation.plugins import installed_validators, policy_ids

    known = set(installed_validators().ids)
    today = _today()
    chosen = _chosen(name, policy_ids())
    if style == "json":
        say_json([_as_json(pack, control, known, today) for pack, controls in chosen for control in controls])
        return
    for pack, controls in chosen:
        click.echo(f"{pack.title} ({pack.id}, {pack.version})\n")
        for control in controls:
            _say(pack, control, known, today)
    number = sum(len(controls) for _, controls in chosen)
    click.echo(f"{number} {'control' if number == 1 else 'controls'}. ● installed  ○ not installed, so unchecked  ? people answer")


@policy.command()
@click.argument("old")
@click.argument("new")
@workspace_option
@notebook_option
@format_option()
def diff(old: str, new: str, folder: Path | None, notebook: str | None, style: str) -> None:
    """What NEW asks that OLD did not, and the other way; the evidence on record judged again under NEW."""
    from jupyter_mlgov.validation.compare import compare, rejudged
    from jupyter_mlgov.validation.plugins import installed_policies

    before, after = (installed_policies((one,))[0] for one in (old, new))
    changes = compare(before, after)
    try:
        workspace = opened(folder)
        report = workspace.report(workspace.notebook(notebook))
    except NotReady:
        report = None
    again = rejudged(report, after, _today()) if report else ()
    if style == "json":
        say_json({"old": old, "new": new, "changes": [fields_of(one) for one in changes], "rejudged": [fields_of(one) for one in again]})
        return
    for change in changes:
        click.echo(f"{change.sign} {change.control}  {change.what}")
    if report is None:
        click.echo("\nNo evidence on record here, so nothing is judged again. Run `mlgov validate` in a workspace first.")
        return
    click.echo(f"\nThe evidence of report {report.digest.short} under {new}:")
    for item in again:
        word = item.verdict.word if item.verdict else "unchecked"
        click.echo(f"  {item.control:<16} {item.validator or 'people':<24} {word}{'' if item.binds else f' ({item.standing})'}")


def _today() -> date:
    from jupyter_mlgov.core.clock import SystemClock

    return SystemClock().now().date()


def _chosen(name: str | None, ids: tuple[str, ...]) -> list[tuple[Policy, tuple[Control, ...]]]:
    from jupyter_mlgov.validation.plugins import installed_policies

    if name and (name in ids or name.endswith(".toml")):
        pack = installed_policies((name,))[0]
        return [(pack, pack.controls)]
    packs = installed_policies(ids)
    if not name:
        return [(pack, pack.controls) for pack in packs]
    found: list[tuple[Policy, tuple[Control, ...]]] = [
        (pack, (control,)) for pack in packs for control in pack.controls if control.id == name
    ]
    if not found:
        raise unknown("policy pack or control", name, [*ids, *(control.id for pack in packs for control in pack.controls)])
    return found


def _standing(pack: Policy, control: Control, today: date) -> str:
    from jupyter_mlgov.core.team import Scope
    from jupyter_mlgov.validation.standing import footing

    found = footing(pack, control, Scope(), today)
    return f"{found.standing.value}. {found.why}" if not found.standing.binds else found.standing.value


def _as_json(pack: Policy, control: Control, known: Collection[str], today: date) -> dict[str, object]:
    from jupyter_mlgov.validation.forms import questions
    from jupyter_mlgov.validation.policy import MARKS

    return {
        **fields_of(control),
        "policy": pack.id,
        "standing": _standing(pack, control, today),
        "wording": MARKS.get(control.verified, control.verified),
        "decided_by": [
            {
                "validator": ask.validator,
                "installed": ask.validator in known,
                "thresholds": [ask.told(name, value) for name, value in {**_defaults(ask.validator), **ask.parameters}.items()],
            }
            for ask in control.requirements
        ],
        "questions": [fields_of(one) for one in questions(control)] if control.questions else [],
    }


def _defaults(validator: str) -> dict[str, object]:
    """What a validator measures with where no pack says otherwise."""
    from jupyter_mlgov.validation.checks import Check
    from jupyter_mlgov.validation.plugins import installed_validators

    registry = installed_validators()
    found = registry.get(validator) if validator in registry.ids else None
    return dict(found.defaults) if isinstance(found, Check) else {}


def _say(pack: Policy, control: Control, known: Collection[str], today: date) -> None:
    from jupyter_mlgov.validation.policy import MARKS

    click.echo(f"{control.id}  {control.severity}, {control.automation}, {_standing(pack, control, today)}")
    click.echo(
        f"    {control.cite}\n    {control.obligation}\n    wording: {MARKS.get(control.verified, control.verified)}; {control.basis}"
    )
    conditions = {**pack.applies_if, **control.applies_if}
    for fact, values in conditions.items():
        click.echo(f"    applies if {fact} is {' or '.join(values)}, or nobody said")
    for ask in control.requirements:
        click.echo(f"    {'●' if ask.validator in known else '○'} {ask.validator}")
        for parameter, value in {**_defaults(ask.validator), **ask.parameters}.items():
            click.echo(f"        {ask.told(parameter, value)}")
    for one in control.questions:
        click.echo(f"    ? {one.id}: {one.text}")
    click.echo()

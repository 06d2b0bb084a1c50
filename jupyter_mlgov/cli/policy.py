"""`mlgov policy list|show`: what the packs ask, and what decides it."""

from __future__ import annotations

import click

from jupyter_mlgov.cli.options import format_option, say_json
from jupyter_mlgov.core.facts import plain


@click.group()
def policy() -> None:
    """List and show policy packs."""


@policy.command(name="list")
@format_option()
def list_packs(style: str) -> None:
    """The installed packs, with the number of their controls."""
    from jupyter_mlgov.validation.plugins import installed_policies, policy_ids

    packs = installed_policies(policy_ids())
    if style == "json":
        say_json([plain(pack) for pack in packs])
        return
    for pack in packs:
        click.echo(f"{pack.id:<18} {pack.version:<12} {len(pack.controls):>3} controls   {pack.title}")


@policy.command()
@click.argument("name")
@format_option()
def show(name: str, style: str) -> None:
    """Each control of a pack: its citation, what it asks, who decides it, and how sure its wording is."""
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators

    pack = installed_policies((name,))[0]
    if style == "json":
        say_json(plain(pack))
        return
    known = set(installed_validators().ids)
    marks = {"P": "primary text", "Q": "quoted", "S": "paraphrased", "M": "from memory"}
    click.echo(f"{pack.title} ({pack.id}, {pack.version})\n")
    for control in pack.controls:
        click.echo(f"{control.id}  {control.severity}, {control.automation}, wording seen: {marks.get(control.verified, control.verified)}")
        click.echo(f"    {control.cite}\n    {control.obligation}")
        for ask in control.requirements:
            click.echo(f"    {'●' if ask.validator in known else '○ not in this version:'} {ask.validator}")
        click.echo()

"""`mlgov audit erase|hold|retention`: people's rights and the firm's duties."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.facts import plain


@click.command()
@click.argument("subject")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@workspace_option
def erase(subject: str, reason: str, folder: Path | None) -> None:
    """Destroy the key of SUBJECT's name, id and comments. The entries stay and still verify; nobody can read who it was."""
    from jupyter_mlgov.workspace.privacy import erase as destroy

    persons = destroy(opened(folder), subject, reason)
    for person in persons:
        click.echo(f"Erased. The trail now says {person.pseudonym}.")
    click.echo("Backups, bundles already sent, MLflow and git keep what they have: erase it there as well.")


@click.group()
def hold() -> None:
    """Legal holds: while one stands, the person is not erased."""


@hold.command()
@click.argument("subject")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@workspace_option
def place(subject: str, reason: str, folder: Path | None) -> None:
    """Put SUBJECT under legal hold."""
    from jupyter_mlgov.workspace.privacy import hold as put

    put(opened(folder), subject, reason)
    click.echo(f"{subject} is under legal hold.")


@hold.command()
@click.argument("subject")
@click.option("--reason", required=True, help="Why; it stands in the trail.")
@workspace_option
def lift(subject: str, reason: str, folder: Path | None) -> None:
    """Lift the legal hold on SUBJECT."""
    from jupyter_mlgov.workspace.privacy import hold as put

    put(opened(folder), subject, reason, lift=True)
    click.echo(f"The legal hold on {subject} is lifted.")


@hold.command(name="list")
@workspace_option
@format_option()
def list_(folder: Path | None, style: str) -> None:
    """Everybody under legal hold, and why."""
    from jupyter_mlgov.workspace.privacy import standing

    found = standing(opened(folder))
    if style == "json":
        say_json(found)
        return
    for who, why in found.items():
        click.echo(f"{who}  {why}")
    if not found:
        click.echo("No legal hold stands.")


@click.command()
@workspace_option
@format_option()
def retention(folder: Path | None, style: str) -> None:
    """What is kept for 5, 7 and 10 years, and whose personal fields nothing asks for any more."""
    from jupyter_mlgov.workspace.privacy import retention as kept

    classes, over = kept(opened(folder))
    if style == "json":
        say_json({"classes": [plain(one) for one in classes], "due": list(over)})
        return
    for one in classes:
        click.echo(f"{one.years:>2} years  {one.entries:>8,} entries, due from {one.oldest_due:%Y-%m-%d} to {one.newest_due:%Y-%m-%d}")
    for who in over:
        click.echo(f"Nothing asks for {who} any more: `mlgov audit erase {who} --reason 'retention is over'`.")

"""`mlgov audit log|verify`: the trail."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, opened, say_json, workspace_option
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.facts import plain


@click.group()
def audit() -> None:
    """Read and verify the trail."""


@audit.command()
@workspace_option
@format_option()
@click.option("--action", multiple=True, help="Only these actions, for instance promotion.decided; may be given again.")
@click.option("--last", type=click.IntRange(min=1), help="Only the last N entries.")
def log(folder: Path | None, style: str, action: tuple[str, ...], last: int | None) -> None:
    """Every act, as a sentence, oldest first."""
    entries = list(opened(folder).journal.entries(actions=action))
    entries = entries[-last:] if last else entries
    if style == "json":
        say_json([plain(entry) for entry in entries])
        return
    for entry in entries:
        click.echo(f"{entry.seq:>6}  {stamp(entry.time)[:19]}Z  {entry}")


@audit.command()
@workspace_option
@format_option()
@click.pass_context
def verify(ctx: click.Context, folder: Path | None, style: str) -> None:
    """Recompute every digest of the trail. Exit code 1 when an entry was changed, and its number is named."""
    verification = opened(folder).audit()
    if style == "json":
        say_json(plain(verification))
    else:
        click.echo(f"{'✓' if verification.ok else '✕'} {verification}")
    ctx.exit(0 if verification.ok else 1)

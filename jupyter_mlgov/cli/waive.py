"""`mlgov waive`: ask to lift a check for a while, answer somebody who did, and see what is lifted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, say_json, workspace_option
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.workspace.waiving import Standing, Wish


@click.command()
@click.argument("waives", required=False, metavar="[VALIDATOR|CONTROL]")
@click.option("--reason", default="", help="Why it is bearable; it stands in the trail.")
@click.option("--limit", default="", help="What compensates for it: less traffic, a manual check, a smaller book.")
@click.option("--until", default="", help="The last day it lifts anything (2026-12-31), at most 90 days away.")
@click.option("--scope", type=click.Choice(["version", "model"]), default="version", show_default=True, help="This version, or every one.")
@click.option("--approve", type=int, metavar="NUMBER", help="Say yes to waiver NUMBER that somebody else asked for.")
@click.option("--refuse", type=int, metavar="NUMBER", help="Say no to it, for good.")
@click.option("--withdraw", type=int, metavar="NUMBER", help="Take back your own.")
@click.option("--comment", "-m", default="", help="With --approve or --refuse.")
@workspace_option
@notebook_option
@format_option()
def waive(
    waives: str | None,
    reason: str,
    limit: str,
    until: str,
    scope: str,
    approve: int | None,
    refuse: int | None,
    withdraw: int | None,
    comment: str,
    folder: Path | None,
    notebook: str | None,
    style: str,
) -> None:
    """Ask to lift a check or control for a while; without arguments, list what was asked for. Nothing is lifted before others said yes.

    \b
    mlgov waive fair.air --reason "…" --limit "traffic below 5%" --until 2026-12-31
    mlgov waive --approve 41 -m "read it"
    """
    from jupyter_mlgov.workspace import waiving

    workspace = opened(folder)
    name = workspace.notebook(notebook)
    found: tuple[Standing, ...]
    acts = [act for act in (waives, approve, refuse, withdraw) if act is not None]
    if len(acts) > 1:
        raise UsageError("One thing at a time.", expected="Expected a validator, --approve, --refuse or --withdraw.")
    if waives:
        wish = Wish(waives=waives, reason=reason, limit=limit, until=until, scope=cast("Literal['version', 'model']", scope))
        found = (waiving.ask(workspace, name, wish),)
    elif withdraw is not None:
        found = (waiving.withdraw(workspace, name, withdraw),)
    elif approve is not None or refuse is not None:
        verdict: Literal["approve", "refuse"] = "approve" if approve is not None else "refuse"
        found = (waiving.answer(workspace, name, approve if approve is not None else refuse or 0, verdict, comment),)
    else:
        found = waiving.standings(workspace, name)
    if style == "json":
        say_json([plain(one) for one in found])
        return
    click.echo("\n".join(line(one) for one in found) or "No waiver was ever asked for.")


def line(standing: Standing) -> str:
    """One waiver in a line."""
    from jupyter_mlgov.reports.clean import visible

    mark = "✓" if not standing.objection else "·"
    told = f" Lifts nothing now: {standing.objection}." if standing.objection else ""
    return visible(f"{mark} {standing.number}  {standing.waiver.sentence}.{told}", limit=2000)

"""`mlgov portfolio`: all models at once, now or as they stood on any day before; and the entries behind each figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.cli.options import colour, format_option, opened, opened_or_made, progress, say_json, width, workspace_option
from jupyter_mlgov.core.dates import moment_of
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.facts import fields_of

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.inventory import Imported

_as_of = click.option(
    "--as-of", "day", default="", metavar="DATE", help="As it stood at the end of that day (UTC), or at a time with its zone; default: now."
)


@click.group(invoke_without_command=True)
@_as_of
@click.option("--top", default=20, show_default=True, type=click.IntRange(0, 100_000), help="How many models, findings, reviews to list.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of printing.")
@workspace_option
@format_option("csv", "html")
@click.pass_context
def portfolio(ctx: click.Context, day: str, top: int, out: Path | None, folder: Path | None, style: str) -> None:
    """Inventory, where to look first, what models share, and the figures, all from the trail.

    \b
    mlgov portfolio
    mlgov portfolio --as-of 2026-06-30 --format html --out portfolio.html
    mlgov portfolio --format csv --out inventory.csv
    mlgov portfolio entries rollback-success
    """
    if ctx.invoked_subcommand is not None:
        if day or out is not None or style != "text":
            verb = ctx.invoked_subcommand
            raise UsageError(f"What comes before `{verb}` is not for it.", next=f"Write it behind: `mlgov portfolio {verb} …`.")
        return
    from jupyter_mlgov.workspace.portfolio import point
    from jupyter_mlgov.workspace.portfolio import portfolio as whole

    workspace = opened(folder)
    at = point(workspace, moment_of(day), progress=_folding)
    _give(_shown(whole(at, workspace, top=top, inventory=style != "text"), style), out, style)


@portfolio.command()
@click.argument("figure")
@_as_of
@click.option("--offset", default=0, type=click.IntRange(0), help="How many of the newest to pass over.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many to list.")
@workspace_option
@format_option()
def entries(figure: str, day: str, offset: int, limit: int, folder: Path | None, style: str) -> None:
    """What FIGURE came from: every entry that added to it, the newest first."""
    from jupyter_mlgov.reports.portfolio.text import entries_text
    from jupyter_mlgov.workspace.portfolio import came_from, figures, point

    at = point(opened(folder), moment_of(day), progress=_folding)
    found, total = came_from(at, figure, offset=offset, limit=limit)
    chosen = next(one for one in figures(at) if one.id == figure)
    if style == "json":
        say_json({"figure": fields_of(chosen), "total": total, "counts": [fields_of(one) for one in found]})
    else:
        click.echo(entries_text(chosen, found, total, width=width()))


@portfolio.command()
@_as_of
@workspace_option
@format_option()
def figures(day: str, folder: Path | None, style: str) -> None:
    """The figures alone, each with its denominator and what it means."""
    from jupyter_mlgov.reports.portfolio.words import basis, value
    from jupyter_mlgov.workspace.portfolio import figures as counted
    from jupyter_mlgov.workspace.portfolio import point

    found = counted(point(opened(folder), moment_of(day), progress=_folding))
    if style == "json":
        say_json([fields_of(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.id}: {value(one)}\n    {basis(one)}\n    {one.says} Source: {one.source}.")


@portfolio.command(name="import")
@click.option("--csv", "file", type=click.Path(path_type=Path, dir_okay=False), help="A CSV with a header: model, owner, purpose, …")
@click.option("--mlflow", "uri", default="", metavar="URI", help="An MLflow registry; it is only read.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be imported, and write nothing.")
@workspace_option
@format_option()
def import_(file: Path | None, uri: str, dry: bool, folder: Path | None, style: str) -> None:
    """Take models of a CSV or of an MLflow registry into the inventory, as declared. All of it or, where a row is wrong, nothing."""
    from jupyter_mlgov.workspace.inventory import import_csv, import_mlflow

    if bool(uri) == (file is not None):
        raise UsageError("Import from where?", expected="Expected `--csv FILE` or `--mlflow URI`.")
    workspace = opened_or_made(folder)
    found = import_csv(workspace, file, dry=dry) if file is not None else import_mlflow(workspace, uri, dry=dry)
    _say_imported(found, style)


@portfolio.command()
@click.argument("model")
@click.argument("fields", nargs=-1, metavar="FIELD=TEXT ...")
@workspace_option
@format_option()
def declare(model: str, fields: tuple[str, ...], folder: Path | None, style: str) -> None:
    """Declare fields of MODEL's inventory entry yourself; `FIELD=` takes one away. Earlier words stay in the trail."""
    from jupyter_mlgov.workspace.inventory import declare as put

    odd = [one for one in fields if "=" not in one]
    if odd:
        raise UsageError(f'"{odd[0]}" declares nothing.', expected="Expected for instance `owner=ana@firm.example`.")
    _say_imported(put(opened(folder), model, {name: text for name, _, text in (one.partition("=") for one in fields)}), style)


def _say_imported(found: Imported, style: str) -> None:
    if style == "json":
        say_json(fields_of(found))
        return
    from jupyter_mlgov.reports.clean import visible

    for note in found.notes:
        click.echo(visible(note), err=True)
    verb = "declared" if found.written else "would be declared" if found.models else "declared"
    click.echo(f"{found.models:,} models {verb}, {found.unchanged:,} unchanged.")


@portfolio.command()
@workspace_option
@format_option()
def rebuild(folder: Path | None, style: str) -> None:
    """Drop what was folded from the trail and fold it again, from the first entry. Nothing is lost: the trail has it all."""
    from jupyter_mlgov.workspace.portfolio import fold_again

    number = fold_again(opened(folder), progress=_folding)
    if style == "json":
        say_json({"entries": number})
    else:
        click.echo(f"{number:,} entries are folded.")


def _shown(one: object, style: str) -> str:
    import json
    from typing import cast

    from jupyter_mlgov.monitoring.portfolio.whole import Portfolio
    from jupyter_mlgov.reports.portfolio.page import page
    from jupyter_mlgov.reports.portfolio.table import csv_text
    from jupyter_mlgov.reports.portfolio.text import text

    found = cast("Portfolio", one)
    if style == "html":
        return page(found)
    if style == "csv":
        return csv_text(found.inventory)
    if style == "json":
        return json.dumps(fields_of(found), indent=2, ensure_ascii=True) + "\n"
    return text(found, width=width(), colour=colour()) + "\n"


def _give(shown: str, out: Path | None, style: str) -> None:
    from jupyter_mlgov.core.errors import StorageProblem

    if out is None:
        click.echo(shown, nl=False)
        return
    try:
        out.write_text(shown, "utf-8", newline="")
    except OSError as error:
        raise StorageProblem(f"{out} cannot be written: {error.strerror or error}.", next="Name another file.") from None
    click.echo(f"{out} written ({style}).", err=True)


def _folding(done: int, total: int) -> None:
    progress(done, total, "entries of the trail folded")

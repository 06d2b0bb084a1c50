"""`mlgov diff A B`: what differs between two tables, files, folders or recorded states."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, format_option, notebook_option, opened, say_json, width, workspace_option


@click.command()
@click.argument("left")
@click.argument("right")
@workspace_option
@notebook_option
@format_option()
@click.option("--schema", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Types of CSV files: a Parquet file, or JSON.")
@click.option("--any-order", is_flag=True, help="The order of rows does not count.")
@click.option("--rows", type=click.IntRange(min=0, max=1000), default=10, show_default=True, help="How many differing rows to name.")
@click.option("--values", type=click.IntRange(min=0, max=1000), default=0, help="Print the first N differing values of each column.")
@click.pass_context
def diff(
    ctx: click.Context,
    left: str,
    right: str,
    folder: Path | None,
    notebook: str | None,
    style: str,
    schema: Path | None,
    any_order: bool,
    rows: int,
    values: int,
) -> None:
    """What differs between LEFT and RIGHT: files, folders, Delta tables, run:NAME for a recorded table. Exit 0 same, 1 different."""
    from jupyter_mlgov.core.facts import plain
    from jupyter_mlgov.workspace.comparing import Wish, difference

    wish = Wish(schema=schema, ordered=not any_order, most=rows, values=values)
    found = difference(left, right, wish, lambda: opened(folder), notebook)
    if style == "json":
        say_json(plain(found))
    else:
        from jupyter_mlgov.reports.difference import difference_text

        click.echo(difference_text(found, colour=colour(), width=width()))
    ctx.exit(0 if found.same else 1)

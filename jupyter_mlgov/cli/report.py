"""`mlgov report`: the last report of a notebook, or a version of a model written for a reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlgov.cli.options import all_option, colour, notebook_option, opened, width, workspace_option
from jupyter_mlgov.core.errors import BadInput, NotReady, StorageProblem

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.writing import Order

READERS = ("regulator", "validator", "engineer", "customer")
FORMATS = ("text", "json", "html", "pdf", "docx", "csv", "md", "sarif", "cyclonedx", "intoto", "zip")


@click.command()
@click.argument("model", required=False)
@workspace_option
@notebook_option
@click.option("--for", "reader", type=click.Choice(READERS), help="Who reads it; chooses the documents.  [default: engineer]")
@click.option(
    "--document", help="One document instead: development, validation, annex-iv, ropa, dpia, fria, customer, matrix, matrix-back."
)
@click.option("--since", default="", help="What changed since this earlier VERSION (or MODEL@VERSION).")
@click.option(
    "--check-bom", type=click.Path(path_type=Path, dir_okay=False), help="Only say whether FILE is a valid CycloneDX BOM in JSON."
)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to write it.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the screen.")
@all_option
@click.pass_context
def report(
    ctx: click.Context,
    model: str | None,
    folder: Path | None,
    notebook: str | None,
    reader: str | None,
    document: str | None,
    since: str,
    check_bom: Path | None,
    style: str,
    output: Path | None,
    whole: bool,
) -> None:
    """Show or write the last report; with MODEL or MODEL@VERSION, what a reader needs to judge that version.

    \b
    mlgov report --format html -o report.html
    mlgov report credit-approval@1 --for validator --format pdf
    mlgov report credit-approval@1 --document matrix --format csv -o matrix.csv
    mlgov report credit-approval@2 --since 1
    mlgov report credit-approval@1 --for regulator --format zip
    mlgov report --check-bom bom.json

    Without MODEL the exit code is that of `validate`; with it 0 means that the document was written, gaps and all.
    """
    if check_bom is not None:
        if model or reader or document or since:
            raise click.UsageError("--check-bom looks at one file and nothing else.")
        _check(check_bom)
        return
    if model is None:
        if reader or document or since:
            raise click.UsageError("--for, --document and --since are about a version of a model: name MODEL or MODEL@VERSION.")
        ctx.exit(_last(folder, notebook, style, output, whole=whole))
    if style == "zip" and (reader or "regulator") != "regulator":
        raise click.UsageError("The bundle is the regulator's: `--for regulator --format zip`.")
    from jupyter_mlgov.workspace.writing import Order

    order = Order(name=model, audience=reader or "engineer", kind=document or "", style=style, since=since, width=width())
    _write(order, folder, output)


def _check(path: Path) -> None:
    from jupyter_mlgov.integrations.cyclonedx import check_bom

    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from None
    click.echo(f"✓ {path} is a valid CycloneDX {check_bom(content)} BOM.")


def _last(folder: Path | None, notebook: str | None, style: str, output: Path | None, *, whole: bool) -> int:
    from jupyter_mlgov.cli.showing import exit_code, show

    if style not in ("text", "json", "html", "sarif"):
        raise click.UsageError(f"The last report of a notebook is not written as {style}: name MODEL or MODEL@VERSION.")
    workspace = opened(folder)
    name = workspace.notebook(notebook)
    found = workspace.report(name)
    if found is None:
        raise NotReady(f"There is no report on {name} yet.", next="Ask for one: `mlgov validate`.")
    show(found, style, output, whole=whole, workspace=workspace, notebook=name)
    return exit_code(found)


def _write(order: Order, folder: Path | None, output: Path | None) -> None:
    from dataclasses import replace

    from jupyter_mlgov.workspace.writing import BINARY, write

    to_screen = output is None and order.style not in BINARY
    name, content = write(opened(folder), replace(order, colour=to_screen and colour()))
    if to_screen:
        click.echo(content.decode(), nl=False)
        return
    path = output or Path(name)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file with --output.") from None
    click.echo(f"Wrote {path} ({len(content):,} bytes).", err=True)

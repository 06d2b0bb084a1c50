"""`mlgov report`: the last report of a notebook, or a version of a model written for a reader."""

from __future__ import annotations

from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, notebook_option, opened, width, workspace_option
from jupyter_mlgov.core.errors import NotReady, StorageProblem

READERS = ("regulator", "validator", "engineer", "customer")
FORMATS = ("text", "json", "html", "pdf", "docx", "csv", "sarif")


@click.command()
@click.argument("model", required=False)
@workspace_option
@notebook_option
@click.option("--for", "reader", type=click.Choice(READERS), help="Who reads it; chooses the documents.  [default: engineer]")
@click.option(
    "--document", help="One document instead: development, validation, annex-iv, ropa, dpia, fria, customer, matrix, matrix-back."
)
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="How to write it.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the screen.")
@click.pass_context
def report(
    ctx: click.Context,
    model: str | None,
    folder: Path | None,
    notebook: str | None,
    reader: str | None,
    document: str | None,
    style: str,
    output: Path | None,
) -> None:
    """Show or write the last report; with MODEL or MODEL@VERSION, what a reader needs to judge that version.

    \b
    mlgov report --format html -o report.html
    mlgov report credit-approval@1 --for validator --format pdf
    mlgov report credit-approval@1 --document matrix --format csv -o matrix.csv

    Without MODEL the exit code is that of `validate`; with it 0 means that the document was written, gaps and all.
    """
    if model is None:
        if reader or document:
            raise click.UsageError("--for and --document are about a version of a model: name MODEL or MODEL@VERSION.")
        ctx.exit(_last(folder, notebook, style, output))
    _write(model, folder, reader, document, style, output)


def _last(folder: Path | None, notebook: str | None, style: str, output: Path | None) -> int:
    from jupyter_mlgov.cli.showing import exit_code, show

    if style not in ("text", "json", "html", "sarif"):
        raise click.UsageError(f"The last report of a notebook is not written as {style}: name MODEL or MODEL@VERSION.")
    workspace = opened(folder)
    name = workspace.notebook(notebook)
    found = workspace.report(name)
    if found is None:
        raise NotReady(f"There is no report on {name} yet.", next="Ask for one: `mlgov validate`.")
    show(found, style, output, workspace=workspace, notebook=name)
    return exit_code(found)


def _write(model: str, folder: Path | None, reader: str | None, document: str | None, style: str, output: Path | None) -> None:
    from jupyter_mlgov.workspace.writing import BINARY, Order, write

    to_screen = output is None and style not in BINARY
    order = Order(
        name=model,
        audience=reader or "engineer",
        kind=document or "",
        style=style,
        colour=to_screen and colour(),
        width=width(),
    )
    name, content = write(opened(folder), order)
    if to_screen:
        click.echo(content.decode(), nl=False)
        return
    path = output or Path(name)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file with --output.") from None
    click.echo(f"Wrote {path} ({len(content):,} bytes).", err=True)

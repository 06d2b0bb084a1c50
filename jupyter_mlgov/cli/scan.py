"""`mlgov scan`: secrets, personal data and unsafe code in what goes into git."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.core.verdicts import Verdict


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--staged", is_flag=True, help="Look at what the next commit holds, as git has it in its index.")
@click.option("--strict", is_flag=True, help="What only warns blocks as well.")
@click.option("--only", multiple=True, help="Run only this validator; default: code.sast and priv.pii.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the screen.")
@format_option("sarif")
@click.pass_context
def scan(
    ctx: click.Context, /, paths: tuple[Path, ...], staged: bool, strict: bool, only: tuple[str, ...], output: Path | None, style: str
) -> None:
    """Look for secrets, personal data and unsafe code in notebooks (source and outputs), code, texts and the names of files.

    \b
    mlgov scan loans.ipynb src/
    mlgov scan --staged          as a git hook; with pre-commit, see docs/users/cli.md

    Exit codes: 0 clear, 1 blocked, 2 wrong usage, 3 could not check.
    """
    from jupyter_mlgov.integrations.git import staged_content, staged_files
    from jupyter_mlgov.reports.scanned import json_of, sarif_of, spots, text_of
    from jupyter_mlgov.reports.scanned import verdict as verdict_of
    from jupyter_mlgov.workspace.scanning import files_in, from_disk
    from jupyter_mlgov.workspace.scanning import scan as look

    if bool(paths) == staged:
        raise click.UsageError("Name files or folders, or say --staged.")
    folder = Path.cwd()
    names = staged_files(folder) if staged else files_in(paths)
    if not names:
        click.echo("Nothing to look at." if staged else "There is no file in what was named.", err=True)
        ctx.exit(0 if staged else 3)
    found = look(names, partial(staged_content, folder) if staged else from_disk, folder, only)
    told = spots(found.report, found.unread)
    if style == "text":
        body = text_of(told, found.files, len(found.pictures))
    else:
        value = sarif_of(told, found.report) if style == "sarif" else json_of(told, found.report, found.files, found.pictures)
        body = json.dumps(value, indent=2, ensure_ascii=False)
    _show(body, output)
    ctx.exit(_code(verdict_of(told, found.report), strict=strict))


def _code(verdict: Verdict, *, strict: bool) -> int:
    if verdict is Verdict.FAIL or (strict and verdict is Verdict.WARN):
        return 1
    return 0 if verdict.opens else 3


def _show(body: str, output: Path | None) -> None:
    if output is None:
        click.echo(body)
        return
    try:
        output.write_text(body + "\n", "utf-8")
    except OSError as error:
        raise StorageProblem(f"{output} cannot be written: {error.strerror or error}.", next="Name another file with --output.") from None
    click.echo(f"Wrote {output}", err=True)

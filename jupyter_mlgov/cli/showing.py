"""One report on a screen or in a file, and the exit code that says the same."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jupyter_mlgov.cli.options import colour, width
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.bundle import Context
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.workspace import Workspace


def exit_code(report: Report) -> int:
    """0 clear, 1 blocked (a check failed), 3 could not check (a grave check could not tell, or broke)."""
    blocking = report.blocking
    if any(result.verdict is Verdict.FAIL for result in blocking):
        return 1
    return 3 if blocking or not report.results else 0


ALL = "Every number, limit and source: the same command with --all, or --format html."


def show(
    report: Report, style: str, output: Path | None, *, whole: bool = False, workspace: Workspace | None = None, notebook: str = ""
) -> None:
    """Print or write `report` as text, json, html or sarif. Text is what one look takes in, or the `whole`; every other form is whole.

    Raises StorageProblem when the file cannot be written.
    """
    context = workspace.context(report, notebook) if workspace else Context()
    body = render(report, style, context, to_screen=output is None, whole=whole)
    if output is None:
        click.echo(body)
        return
    try:
        output.write_text(body + "\n", "utf-8")
    except OSError as error:
        raise StorageProblem(f"{output} cannot be written: {error.strerror or error}.", next="Name another file with --output.") from None
    click.echo(f"Wrote {output}", err=True)


def render(report: Report, style: str, context: Context, *, to_screen: bool, whole: bool = False) -> str:
    """The report in one of the forms, as text."""
    if style == "json":
        return json.dumps(report_json(report), indent=2, ensure_ascii=False)
    if style == "sarif":
        from jupyter_mlgov.reports.sarif import sarif

        return json.dumps(sarif(report), indent=2, ensure_ascii=False)
    if style == "html":
        from jupyter_mlgov.reports.html import page

        return page(report, context)
    from jupyter_mlgov.reports.glance import glance
    from jupyter_mlgov.reports.text import text

    painted = to_screen and colour()
    if whole:
        return text(report, context, colour=painted, width=width())
    return glance(report, context, colour=painted, width=width(), more=ALL)

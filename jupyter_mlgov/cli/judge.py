"""`mlgov judge STAGE`: the verdict as one word that a pipeline can branch on."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, progress, say_json, workspace_option
from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.promotion.facts import Answer

WORDS = {Answer.GRANTED: "pass", Answer.AWAITING_REVIEW: "review", Answer.REFUSED: "fail"}


@click.command()
@click.argument("stage")
@workspace_option
@notebook_option
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="A file for the word alone.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="A file for the report, as HTML.")
@click.option("--metrics", type=click.Path(path_type=Path, dir_okay=False), help="A file for the recorded metrics, as JSON.")
@format_option()
def judge(
    stage: str, folder: Path | None, notebook: str | None, write: Path | None, report: Path | None, metrics: Path | None, style: str
) -> None:
    """Validate, and say how the gate of STAGE would answer now: `pass`, `review` (only a review is missing) or `fail`.

    Nothing is asked for and nothing moves: `mlgov promote` asks. Exit code 0 whatever the word is, 3 where none could be found.
    """
    from jupyter_mlgov.reports.html import page

    workspace = opened(folder)
    name = workspace.notebook(notebook)
    workspace.team_for(name).gate(stage)
    judged = workspace.judge(name, progress).report
    decision = workspace.why(stage, name)
    word = WORDS[decision.answer]
    if report is not None:
        _write(report, page(judged, workspace.context(judged, name)))
    if metrics is not None:
        _write(metrics, json.dumps(dict(workspace.lineage(name).metrics), sort_keys=True))
    if write is not None:
        _write(write, word)
    if style == "json":
        say_json({"gate": word, "stage": stage, "reasons": [one.sentence for one in decision.reasons]})
        return
    click.echo(word)
    for one in decision.reasons:
        click.echo(f"! {one.sentence}", err=True)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file.") from None

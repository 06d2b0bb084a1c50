"""`mlgov answer CONTROL`: the questions of an assisted or human control, answered at the prompt or from a file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from jupyter_mlgov.cli.options import format_option, notebook_option, opened, say_json, workspace_option
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.core.facts import fields_of


@click.command()
@click.argument("control")
@workspace_option
@notebook_option
@click.option("--from", "source", type=click.Path(path_type=Path, dir_okay=False), help='A TOML file: one `question = "answer"` a line.')
@click.option("--show", is_flag=True, help="Only show the questions and what was answered.")
@format_option()
def answer(control: str, folder: Path | None, notebook: str | None, source: Path | None, show: bool, style: str) -> None:
    """Answer what CONTROL asks people, about the model as it is now. Your name and the time go into the trail with it.

    \b
    mlgov answer SR26-2.V.2
    mlgov answer SR26-2.V.2 --from answers.toml
    mlgov answer DOC.development --from answers.toml     (what only people can write in a document; any part of it)
    """
    workspace = opened(folder)
    name = workspace.notebook(notebook)
    from jupyter_mlgov.reports.clean import visible

    asked = workspace.questions(control, name)
    if show:
        if style == "json":
            say_json(fields_of(asked))
            return
        click.echo(f"{asked.control}  {asked.cite}\n{asked.obligation}\n")
        for one in asked.questions:
            said = asked.answered.answers.get(one.id, "") if asked.answered else ""
            click.echo(f"{one.id}: {one.text}\n    {visible(said) or '(not answered about this model)'}")
        return
    if source:
        given = _read(source)
    else:
        click.echo(f"{asked.control}  {asked.cite}\n{asked.obligation}\n", err=True)
        given = {one.id: click.prompt(one.text, default="", show_default=False, err=True) for one in asked.questions}
    form = workspace.answer(control, given, name)
    if style == "json":
        say_json(fields_of(form))
        return
    click.echo(f"{form.actor} answered {control}; entry {form.entry.short if form.entry else ''}. {_then(control)}")


def _then(control: str) -> str:
    return "`mlgov report MODEL` shows it." if control.startswith("DOC.") else "`mlgov validate` takes it into the report."


def _read(path: Path) -> dict[str, str]:
    try:
        body = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.", expected='Expected TOML: `purpose = "…"`.', next="Mend the file.") from None
    wrong = [name for name, value in body.items() if not isinstance(value, (str, bool))]
    if wrong:
        raise BadInput(f"{path}: {wrong[0]} is no text.", expected='Expected `question = "answer"`.', next="Mend the file.")
    return {name: ("yes" if value else "no") if isinstance(value, bool) else value for name, value in body.items()}

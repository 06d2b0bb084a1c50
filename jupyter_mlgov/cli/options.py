"""What every verb shares: --workspace, --format, colours, and the way to say things."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.settings import QUIET, Settings
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.composition import open_workspace

Command = TypeVar("Command", bound=Callable[..., Any])


def quiet_tools() -> None:
    """Switch off the telemetry of every tool we may start, unless the operator set the switch himself."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def workspace_option(command: Command) -> Command:
    """`--workspace DIR`."""
    return click.option(
        "--workspace",
        "-w",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="The workspace; default: the nearest parent folder that has one.",
    )(command)


def notebook_option(command: Command) -> Command:
    """`--notebook PATH`."""
    return click.option("--notebook", "-n", help="The notebook meant; default: the team file's, else the last one that ran.")(command)


def all_option(command: Command) -> Command:
    """`--all`: the whole report as text."""
    return click.option("--all", "whole", is_flag=True, help="Text with every number, limit and source, not what one look takes in.")(
        command
    )


def format_option(*more: str) -> Callable[[Command], Command]:
    """`--format text|json`, and `more` where a verb has them."""

    def add(command: Command) -> Command:
        choice = click.Choice(["text", "json", *more])
        return click.option("--format", "style", type=choice, default="text", show_default=True, help="How to print it.")(command)

    return add


def opened(folder: Path | None) -> Workspace:
    """The workspace meant by the command line, the environment or the current folder. Raises NotReady for none."""
    return open_workspace(folder, Settings.from_environment(os.environ), Path.cwd())


def opened_or_made(folder: Path | None) -> Workspace:
    """The workspace meant; where there is none, one in the named or current folder (a fresh clone has no record yet)."""
    try:
        return opened(folder)
    except NotReady:
        workspace = Workspace.create(folder or Path.cwd(), Settings.from_environment(os.environ))
        click.echo(f"mlgov: made a new workspace in {workspace.root}", err=True)
        return workspace


def say_json(value: object) -> None:
    """Print one JSON value, readable; only what nobody sees (controls, bidi overrides) is escaped, as JSON itself escapes."""
    from jupyter_mlgov.reports.clean import unseen

    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo("".join(json.dumps(letter)[1:-1] if letter != "\n" and unseen(letter) else letter for letter in text))


def colour() -> bool:
    """Colours only on a terminal, and not when NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def width() -> int:
    """Columns of the screen, 120 at most."""
    import shutil

    return min(shutil.get_terminal_size((100, 40)).columns, 120)


def progress(done: int, total: int, what: str) -> None:
    """One line that is rewritten, on a terminal only."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done >= total else ""
        click.echo(f"\r\x1b[K  {done}/{total} {what}{end}", err=True, nl=False)


def saying(line: str) -> None:
    """What is going on, in one line that the next one replaces; on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K  {line}", err=True, nl=False)

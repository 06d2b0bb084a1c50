"""One thing that was looked at, and how a shell command that mends it is written."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from shlex import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was looked at, whether it is fine, what was found, what that means, and the command that mends it, ready for a shell.

    A thing that could not be looked at is not fine. `command` is empty where no command can know what to do; `next` then says it.
    """

    what: str
    fine: bool
    found: str
    next: str = ""
    command: str = ""


def install(requirement: str, *, python: str = "", pip: bool | None = None, more: str = "") -> str:
    """The command that installs `requirement` for `python` (default: ours): with its own pip, or with uv where it has none."""
    chosen = quote(python or sys.executable)
    with_pip = find_spec("pip") is not None if pip is None else pip
    words = f"{chosen} -m pip install" if with_pip else f"uv pip install --python {chosen}"
    return f'{words} {more}{" " if more else ""}"{requirement}"'

"""A notebook's cells as one Python program, line by line, so that tools for Python can read it and every line knows its cell.

One program a file: a name imported in cell 1 and used in cell 5 is still that name. A line that is not Python (a magic, a shell
command) becomes `pass` in its place; what it was is kept beside. A cell that Python cannot parse is left out, and said.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from jupyter_mlgov.sdk import Text

# Cell magics whose body is Python. The body of any other is some other language.
PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun", "mlgov", "memit", "mprun", "lprun", "python", "python3", "pypy"})
SHELL_MAGICS = frozenset({"bash", "sh", "script", "system", "sx", "!", "cmd", "zsh"})
_MAGIC = re.compile(r"^(?P<indent>\s*)(?:(?P<target>[\w, .\[\]'\"]+?)\s*=\s*)?(?P<sign>%%|%|!!|!)(?P<rest>.*)$")
_HELP = re.compile(r"^\s*\??\??[\w.*%]+\?{1,2}\s*$|^\s*\?{1,2}[\w.*%]+\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a text: the text and the line within its own cell or file."""

    text: Text
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line that is no Python: `sign` is `!` for the shell, `%` for a magic; `words` what follows it."""

    sign: str
    words: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One file's cells as Python. Line n of `source` is `places[n - 1]`. `unparsed` and `foreign` were not read as Python."""

    path: str
    source: str
    places: tuple[Place, ...]
    commands: tuple[Command, ...]
    unparsed: tuple[Place, ...]
    foreign: tuple[tuple[Text, str], ...]

    @property
    def tree(self) -> ast.Module:
        return parse(self.source)

    def at(self, line: int) -> Place:
        return self.places[min(max(line, 1), len(self.places)) - 1]


def parse(source: str) -> ast.Module:
    """Parse without the warnings Python has about the code of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def is_code(text: Text) -> bool:
    """Source of a code cell or a Python file; a text that does not say its kind is taken for code unless it is called an output."""
    return text.kind == "code" or (text.kind == "" and not text.where.startswith("output"))


def programs(texts: Iterable[Text]) -> Iterator[Program]:
    """One program for each file among `texts`, its code cells in order."""
    ordered = sorted((text for text in texts if is_code(text)), key=lambda text: text.path)
    for path, same in groupby(ordered, key=lambda text: text.path):
        yield _program(path, list(same))


def _program(path: str, texts: list[Text]) -> Program:
    lines: list[str] = []
    places: list[Place] = []
    commands: list[Command] = []
    unparsed: list[Place] = []
    foreign: list[tuple[Text, str]] = []
    for text in texts:
        python, told, other = python_lines(text)
        commands += told
        if other:
            foreign.append((text, other))
            continue
        try:
            parse("\n".join(python))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            unparsed.append(Place(text=text, line=text.line + max((getattr(error, "lineno", 1) or 1) - 1, 0)))
            continue
        lines += python
        places += [Place(text=text, line=text.line + number) for number in range(len(python))]
    source = "\n".join(lines) + "\n"
    return Program(
        path=path, source=source, places=tuple(places), commands=tuple(commands), unparsed=tuple(unparsed), foreign=tuple(foreign)
    )


def python_lines(text: Text) -> tuple[list[str], list[Command], str]:
    """(lines of Python, one for each line of the cell; the commands among them; the name of another language, or empty)."""
    lines = re.split(r"\r\n|\r|\n", text.content)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    head = re.match(r"\s*%%(!|\w+)(.*)", lines[first])
    if head and head[1] not in PYTHON_MAGICS:
        return [], list(_body(text, head[1], lines, first)), head[1]
    if not head and _parses(text.content):
        return lines, [], ""
    return _without_magics(text, lines)


def _parses(source: str) -> bool:
    try:
        parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _body(text: Text, magic: str, lines: list[str], first: int) -> Iterator[Command]:
    for number, line in enumerate(lines):
        if number > first and line.strip():
            yield Command(sign="!" if magic in SHELL_MAGICS else f"%%{magic}", words=line.strip(), place=_place(text, number))


def _without_magics(text: Text, lines: list[str]) -> tuple[list[str], list[Command], str]:
    python: list[str] = []
    told: list[Command] = []
    goes_on = False
    for number, line in enumerate(lines):
        found = _MAGIC.match(line)
        if goes_on:
            told[-1] = Command(sign=told[-1].sign, words=f"{told[-1].words} {line.strip()}", place=told[-1].place)
            python.append("")
        elif found and not _is_operator(python, line):
            words = found["rest"].strip()
            told.append(Command(sign=found["sign"][0], words=words, place=_place(text, number)))
            python.append(f"{found['indent']}{found['target']} = None" if found["target"] else f"{found['indent']}pass")
        elif _HELP.match(line):
            python.append("pass")
        else:
            python.append(line)
            continue
        goes_on = line.rstrip().endswith("\\")
        if goes_on:
            told[-1] = Command(sign=told[-1].sign, words=told[-1].words.rstrip("\\").strip(), place=told[-1].place) if told else told[-1]
    return python, told, ""


def _is_operator(before: list[str], line: str) -> bool:
    """Is the `%` at the start of this line the operator of an expression that began above?"""
    if not line.lstrip().startswith("% "):
        return False
    return bool(before) and before[-1].rstrip().endswith(("(", ",", "\\", "'", '"'))


def _place(text: Text, number: int) -> Place:
    return Place(text=text, line=text.line + number)

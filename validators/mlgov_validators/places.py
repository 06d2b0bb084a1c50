"""Where in a notebook or file something stands: the cell and the line a reader looks for."""

from __future__ import annotations

from jupyter_mlgov.sdk import Text


def line_of(text: Text, start: int) -> int:
    """The line, from 1, of the character at `start`, in the text's own cell or file."""
    return text.line + text.content.count("\n", 0, start)


def place(text: Text, line: int) -> str:
    """`cell [14], line 3`; one line alone needs no number."""
    return f"{text.where}, line {line}" if line > 1 or "\n" in text.content.rstrip("\n") else text.where


def place_details(text: Text, line: int) -> dict[str, object]:
    """The same for machines: path, cell (0 where there is none), line."""
    return {"path": text.path, "cell": text.cell, "line": line, "part": text.kind}


def begins(text: Text, line: int) -> str:
    """The same at the start of a sentence; the name of a file keeps its case."""
    where = place(text, line)
    return where if text.path and where.startswith(text.path) else where[:1].upper() + where[1:]

"""Lines for a terminal: plain colour codes when asked, wrapping by what letters really take, no box drawing."""

from __future__ import annotations

import unicodedata

from jupyter_mlgov.core.verdicts import Verdict

PAINT = {
    Verdict.PASS.value: "32",
    Verdict.WARN.value: "33",
    Verdict.FAIL.value: "31",
    Verdict.ERROR.value: "31",
    Verdict.INCONCLUSIVE.value: "35",
    Verdict.NOT_APPLICABLE.value: "2",
    "bold": "1",
    "soft": "2",
    "go": "1;32",
    "no": "1;31",
}


def paint(text: str, role: str, colour: bool) -> str:
    """`text` in the colour of `role`, or as it is when no colour was asked for or the role has none."""
    code = PAINT.get(role, "")
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def columns(text: str) -> int:
    """How many terminal columns `text` takes."""
    return sum(0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, width: int) -> str:
    """`text` with blanks up to `width` columns."""
    return text + " " * max(0, width - columns(text))


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most `width` columns; `first` starts the first line and `rest` (default: as many blanks) the others."""
    hang = " " * columns(first) if rest is None else rest
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        for part in _parts(word, max(8, width - max(columns(hang), columns(first)))):
            if not empty and columns(line) + 1 + columns(part) > width:
                lines.append(line.rstrip())
                line, empty = hang, True
            line, empty = line + ("" if empty else " ") + part, False
    return [*lines, line.rstrip()]


def _parts(word: str, width: int) -> list[str]:
    """`word` cut where it is too long for any line."""
    parts, part = [], ""
    for letter in word:
        if columns(part + letter) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]

"""Lines for a terminal: rich's colours when asked, wrapping by what letters really take, no box drawing."""

from __future__ import annotations

from jupyter_mlgov.core.verdicts import Verdict

# In rich's words; the sixteen colours that every terminal has, so that the user's own palette decides how they look.
PAINT = {
    Verdict.PASS.value: "green",
    Verdict.WARN.value: "yellow",
    Verdict.FAIL.value: "red",
    Verdict.ERROR.value: "red",
    Verdict.INCONCLUSIVE.value: "magenta",
    Verdict.NOT_APPLICABLE.value: "dim",
    "bold": "bold",
    "soft": "dim",
    "go": "bold green",
    "no": "bold red",
}


def paint(text: str, role: str, colour: bool) -> str:
    """`text` in the colour of `role`, or as it is when no colour was asked for or the role has none."""
    style = PAINT.get(role, "")
    if not colour or not style:
        return text
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def columns(text: str) -> int:
    """How many terminal columns `text` takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


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
    if columns(word) <= width:
        return [word]
    parts, part = [], ""
    for letter in word:
        if columns(part + letter) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]

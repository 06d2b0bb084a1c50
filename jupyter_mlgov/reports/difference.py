"""What `mlgov diff` says: which columns or files, how many rows, and no value of anybody's data unless it was asked for."""

from __future__ import annotations

from jupyter_mlgov.lineage.compare import Changed, Difference
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.terminal import columns, pad, paint, wrap

_NAME = 80


def difference_text(found: Difference, *, colour: bool = False, width: int = 100) -> str:
    """The answer in one line, then a line for each column or file."""
    lines = [f"A  {_side(found.left, found.left_rows)}", f"B  {_side(found.right, found.right_rows)}"]
    mark, role = ("✓", "pass") if found.same else ("✕", "fail")
    lines.append(paint(f"{mark} {_answer(found)}", role, colour))
    entries = _entries(found)
    room = min(30, max((columns(name) for name, _ in entries), default=0))
    for name, said in entries:
        lines += wrap(said, max(40, width), first=f"  {pad(name, room)}  ", rest=" " * (room + 4))
    lines += wrap(visible(found.note), max(40, width), first="  ") if found.note else []
    return "\n".join(lines)


def _side(name: str, rows: int) -> str:
    return visible(name, limit=200) + (f"  ({rows:,} {'row' if rows == 1 else 'rows'})" if rows >= 0 else "")


def _answer(found: Difference) -> str:
    if found.same:
        return f"the same content ({found.kind})"
    parts = [_count(found.changed, "changed"), _count(found.added, "new"), _count(found.removed, "gone")]
    parts += [_count(found.renamed, "renamed"), _count(found.retyped, "of another type")]
    parts += ["columns in another order"] if found.reordered else []
    if found.left_rows != found.right_rows:
        parts.append(f"{found.right_rows - found.left_rows:+,} rows")
    return "different: " + (", ".join(filter(None, parts)) or "other content")


def _count(found: tuple[object, ...], word: str) -> str:
    return f"{len(found)} {word}" if found else ""


def _entries(found: Difference) -> list[tuple[str, str]]:
    """(name, what is said of it); names are foreign text."""
    retyped = {one.column: f"{one.was} → {one.now}" for one in found.retyped}
    said = [(one.column, "; ".join(filter(None, (_rows(one), retyped.get(one.column, ""))))) for one in found.changed]
    said += [(name, kinds) for name, kinds in retyped.items() if name not in {one.column for one in found.changed}]
    said += [(one.was, f"is now called {visible(one.now, limit=_NAME)}") for one in found.renamed]
    said += [(name, "new in B") for name in found.added] + [(name, "gone from A") for name in found.removed]
    return [(visible(name, limit=_NAME), visible(text) if "→" in text else text) for name, text in said]


def _rows(one: Changed) -> str:
    if one.rows is None:
        return "content differs"
    if not one.rows:
        return "the same in all rows that both have"
    more = ", …" if one.rows > len(one.first) else ""
    first = f", at {', '.join(map(str, one.first))}{more} (counted from 0)" if one.first else ""
    shown = "".join(f"; row {sample.row}: {visible(sample.was)} became {visible(sample.now)}" for sample in one.samples)
    return f"{one.rows:,} {'row differs' if one.rows == 1 else 'rows differ'}{first}{shown}"

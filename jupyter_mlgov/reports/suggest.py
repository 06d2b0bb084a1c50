"""Suggested steps as text: in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlgov.lineage.suggest import Suggestion
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.terminal import wrap


def suggest_text(found: Sequence[Suggestion], indices: Mapping[int, int], *, next: str, width: int = 88) -> str:
    """A line a cell with its reason; `indices`: place among the code cells -> number in the file."""
    if not found:
        return "Every code cell is a step already."
    lines: list[str] = []
    for one in found:
        told = f"{one.kind} or {' or '.join(one.others)}?" if one.others else one.kind or "–"
        sign = "✓" if one.is_sure else "?" if one.kind else " "
        word = "unsure: " if one.others else ""
        said = visible(f"[{indices.get(one.place, one.place)}] {told}: {word}{one.why}", limit=300)
        lines += wrap(said, max(40, width), first=f"{sign} ", rest="      ")
    return "\n".join([*lines, *wrap(next, max(40, width))])

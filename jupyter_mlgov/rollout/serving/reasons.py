"""The reasons of one answer: which factors moved the score most, and in which words a refused person is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_mlgov.rollout.serving.arms import Computed

# "More than four is not likely to help": 12 CFR 1002.9, comment 9(b)(2)-1.
MOST_STATED = 4
_ASCII = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One factor of one row: the points it gave, and its words (`[features.FACTOR] reason` of mlgov.toml; the factor's name without)."""

    factor: str
    points: float
    words: str


def words_of(register: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """factor -> what a person is told."""
    found = {}
    for name, table in register.get("features", {}).items():
        text = table.get("reason") if isinstance(table, Mapping) else None
        if isinstance(text, str) and text.strip():
            found[name] = text.strip()
    return found


def top(computed: Computed, row: int, most: int, words: Mapping[str, str], *, adverse: bool | None) -> tuple[Reason, ...]:
    """The strongest reasons of one row, strongest first.

    Adverse: only factors that lost points, the largest loss first, at most four (comment 9(b)(2)-1 and -5). Otherwise by size.
    """
    if computed.points is None or most <= 0:
        return ()
    points = computed.points[row].tolist()
    if adverse:
        order = sorted(range(len(points)), key=lambda place: (points[place], place))
        chosen = [place for place in order[: min(most, MOST_STATED)] if points[place] < -1e-12]
    else:
        order = sorted(range(len(points)), key=lambda place: (-abs(points[place]), place))
        chosen = [place for place in order[:most] if abs(points[place]) > 1e-12]
    return tuple(
        Reason(factor=computed.factors[place], points=points[place], words=words.get(computed.factors[place], computed.factors[place]))
        for place in chosen
    )


def header(reasons: tuple[Reason, ...], most: int = 3) -> str:
    """Reasons as one ASCII line for a header: JSON, so that a hostile name cannot end it."""
    told = [{"factor": one.factor[:80], "points": round(one.points, 6), "reason": one.words[:160]} for one in reasons[:most]]
    return _ASCII.encode(told)

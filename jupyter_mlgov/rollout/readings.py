"""Cumulative counts from a CSV file: columns look, arm, n, events; anything that cannot be a canary's counts is a sentence."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.rollout.sequential import Arm

COLUMNS = ("look", "arm", "n", "events")
CHAMPIONS = ("champion", "control", "baseline", "a", "old", "stable")
_EXPECTED = "Columns look, arm, n, events: cumulative whole numbers, two arms at each look, looks rising."
MOST_ROWS, MOST_UNITS = 1_000_000, 10**15


def read_counts(path: Path, champion: str = "") -> tuple[tuple[str, str], tuple[tuple[float, Arm, Arm], ...]]:
    """((champion, challenger), looks). `champion` names the arm to compare with; default: the one whose name says so.

    Raises BadInput, naming the line, for a missing column, a count that falls, more events than units, an arm that is missing
    or a third one.
    """
    rows: dict[float, dict[str, tuple[int, Arm]]] = {}
    for line, (look, arm, counts) in _rows(path):
        here = rows.setdefault(look, {})
        if arm in here:
            raise _bad(path, line, f"arm {arm} stands twice at look {look:g}")
        here[arm] = (line, counts)
    names = list(dict.fromkeys(arm for here in rows.values() for arm in here))
    if len(names) != 2:
        raise BadInput(f"{path.name} has {len(names)} arms ({', '.join(names[:5]) or 'none'}).", expected=_EXPECTED)
    one, other = _order(names, champion)
    looks = []
    for look in sorted(rows):
        if len(rows[look]) != 2:
            raise BadInput(f"{path.name}: look {look:g} has one arm only.", expected=_EXPECTED)
        looks.append((look, rows[look][one][1], rows[look][other][1]))
    for (before, *old), (now, *new) in pairwise(looks):
        if any(a.n > b.n or a.events > b.events or a.n - a.events > b.n - b.events for a, b in zip(old, new, strict=True)):
            what = f"{path.name}: counts fall between look {before:g} and look {now:g}."
            raise BadInput(what, expected="Cumulative counts: what was counted once stays counted.")
    return (one, other), tuple(looks)


def _rows(path: Path) -> Iterator[tuple[int, tuple[float, str, Arm]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            head = stream.readline()
            stream.seek(0)
            reader = csv.DictReader(stream, delimiter=max(",;\t", key=head.count))  # what spreadsheets write differs by country
            names = [name.strip().casefold() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            lacking = [name for name in COLUMNS if name not in names]
            if lacking:
                raise BadInput(f"{path.name} has no column {', '.join(lacking)}.", expected=_EXPECTED)
            twice = next((name for name in COLUMNS if names.count(name) > 1), "")
            if twice:
                raise BadInput(f"{path.name} has column {twice} more than once.", expected=_EXPECTED)
            for line, row in enumerate(reader, start=2):
                if line > MOST_ROWS:
                    raise BadInput(f"{path.name} has more than {MOST_ROWS:,} lines.", next="Give a line per look and arm, not per unit.")
                yield line, _row(path, line, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read: {error}.", expected=_EXPECTED) from None


def _row(path: Path, line: int, row: dict[str, str]) -> tuple[float, str, Arm]:
    try:
        look, n, events = float(row["look"]), int(row["n"]), int(row["events"])
    except (TypeError, ValueError):
        raise _bad(path, line, "look, n or events is no number") from None
    arm = (row["arm"] or "").strip()
    if not arm or not math.isfinite(look) or not 0 <= events <= n <= MOST_UNITS:
        raise _bad(path, line, f"{events} events of {n} units in arm {arm or '(no name)'} cannot be")
    return look, arm, Arm(n=n, events=events)


def _bad(path: Path, line: int, what: str) -> BadInput:
    return BadInput(f"{path.name}, line {line}: {what}.", expected=_EXPECTED)


def _order(names: list[str], champion: str) -> tuple[str, str]:
    if champion:
        if champion not in names:
            raise BadInput(f"No arm is called {champion}.", expected=f"Known: {', '.join(names)}.", next="Name one with --champion.")
        return champion, next(name for name in names if name != champion)
    said = [name for name in names if name.casefold() in CHAMPIONS]
    if len(said) != 1:
        raise BadInput(f"Which arm is the champion, {names[0]} or {names[1]}?", next=f"Say it: --champion {names[0]}.")
    return said[0], next(name for name in names if name != said[0])

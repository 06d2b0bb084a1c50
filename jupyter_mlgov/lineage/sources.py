"""Versioned data that a cell asked another system for: what the doors to Delta, Snowflake and Feast say while it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlgov.lineage.ambient import at_our_work
from jupyter_mlgov.lineage.facts import SourceRef

MOST = 500
WATCHED = "__mlgov_watched__"

# Made when the cell has ended: a digest costs, and the user's own call must not wait for it. None: there is nothing to say after all.
Make = Callable[[], SourceRef | None]


class Sources:
    """Notes of one cell run, each key once, in order; at most MOST."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, bool], Make] = {}
        self.problems: list[str] = []

    def add(self, key: str, make: Make, *, writes: bool) -> None:
        if len(self._made) < MOST or (key, writes) in self._made:
            self._made[key, writes] = make
        elif not self.problems:
            self.problems.append("more queries and tables were asked for than are noted")

    def refs(self) -> tuple[tuple[SourceRef, ...], tuple[SourceRef, ...]]:
        """(read, written). What a reference cannot be made of is left out and said in `problems`."""
        read: dict[SourceRef | str, SourceRef] = {}
        written: dict[SourceRef | str, SourceRef] = {}
        for (key, writes), make in self._made.items():
            try:
                ref = make()
            except Exception as error:  # noqa: BLE001 # a foreign system may raise anything; the cell's other facts must be kept
                self.problems.append(f"no reference to {key[:100]}: {type(error).__name__}")
                continue
            if ref is not None:
                (written if writes else read).setdefault(f"{ref.system} {ref.name} {ref.version}", ref)
        return tuple(read.values()), tuple(written.values())


_now: Sources | None = None


def collect(sources: Sources | None) -> None:
    """Keep what is noted in `sources` from now on; None stops it."""
    global _now
    _now = sources


def watched(original: Callable[..., Any], after: Callable[[tuple[Any, ...], Mapping[str, Any], Any], None]) -> Callable[..., Any]:
    """`original`, which while a cell runs tells `after` its arguments and its answer.

    What `after` raises is a gap of the cell, never the user's error.
    """

    @functools.wraps(original)
    def watching(*args: Any, **more: Any) -> Any:
        answer = original(*args, **more)
        now = _now
        if now is not None and not at_our_work():
            try:
                after(args, more, answer)
            except Exception as error:  # noqa: BLE001 # see above
                now.problems.append(f"a call of {original.__qualname__} could not be noted: {type(error).__name__}")
        return answer

    setattr(watching, WATCHED, True)
    return watching


def watch(owner: Any, name: str, after: Callable[[tuple[Any, ...], Mapping[str, Any], Any], None]) -> None:
    """Put watched() in the place of `owner.name`, once; what a version of the library has not got is passed over."""
    original = getattr(owner, name, None)
    if callable(original) and not getattr(original, WATCHED, False):
        setattr(owner, name, watched(original, after))


def note(key: str, make: Make, *, writes: bool = False) -> None:
    """Said by a door when the running cell asked its system for something; outside of a cell nothing is kept."""
    now = _now
    if now is not None and not at_our_work():
        now.add(key, make, writes=writes)

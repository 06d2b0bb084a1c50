"""Which cells must run first so that the others meet what a run from the top would bring: a kernel keeps what later cells changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlgov.lineage.acts import ATTRIBUTE
from jupyter_mlgov.lineage.follow import Trace
from jupyter_mlgov.lineage.nameless import DISPLAY, SHOWN
from jupyter_mlgov.lineage.values import Value

_NEVER = (SHOWN, DISPLAY)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a name holds, in two parts: the object, and the keys that were set on it since."""

    base: str
    keys: Mapping[str, str]

    @classmethod
    def of(cls, value: Value | None) -> _Held:
        return cls("", {}) if value is None else cls(value.base or value.digest, value.keys)

    def differing(self, other: _Held) -> set[str]:
        return {key for key in {*self.keys, *other.keys} if self.keys.get(key) != other.keys.get(key)}


def restoring(
    changed: Collection[int], cells: Sequence[Trace], left: Mapping[str, Value], wanted: Mapping[str, Value]
) -> dict[int, list[str]]:
    """Cells beside `changed` that must run, each with the names it brings back.

    `left` is what the kernel holds now, `wanted` what it would hold after a run of `cells` from the top.
    """
    found = _Restoring(set(changed), cells, left)
    while found.look(wanted):
        pass
    return found.added


class _Restoring:
    def __init__(self, running: set[int], cells: Sequence[Trace], left: Mapping[str, Value]) -> None:
        self.added: dict[int, list[str]] = {}
        self._running, self._cells, self._left = running, cells, left
        self._writers: dict[str, list[int]] = {}
        self._held: dict[str, list[_Held]] = {}
        for place, cell in enumerate(cells):
            for name in cell.makes:
                self._writers.setdefault(name, []).append(place)

    def look(self, wanted: Mapping[str, Value]) -> bool:
        """One look from the bottom to the top; says whether it found a cell that must run too."""
        before = len(self._running)
        for name, value in wanted.items():
            self._check(name, len(self._cells), _Held.of(value), None)
        for name in self._writers.keys() - wanted.keys():
            if any(place in self._running for place in self._writers[name]):
                self._add(self._writers[name][-1], name)
        for place in range(len(self._cells) - 1, -1, -1):
            if place in self._running:
                cell = self._cells[place]
                for name, value in cell.before.items():
                    self._check(name, place, _Held.of(value), cell.keyed.get(name))
        self._follow_objects()
        return len(self._running) > before

    def _check(self, name: str, place: int, needed: _Held, keys: frozenset[str] | None) -> None:
        """Is `name` what it must be before `place`? `keys`: only these of its keys matter."""
        writers = self._writers.get(name, [])
        count = bisect_left(writers, place)
        if name in _NEVER or not count:
            return
        now = self._now(name)[count]
        wrong = now.differing(needed)
        if keys is not None:
            wrong = {key for key in wrong if key in keys or (keys and key.startswith(ATTRIBUTE))}
        if now.base == needed.base and not wrong:
            return
        above = writers[:count]
        storers = {key: [one for one in above if key in self._cells[one].stored.get(name, ())] for key in wrong}
        if now.base == needed.base and all(places and places[-1] not in self._running for places in storers.values()):
            makers = [places[-1] for places in storers.values()]
        else:
            bound = [writer for writer in above if name in self._cells[writer].binds and name not in self._cells[writer].takes]
            makers = [writer for writer in above if writer >= (bound[-1] if bound else 0)]
        for maker in makers:
            self._add(maker, name)

    def _now(self, name: str) -> list[_Held]:
        """What the kernel holds under `name` once the running ones among its first 0, 1, 2 … writers have run."""
        known = self._held.get(name)
        if known is not None:
            return known
        held = _Held.of(self._left.get(name))
        known = self._held[name] = [held]
        for place in self._writers.get(name, ()):
            if place in self._running:
                after = _Held.of(self._cells[place].after.get(name))
                stored = self._cells[place].stored.get(name)
                if stored is None:
                    held = after
                elif after.base == held.base:
                    held = _Held(held.base, {**held.keys, **{key: after.keys[key] for key in stored if key in after.keys}})
            known.append(held)
        return known

    def _add(self, place: int, name: str) -> None:
        if place not in self._running:
            self._running.add(place)
            for made in self._cells[place].makes:
                self._held.pop(made, None)
            self.added.setdefault(place, [])
        if place in self.added and name not in self.added[place]:
            self.added[place].append(name)

    def _follow_objects(self) -> None:
        """A cell that keeps an object which is made anew and then changed in place must take the new one."""
        remade = {name: place for place in sorted(self._running, reverse=True) for name in self._cells[place].binds}
        for place, cell in enumerate(self._cells):
            for name in () if place in self._running else cell.holds:
                changed = any(later > place and later in self._running for later in self._writers.get(name, ()))
                if name in remade and remade[name] < place and changed:
                    for kept in sorted(cell.makes):
                        self._add(place, kept)

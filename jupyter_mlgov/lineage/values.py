"""What a notebook's names hold, as far as the source tells: digests of how each value came to be, and who shares memory with whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from jupyter_mlgov.lineage.acts import ATTRIBUTE, Function

NOTHING: frozenset[int] = frozenset()


def mixed(*parts: str) -> str:
    """One digest of several."""
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def mixed_with(source: str, taken: Mapping[str, str]) -> str:
    """The digest of a statement that took these values."""
    return mixed(source, *(f"{name}={digest}" for name, digest in sorted(taken.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value by its history: equal `digest`, equal statements on equal inputs.

    `regions`: objects it may be or reach, and through which it may be changed; `watched`: objects whose change changes it. `keys`:
    digests of the keys set since `base`. `functions`: what may run when it is used. `slice`: bits of the statements it rests on.
    `kind`: `module`, `data` (a table), `array`, `lazy` (an iterator), `random` (a generator of numbers), `anything` (reaches every
    name), or nothing.
    `shared`: a class whose objects share something that can change.
    """

    digest: str
    regions: frozenset[int] = NOTHING
    watched: frozenset[int] = NOTHING
    functions: frozenset[Function] = frozenset()
    kind: str = ""
    module: str = ""
    constant: str | None = None
    origin: str = ""
    base: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    attributes: str = ""
    slice: int = 0
    shared: bool = False

    def key(self, name: str) -> str:
        """The digest of what stands under a constant key. An attribute that is set (`df.columns = …`) may be what the key means."""
        return mixed("key", self.keys.get(name) or f"{self.base or self.digest} {name}", self.attributes)


class Names:
    """The names of a notebook at one moment, found by name and by the objects they share."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._holders: dict[int, set[str]] = {}
        self._newest = 0

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> Value | None:
        return self._values.get(name)

    def put(self, name: str, value: Value) -> None:
        self.drop(name)
        self._values[name] = value
        for region in value.regions | value.watched:
            self._holders.setdefault(region, set()).add(name)

    def drop(self, name: str) -> None:
        old = self._values.pop(name, None)
        if old is not None:
            for region in old.regions | old.watched:
                self._holders.get(region, set()).discard(name)

    def region(self) -> int:
        """A new object."""
        self._newest += 1
        return self._newest

    def regions(self, names: Iterable[str]) -> frozenset[int]:
        found: set[int] = set()
        for name in names:
            value = self._values.get(name)
            if value is not None:
                found |= value.regions
        return frozenset(found)

    def holders(self, regions: Iterable[int]) -> set[str]:
        """Every name that is, holds or watches one of these objects."""
        found: set[str] = set()
        for region in regions:
            found |= self._holders.get(region, set())
        return found

    def change(self, name: str, digest: str, bits: int) -> None:
        """The object of `name` was changed in place."""
        old = self._values[name]
        self._values[name] = replace(
            old, digest=mixed("changed", old.digest, digest), base="", keys={}, attributes="", slice=old.slice | bits
        )

    def store(self, name: str, digest: str, bits: int, keys: Iterable[str], narrow: str) -> None:
        """What stands under these keys of `name` was set; `narrow` tells what they hold from what was read for them alone."""
        old = self._values[name]
        held = {**old.keys, **{key: mixed("stored", narrow, key) for key in keys}}
        whole, bits = mixed("stored", old.digest, digest), old.slice | bits
        attributes = mixed(old.attributes, narrow) if any(key.startswith(ATTRIBUTE) for key in keys) else old.attributes
        self._values[name] = replace(old, digest=whole, base=old.base or old.digest, keys=held, attributes=attributes, slice=bits)

    def snapshot(self) -> dict[str, Value]:
        """Each name with its value."""
        return dict(self._values)

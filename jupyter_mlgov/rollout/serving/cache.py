"""Answers by the content of the request: equal rows to the same version are computed once. Bounded, oldest use out first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """`most` 0: off. Used from one thread (the event loop's)."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.hits = 0
        self._kept: OrderedDict[str, Value] = OrderedDict()

    def get(self, key: str) -> Value | None:
        """The value, made the newest; None where there is none."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            self.hits += 1
        return found

    def put(self, key: str, value: Value) -> None:
        """Keep it, and let the least used go."""
        if self.most <= 0:
            return
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything: another version answers now."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

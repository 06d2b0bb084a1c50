"""Entries read before: a row that is byte for byte the one that was checked is not parsed and hashed again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.audit.stored import restore

SIGNS = 8_000_000  # of payloads kept at most: the last reports of a log, and all of a small one


class Remembered:
    """restore() with a memory. A row that differs in one sign from the one remembered is checked as if it were new.

    Of what it keeps, the entry longest unread goes first. Safe from several threads.
    """

    def __init__(self, signs: int = SIGNS) -> None:
        self._most, self._signs, self._lock = signs, 0, Lock()
        self._kept: OrderedDict[int, tuple[tuple[object, ...], AuditEntry]] = OrderedDict()

    def restore(self, given: Sequence[object]) -> AuditEntry:
        """The entry that the row holds. Raises DamagedEntry as restore() does."""
        row = tuple(given)
        seq, size = row[0], len(str(row[5]))
        if type(seq) is not int or size > self._most:  # 1.0 and True are equal to 1 and are no number of an entry
            return restore(row)
        with self._lock:
            kept = self._kept.get(seq)
            if kept is not None and kept[0] == row:
                self._kept.move_to_end(seq)
                return kept[1]
        entry = restore(row)
        with self._lock:
            self._forget(seq)
            self._kept[seq] = (row, entry)
            self._signs += size
            while self._signs > self._most:
                self._forget(next(iter(self._kept)))
        return entry

    def _forget(self, seq: int) -> None:
        if (gone := self._kept.pop(seq, None)) is not None:
            self._signs -= len(str(gone[0][5]))

"""A bag of records of one width: how often each occurs, whatever the order they came in, in bounded memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, Any

RUN = 1 << 17
_PIECE = 1 << 14


class Bag:
    """add() records, then digest() once. Beyond `run` records, sorted runs wait in a temporary file."""

    def __init__(self, width: int, run: int = RUN) -> None:
        self._width, self._run = width, run
        self._held: list[Any] = []
        self._count = 0
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []  # offset in the file, and number of different records

    def add(self, records: Any) -> None:
        """Records as rows of `width` bytes."""
        self._held.append(records)
        self._count += len(records)
        if self._count >= self._run:
            self._spill()

    def digest(self) -> bytes:
        """H over each different record, in the order of its bytes, and its number as uint64."""
        hasher = hashlib.sha256()
        for records, counts in self._merged():
            hasher.update(self._together(records, counts))
        if self._file is not None:
            self._file.close()
        return hasher.digest()

    def _sorted(self) -> tuple[Any, Any]:
        """The different records held now, sorted by their bytes, and the number of each."""
        import numpy as np

        if not self._held:
            return np.empty(0, f"S{self._width}"), np.empty(0, "<u8")
        # numpy's S compares as bytes do, and of one width no two are taken for equal that are not.
        records = np.ascontiguousarray(np.concatenate(self._held)).view(f"S{self._width}").ravel()
        self._held, self._count = [], 0
        different, counts = np.unique(records, return_counts=True)
        return different, counts.astype("<u8")

    def _together(self, records: Any, counts: Any) -> bytes:
        import numpy as np

        both = np.empty((len(records), self._width + 8), "u1")
        both[:, : self._width] = np.ascontiguousarray(records).view("u1").reshape(-1, self._width)
        both[:, self._width :] = np.ascontiguousarray(counts, "<u8").view("u1").reshape(-1, 8)
        return both.tobytes()

    def _spill(self) -> None:
        records, counts = self._sorted()
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mlgov-")  # noqa: SIM115  # closed when the digest is taken
        self._runs.append((self._file.tell(), len(records)))
        self._file.write(self._together(records, counts))

    def _merged(self) -> Iterator[tuple[Any, Any]]:
        if self._file is None:
            yield self._sorted()
            return
        import numpy as np

        if self._held:
            self._spill()
        self._file.flush()
        kind = np.dtype([("record", f"S{self._width}"), ("count", "<u8")])
        runs = [np.memmap(self._file, kind, "r", offset, (count,)) for offset, count in self._runs]
        ends = np.unique(np.concatenate([run["record"][_PIECE - 1 :: _PIECE] for run in runs]))
        starts = [0] * len(runs)
        for end in [*ends, None]:
            stops = [len(run) if end is None else int(np.searchsorted(run["record"], end, "right")) for run in runs]
            pieces = [run[start:stop] for run, start, stop in zip(runs, starts, stops, strict=True)]
            starts = stops
            piece = np.concatenate(pieces)
            different, place = np.unique(piece["record"], return_inverse=True)
            counts = np.zeros(len(different), "<u8")
            np.add.at(counts, place, piece["count"])
            yield different, counts

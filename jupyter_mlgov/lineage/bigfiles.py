"""Digests of big files, taken beside the kernel after their cell has returned, and only while the file stands as it stood then."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.ambient import at_our_work, our_work
from jupyter_mlgov.lineage.facts import CellRun, FileRef
from jupyter_mlgov.lineage.unchanged import Mark, mark

# A cell waits for the digests of this many bytes of files; what is beyond is hashed later.
BUDGET = 16_000_000
NOT_HASHED = "is not hashed yet: the kernel ended before, or is still at it"
CHANGED = "changed after its cell had ended and before it was hashed, so what the cell saw is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class BigFile:
    """A file to hash: where it is, its name in the record, and how it stood when its cell ended."""

    path: str
    place: str
    mark: Mark


Digests = Mapping[str, Digest | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    files: tuple[BigFile, ...]
    done: Callable[[Digests], None]
    failed: Callable[[str], None]


def hashed(run: CellRun, files: Sequence[BigFile], found: Digests) -> CellRun:
    """`run` with the digests that were missing. Where one could not be taken, its gap says so."""
    digests = {one.place: found.get(one.path) for one in files}
    gaps = {f"{place} {NOT_HASHED}": "" if digest else f"{place} {CHANGED}" for place, digest in digests.items()}

    rewritten = {ref.path for ref in run.files_read} & {ref.path for ref in run.files_written}  # nobody knows what was read of these

    def filled(ref: FileRef) -> FileRef:
        return replace(ref, digest=digests.get(ref.path, ref.digest))

    return replace(
        run,
        files_read=tuple(ref if ref.path in rewritten else filled(ref) for ref in run.files_read),
        files_written=tuple(map(filled, run.files_written)),
        gaps=tuple(gap for old in run.gaps if (gap := gaps.get(old, old))),
    )


class BigFiles:
    """Hashes files one after the other in a thread. A file that no longer stands as it stood has no digest."""

    def __init__(self, digest: Callable[[str], Digest | None]) -> None:
        self._digest, self._pid = digest, os.getpid()
        self._waiting: deque[_Job] = deque()
        self._paths: dict[str, int] = {}
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, files: Sequence[BigFile], done: Callable[[Digests], None], failed: Callable[[str], None]) -> None:
        """Hash these, then hand `done` a digest for each path, or None where what the cell saw is not known.

        Where that raises, `failed` is told so in a sentence.
        """
        with self._moved:
            self._waiting.append(_Job(files=tuple(files), done=done, failed=failed))
            for one in files:
                self._paths[one.path] = self._paths.get(one.path, 0) + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mlgov-files", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Until nothing waits. An interrupt ends the waiting and not the work."""
        with self._moved:
            self._moved.wait_for(lambda: self._thread is None)

    def before_change(self, path: str) -> None:
        """`path` is about to be opened for writing, moved or removed: wait until it is hashed."""
        # A forked child has no such thread.
        if path in self._paths and not at_our_work() and os.getpid() == self._pid:
            with self._moved:
                self._moved.wait_for(lambda: path not in self._paths)

    def _work(self) -> None:
        with our_work():
            while (job := self._next()) is not None:
                found = {one.path: self._hashed(one) for one in job.files}
                try:
                    job.done(found)
                except Exception as error:  # noqa: BLE001  # a thread has nobody to raise to: the record says what is missing
                    job.failed(f"the digests of big files could not be written down ({type(error).__name__})")

    def _next(self) -> _Job | None:
        with self._moved:
            if not self._waiting:
                self._thread = None
                self._moved.notify_all()
                return None
            return self._waiting.popleft()

    def _hashed(self, one: BigFile) -> Digest | None:
        try:
            before = mark(Path(one.path)) == one.mark
            digest = self._digest(one.path) if before else None
            return digest if digest is not None and mark(Path(one.path)) == one.mark else None
        except OSError:
            return None
        finally:
            with self._moved:
                left = self._paths[one.path] - 1
                self._paths.pop(one.path) if not left else self._paths.update({one.path: left})
                self._moved.notify_all()

"""What is known of a file that did not change since it was read: known by device, inode, size and both times of change.

An edit that keeps the size and sets the old time of modification back still moves the time of the inode's change, which no user can
set. Two cases remain where a change would not show, so nothing is remembered there: a file changed within the last `RACY_NS` before it
was read, more where the file system keeps whole seconds (as git does with "racily clean" entries: a second change within one tick of the
clock looks the same), and a file on a network file system, whose server's clock and cache are not ours. Not seen at all: a file system
mounted so that it keeps no times, a clock set back by just the right amount, and a write through a memory map that was not flushed yet.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from jupyter_mlgov.lineage.typenames import Unfit, text

Made = TypeVar("Made")
Mark = tuple[int, int, int, int, int]
RACY_NS, RACY_COARSE_NS = 100_000_000, 2_500_000_000
_SECOND = 1_000_000_000
# The clock that stamps changes moves on at least every 10 ms on Linux (CONFIG_HZ=100).
TICK_NS = 12_000_000
_REMOTE = ("nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph", "gluster", "lustre", "beegfs", "virtiofs", "vboxsf")


def mark(path: Path) -> Mark:
    """Device, inode, size, time of modification and of the inode's change, both in nanoseconds. Raises OSError."""
    found = os.stat(path)  # noqa: PTH116  # one call, on the recorder's way
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def is_regular(path: Path) -> bool:
    """Whether there is a plain file: a pipe or a device would be consumed by reading."""
    return stat.S_ISREG(path.stat().st_mode)


def steady(path: Path, read: Callable[[Path], Made]) -> Made:
    """What `read` makes of the file. Raises Unfit when the file changed meanwhile, OSError when it cannot be read."""
    before = mark(path)
    try:
        made = read(path)
    except Exception:
        if mark(path) != before:
            raise Unfit(f"{text(path.name)} changed while it was read") from None
        raise
    if mark(path) != before:
        raise Unfit(f"{text(path.name)} changed while it was read")
    return made


def marks_that_tell(paths: Sequence[Path]) -> dict[Path, Mark]:
    """How each file stands, where any later change is sure to show in its mark. Waits one tick of the file systems' clock at most.

    Left out: files on a network, files changed just now where only whole seconds are kept, and what is not there.
    """
    found = {path: stood for path in paths if (stood := _mark_that_tells(path)) is not None}
    rest = [path for path in paths if path not in found]
    if rest:
        time.sleep(TICK_NS / _SECOND)
        found.update({path: stood for path in rest if (stood := _mark_that_tells(path)) is not None})
    return found


def _mark_that_tells(path: Path) -> Mark | None:
    try:
        found = mark(path)
    except OSError:
        return None
    margin = TICK_NS if found[4] % _SECOND else RACY_COARSE_NS
    return found if max(found[3], found[4]) + margin <= time.time_ns() and not is_remote(found[0]) else None


class Unchanged(Generic[Made]):
    """Remembers what was made of files, and reads again only what may have changed. Safe to use from several threads."""

    def __init__(self, most: int = 4096, clock: Callable[[], int] = time.time_ns) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[Mark, Made]] = OrderedDict()
        self._most, self._clock = most, clock
        self._lock = threading.Lock()

    def get(self, path: Path, read: Callable[[Path], Made], how: str = "") -> Made:
        """What `read` makes of the file, from memory where it is certain that nothing changed. `how` tells ways of reading apart.

        Raises Unfit when the file changes while it is read, OSError when it cannot be.
        """
        key = (os.path.realpath(path), how)
        before = mark(path)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] == before:
            return known[1]
        now = self._clock()
        made = steady(path, read)
        with self._lock:
            self._known.pop(key, None)
            if self._is_certain(before, now):
                self._known[key] = (before, made)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made

    def recall(self, path: Path, how: str = "") -> Made | None:
        """What was made of the file, where it is certain that nothing changed; the file is not read. Raises OSError."""
        with self._lock:
            known = self._known.get((os.path.realpath(path), how))
        return known[1] if known is not None and known[0] == mark(path) else None

    def _is_certain(self, found: Mark, now: int) -> bool:
        # The time of the inode's change is the kernel's own: one of whole seconds shows a file system that keeps no finer ones.
        margin = RACY_NS if found[4] % _SECOND else RACY_COARSE_NS
        return max(found[3], found[4]) + margin <= now and not is_remote(found[0])


@lru_cache(maxsize=64)
def is_remote(device: int) -> bool:
    """Whether the device is a network file system, as far as the system tells; elsewhere than on Linux it does not."""
    if not sys.platform.startswith("linux"):
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return True
    kinds = [line.partition(" - ")[2].split(" ")[0] for line in lines if line.split(" ")[2:3] == [wanted]]
    return any(kind.startswith(_REMOTE) for kind in kinds)

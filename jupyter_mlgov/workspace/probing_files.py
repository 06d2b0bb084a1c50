"""The files of a probe: a copy of the workspace, and what each run left in it, put back before the next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady

LIMIT = 2 * 1024**3
_LEFT_OUT = frozenset(
    {".mlgov", ".git", ".venv", "venv", "node_modules", "__pycache__", "mlruns", "mlartifacts", "runs", ".ipynb_checkpoints"}
)

Stamps = dict[str, tuple[int, int]]


def copied(root: Path, into: Path) -> Path:
    """A copy of the workspace without its record, history and environments. Raises NotReady for more than 2 GiB."""
    size = sum(path.stat().st_size for path in _files(root))
    if size > LIMIT:
        raise NotReady(
            f"The workspace holds {size / 1024**3:.1f} GiB, and a probe runs in a copy of it.",
            expected=f"Expected {LIMIT // 1024**3} GiB at most.",
            next="Probe in a folder with the notebook and a small part of its data.",
        )
    ignore = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(root, into, symlinks=True, ignore=ignore, ignore_dangling_symlinks=True)
    return into


def _files(root: Path) -> Iterator[Path]:
    waiting = [root]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.name in _LEFT_OUT or path.is_symlink():
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.is_file():
                yield path


@dataclass(slots=True, kw_only=True)
class Files:
    """The files below `root`, a copy of `origin`. keep() remembers what the base run left; put_back() goes back there."""

    root: Path
    origin: Path
    kept: Path
    _base: Stamps = field(default_factory=dict)

    def stamps(self) -> Stamps:
        """Time of change and size of each file."""
        found = {}
        for path in _files(self.root):
            about = path.stat()
            found[path.relative_to(self.root).as_posix()] = (about.st_mtime_ns, about.st_size)
        return found

    def changed(self, before: Stamps) -> dict[str, str]:
        """Path -> digest of each file that was written since; `gone` for one that was deleted."""
        now = self.stamps()
        written = {path: str(Digest.of_file(self.root / path)) for path, stamp in now.items() if before.get(path) != stamp}
        return written | dict.fromkeys(before.keys() - now.keys(), "gone")

    def keep(self) -> None:
        """What stands there now is what every trial begins with. A file that the copy brought along is not copied again."""
        self._base = self.stamps()
        for path, (_, size) in self._base.items():
            there = self.origin / path
            if not there.is_file() or there.stat().st_size != size or Digest.of_file(there) != Digest.of_file(self.root / path):
                (self.kept / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.root / path, self.kept / path)

    def put_back(self) -> None:
        """Undo what a trial wrote or deleted."""
        for path in self.changed(self._base):
            if path not in self._base:
                (self.root / path).unlink(missing_ok=True)
                continue
            source = self.kept / path if (self.kept / path).is_file() else self.origin / path
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, self.root / path)
        self._base = self.stamps()

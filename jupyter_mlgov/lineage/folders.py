"""One root for a folder: the names, kinds and contents of all that lies in it (method `mlgov-folder-1`)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.lineage.typenames import Unfit, text

FOLDER_METHOD = "mlgov-folder-1"


def folder_root(files: Mapping[bytes, tuple[bytes, Digest]]) -> Digest:
    """H of "mlgov-folder-1\\n" and, sorted by name, each entry: its kind, the length of its name as uint32, its name, its digest."""
    hasher = hashlib.sha256(FOLDER_METHOD.encode() + b"\n")
    for name in sorted(files):
        kind, digest = files[name]
        hasher.update(kind + len(name).to_bytes(4, "little") + name + bytes.fromhex(digest.hex))
    return Digest("sha256:" + hasher.hexdigest())


def entries(folder: Path, digest_of: Callable[[Path], Digest]) -> dict[bytes, tuple[bytes, Digest]]:
    """Each entry by its relative POSIX name in bytes: `f` file, `l` symbolic link (its target's text, never followed), `d` empty folder.

    `digest_of` takes a Path and gives the digest of a file's bytes. Raises Unfit for pipes, sockets and devices, and when the list of
    names changed meanwhile; OSError when something cannot be read.
    """
    names = sorted(_walk(os.fsencode(folder), b""))
    found = {}
    for name, kind in names:
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), name)))  # noqa: PTH118  # names are bytes, of any encoding
        if kind == b"f":
            found[name] = (kind, digest_of(path))
        else:
            found[name] = (kind, Digest.of_bytes(os.readlink(os.fsencode(path)) if kind == b"l" else b""))  # noqa: PTH115  # bytes again
    if sorted(_walk(os.fsencode(folder), b"")) != names:
        raise Unfit(f"{text(folder.name)} changed while it was read")
    return found


def _walk(folder: bytes, inside: bytes) -> Iterator[tuple[bytes, bytes]]:
    empty = True
    with os.scandir(folder) as listed:
        for entry in listed:
            empty = False
            name = inside + entry.name
            if entry.is_symlink():
                yield name, b"l"
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, name + b"/")
            elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                yield name, b"f"
            else:
                raise Unfit(f"{text(os.fsdecode(name))} is no file, folder or link: reading it would consume it")
    if empty and inside:
        yield inside.rstrip(b"/"), b"d"

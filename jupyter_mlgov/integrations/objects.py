"""The store of content by digest, as files: tables, models, notebooks, reports."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, StorageProblem

_CHUNK = 1 << 20


class FileObjects:
    """ObjectStore in a folder: `ab/<62 hex>`, one read-only file a content, there whole or not at all.

    put() where the content lies in a changed form puts the true content back: its name says what it must be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> Digest:
        digest = Digest.of_bytes(content)
        return digest if _holds(self._place(digest), digest) else self._keep((content,))

    def put_file(self, path: Path) -> Digest:
        """Named is what was copied, even if the file changes meanwhile. Raises BadInput for a file that cannot be read."""
        try:
            with path.open("rb") as stream:
                return self._keep(iter(lambda: stream.read(_CHUNK), b""))
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.", next="Name a file that is there and readable.") from None

    def get(self, digest: Digest) -> bytes:
        try:
            content = self._place(digest).read_bytes()
        except OSError as error:
            raise _unreadable(digest, error) from None
        _check(digest, Digest.of_bytes(content))
        return content

    def path(self, digest: Digest) -> Path:
        place = self._place(digest)
        try:
            found = Digest.of_file(place)
        except OSError as error:
            raise _unreadable(digest, error) from None
        _check(digest, found)
        return place

    def _place(self, digest: Digest) -> Path:
        name = Digest(digest).hex
        return self._folder / name[:2] / name[2:]

    def _keep(self, chunks: Iterable[bytes]) -> Digest:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        draft = Path(name)
        try:
            return self._publish(draft, _copy(chunks, handle, self._folder))
        finally:
            draft.unlink(missing_ok=True)

    def _publish(self, draft: Path, digest: Digest) -> Digest:
        place = self._place(digest)
        if _holds(place, digest):
            return digest
        try:
            place.parent.mkdir(exist_ok=True)
            draft.chmod(0o444)
            draft.replace(place)
            _sync(place.parent)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        return digest


def _copy(chunks: Iterable[bytes], handle: int, folder: Path) -> Digest:
    """Write `chunks` through to the disk and close `handle`. A source that cannot be read raises its own OSError."""
    hasher = hashlib.sha256()
    with os.fdopen(handle, "wb", buffering=0) as draft:
        for chunk in chunks:
            hasher.update(chunk)
            try:
                _write_all(draft.fileno(), chunk)
            except OSError as error:
                raise _unwritable(folder, error) from error
        os.fsync(draft.fileno())
    return Digest("sha256:" + hasher.hexdigest())


def _write_all(handle: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _holds(place: Path, digest: Digest) -> bool:
    try:
        return Digest.of_file(place) == digest
    except OSError:
        return False


def _sync(folder: Path) -> None:
    """Make the new name itself durable; a system that cannot open folders cannot do this and need not."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(digest: Digest, found: Digest) -> None:
    if found != digest:
        raise StorageProblem(
            f"Object {digest.short} was changed: its content now has the digest {found.short}",
            next="Restore the workspace from a copy, or run the step that made it again.",
        )


def _unreadable(digest: Digest, error: OSError) -> StorageProblem:
    what = "is not in the store" if error.errno in (errno.ENOENT, errno.ENOTDIR) else f"cannot be read ({error.strerror})"
    return StorageProblem(f"Object {digest.short} {what}.", next="Restore the workspace from a copy, or run the step that made it again.")


def _unwritable(folder: Path, error: OSError) -> StorageProblem:
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageProblem(f"{folder} is read-only.", next="Give write access, or use `--workspace DIR`.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageProblem(f"{folder} cannot take more: the disk is full.", next="Free some space and try again.")
    return StorageProblem(f"{folder} cannot be written: {error.strerror}.", next="Mend the folder and try again.")

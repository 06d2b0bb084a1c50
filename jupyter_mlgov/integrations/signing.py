"""Ed25519 keys in files, by `cryptography`: made with mode 0600, never overwritten, never sent anywhere."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.notes import PublicKey
from jupyter_mlgov.core.errors import StorageProblem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ID = re.compile(r"[0-9a-f]{8}")


class FileSigner:
    """The Signer port over one private key in memory, read from a file."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._private = private
        self._key = PublicKey(name=name, material=private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def key(self) -> PublicKey:
        return self._key

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


class Ed25519Verifier:
    """The Verifier port."""

    def holds(self, key: PublicKey, message: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(key.material).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def make_key(folder: Path, name: str) -> FileSigner:
    """A new key pair; the private half goes into `folder` as PEM, readable by its owner alone. Raises StorageProblem."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    signer = FileSigner(name, private)
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = _path(folder, signer.key.id)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageProblem(
            f"No key can be written to {folder}: {error.strerror or error}.", next="Make the workspace writable."
        ) from None
    return signer


def load_key(folder: Path, key: PublicKey) -> FileSigner | None:
    """The private half of `key`, or None when this machine has not got it.

    Raises StorageProblem for a file that others can read, that holds another key, or that is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = _path(folder, key.id)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageProblem(f"The key {path} cannot be read: {error.strerror}.", next="See `mlgov audit keys`.") from None
    with os.fdopen(handle, "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode & 0o777
        content = stream.read(10_000)
    if mode & 0o077:
        raise StorageProblem(
            f"The key {path} can be read by others (mode {mode:03o}), so it may not be ours alone any more.",
            next=f"Run `mlgov audit keys revoke {key.id} --reason …` and `chmod 600` it, then go on with a new one.",
        )
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        private = None
    signer = FileSigner(key.name, private) if isinstance(private, Ed25519PrivateKey) else None
    if signer is None or signer.key != key:
        raise StorageProblem(
            f"The file {path} does not hold key {key.id}.", next=f"Restore it, or run `mlgov audit keys revoke {key.id} --reason lost`."
        )
    return signer


def _path(folder: Path, key_id: str) -> Path:
    if not _ID.fullmatch(key_id):
        raise StorageProblem("A key's id is eight hex characters.", next="See `mlgov audit keys`.")
    return folder / f"{key_id}.pem"

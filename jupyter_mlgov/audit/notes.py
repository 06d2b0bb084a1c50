"""Checkpoints: the head of the log as a signed note that fits into a tag, a mail or a pocket (C2SP tlog-checkpoint, signed-note).

mlgov.log/6f1c…        whose log: its origin names the first entry
1204                   how many entries
tHmP…=                 the root of the tree over them (base64)

— mlgov.log/6f1c… c74f20a3…    an Ed25519 signature over the lines above
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput

ED25519 = 1  # the signature type of C2SP signed-note
_LARGEST_NOTE = 1_000_000
_SIGNATURE = re.compile(r"— (?P<name>\S+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An Ed25519 key that verifies notes. `name` is the origin of its log; `material` are the 32 bytes of the key."""

    name: str
    material: bytes

    @property
    def hash(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.material).digest()[:4]

    @property
    def id(self) -> str:
        """Eight hex characters; they stand in each signature."""
        return self.hash.hex()

    def __str__(self) -> str:
        return f"{self.name}+{self.id}+{base64.b64encode(bytes([ED25519]) + self.material).decode()}"


class Signer(Protocol):
    """Port: signs in the name of one key, wherever its private half lives (file, KMS, PKCS#11, sigstore)."""

    @property
    def key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes (Ed25519 over `message`). Raises StorageProblem or SystemUnreachable when it cannot."""
        ...


class Verifier(Protocol):
    """Port: checks one Ed25519 signature."""

    def holds(self, key: PublicKey, message: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One line under a note: who says so, the key's four-byte hash, and the signature."""

    name: str
    key_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A signed text. `text` ends with a newline and is what was signed."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        lines = [f"— {one.name} {base64.b64encode(one.key_hash + one.signature).decode()}\n" for one in self.signatures]
        return f"{self.text}\n{''.join(lines)}"

    def signed_by(self, key: PublicKey, verifier: Verifier) -> bool:
        """Is there a signature with this key's name and hash, and does it hold?"""
        mine = [one for one in self.signatures if (one.name, one.key_hash) == (key.name, key.hash)]
        return any(verifier.holds(key, self.text.encode(), one.signature) for one in mine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log `origin` had `size` entries, and this was the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def __str__(self) -> str:
        return f"{self.size:,} entries, root {self.root.hex()[:12]}…"


def origin_of(first: Digest) -> str:
    """The name of a log, from the digest of its first entry: another log has another name."""
    return f"mlgov.log/{first.hex[:16]}"


def sign_note(text: str, signer: Signer) -> Note:
    """`text` with the signature of one key under it."""
    signature = NoteSignature(name=signer.key.name, key_hash=signer.key.hash, signature=signer.sign(text.encode()))
    return Note(text=text, signatures=(signature,))


def parse_note(text: str) -> Note:
    """Read a signed note. Raises BadInput for anything that is not one."""
    if len(text) > _LARGEST_NOTE:
        raise BadInput("This is no checkpoint: it is longer than a million characters.", expected="A checkpoint has about five lines.")
    body, gap, tail = text.rpartition("\n\n")
    lines = tail.removesuffix("\n").split("\n") if tail.endswith("\n") else []
    found = [_signature(line) for line in lines]
    whole = [one for one in found if one is not None]
    if not gap or not body or not found or len(whole) != len(found) or any(ord(sign) < 32 and sign != "\n" for sign in text):
        raise BadInput(
            "This is no signed note.",
            expected="Expected text, an empty line, and lines `— name signature`.",
            next="Make one with `mlgov audit checkpoint`.",
        )
    return Note(text=body + "\n", signatures=tuple(whole))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint; lines after the third are extensions and are left out. Raises BadInput."""
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
    except (IndexError, binascii.Error, ValueError):
        raise BadInput("This is no checkpoint.", expected="Expected origin, size and base64 root, a line each.") from None
    if not origin or not re.fullmatch(r"0|[1-9]\d{0,17}", size) or len(root) != 32:
        raise BadInput("This is no checkpoint.", expected="Expected origin, size and base64 root, a line each.")
    return Checkpoint(origin=origin, size=int(size), root=root)


def parse_key(text: str) -> PublicKey:
    """Read `name+hash+base64`. Raises BadInput when it is no Ed25519 key or its hash is another key's."""
    parts = text.strip().split("+", 2)
    try:
        name, given, coded = parts
        raw = base64.b64decode(coded, validate=True)
    except (ValueError, binascii.Error):
        raise BadInput("This is no key for notes.", expected="Expected `name+hash+base64`.", next="See `mlgov audit keys`.") from None
    key = PublicKey(name=name, material=raw[1:])
    if len(raw) != 33 or raw[0] != ED25519 or key.id != given or not name or re.search(r"\s", name):
        raise BadInput("This key is damaged: its hash does not belong to it.", next="Copy it again from `mlgov audit keys`.")
    return key


def _signature(line: str) -> NoteSignature | None:
    match = _SIGNATURE.fullmatch(line)
    if not match:
        return None
    try:
        raw = base64.b64decode(match["signature"], validate=True)
    except (binascii.Error, ValueError):
        return None
    return NoteSignature(name=match["name"], key_hash=raw[:4], signature=raw[4:]) if len(raw) > 4 else None

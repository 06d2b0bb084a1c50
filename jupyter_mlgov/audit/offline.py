#!/usr/bin/env python3
"""Verify a bundle of jupyter_mlgov: `python verify.py BUNDLE.zip`. Needs Python 3.10 and nothing else.

Checks every file against the manifest, every entry against the checkpoint (RFC 9162), every report and statement against its entry.
Signatures need the package `cryptography`; without it they are not verified, the answer says so, and the exit code is 3, not 0.

Exit codes: 0 all proven, 1 something is broken, 2 wrong usage, 3 nothing is broken but not all could be proven.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

MANIFEST = "manifest.dsse.json"
LARGEST = 4 << 30
COLUMNS = ("seq", "time", "actor", "action", "subject", "payload", "payload_digest", "previous", "digest")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})")
_INSTALL = "`cryptography` is not installed, so no signature was verified. Run `pip install cryptography`, then verify again."
Holds = Callable[[bytes, bytes, bytes], bool]  # (public key, message, signature)


@dataclass
class Findings:
    """What was proven, what is broken, and what could not be proven, in sentences."""

    proven: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 1 if self.broken else 3 if self.unproven else 0

    def __str__(self) -> str:
        verdicts = {0: "✓ The bundle holds.", 1: "✕ The bundle does not hold.", 3: "! Not all of it could be verified."}
        lines = [verdicts[self.exit_code]]
        for mark, sentences in (("✓", self.proven), ("✕", self.broken), ("?", self.unproven)):
            lines += [f"  {mark} {_shown(sentence)}" for sentence in sentences]
        lines.append(
            "What a bundle cannot show: entries that were left out of it, and whether the key inside is the firm's. Compare the key."
        )
        return "\n".join(lines)


@dataclass(frozen=True)
class Key:
    """A note key of the log, from its entry to its revocation."""

    name: str
    id: str
    material: bytes
    made: int
    expires: str
    revoked: int | None = None


class Broken(Exception):
    """A sentence about what does not hold."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def check(path: Path, *, keys: Sequence[str] = (), checkpoints: Sequence[tuple[str, str]] = ()) -> Findings:
    """Verify the bundle at `path`; `keys` (note format) are trusted from outside, `checkpoints` (name, text) were kept. Never raises."""
    found = Findings()
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, found, keys, checkpoints)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        found.broken.append(f"{path.name} is not a readable zip file: {error}.")
    except Broken as error:
        found.broken.append(str(error))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        found.broken.append(f"The bundle is malformed: {type(error).__name__} {error}.")
    return found


def _check(archive: zipfile.ZipFile, found: Findings, keys: Sequence[str], checkpoints: Sequence[tuple[str, str]]) -> None:
    holds = _ed25519()
    files = _names(archive)
    envelope = _json(archive, MANIFEST)
    manifest = json.loads(base64.b64decode(envelope["payload"], validate=True))
    _files(archive, files, manifest, found)
    entries = _entries(archive, found)
    text = archive.read("checkpoint.txt").decode()
    origin, size, root = _checkpoint(text)
    _inclusion(entries, size, root, found)
    lives = _keys(entries, origin)
    _trusted(lives, keys, found)
    if holds is None:
        found.unproven.append(_INSTALL)
    moment = entries[size]["time"] if size in entries else ""
    _signed(lives, size, moment, lambda key: _note_signed(text, key, holds), "The checkpoint", holds, found, keys)
    _signed(lives, size, moment, lambda key: _dsse_signed(envelope, key, holds), "The manifest", holds, found, keys)
    _statements(archive, files, entries, lives, holds, found)
    _reports(archive, files, entries, found)
    _objects(files, manifest, found)
    _grown(archive, entries, origin, size, root, found)
    _kept(archive, checkpoints, origin, size, root, found)
    left_out = manifest["predicate"].get("leftOut", [])
    found.unproven += [f"Left out on purpose: {name}." for name in left_out]


def _names(archive: zipfile.ZipFile) -> list[str]:
    names = [info.filename for info in archive.infolist()]
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if not _NAME.fullmatch(info.filename) or kind not in (0, stat.S_IFREG):
            raise Broken(f"The bundle holds a name that could lead out of its folder, or a link: {info.filename[:100]!r}.")
    if len(set(names)) != len(names):
        raise Broken("The bundle holds a name twice.")
    if sum(info.file_size for info in archive.infolist()) > LARGEST:
        raise Broken("The bundle unpacks to more than 4 GB; it is not read.")
    for needed in (MANIFEST, "checkpoint.txt", "entries.jsonl"):
        if needed not in names:
            raise Broken(f"{needed} is missing.")
    return names


def _files(archive: zipfile.ZipFile, files: Sequence[str], manifest: dict[str, Any], found: Findings) -> None:
    listed = {one["name"]: one["digest"]["sha256"] for one in manifest["subject"]}
    changed = []
    for name in files:
        if name == MANIFEST:
            continue
        if name not in listed:
            found.broken.append(f"{name} is not in the manifest: it was added.")
            continue
        try:
            with archive.open(name) as stream:
                digest = hashlib.sha256()
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
        except (zipfile.BadZipFile, OSError, EOFError):
            changed.append(name)
            continue
        if digest.hexdigest() != listed[name]:
            changed.append(name)
    found.broken += [f"{name} was changed." for name in changed]
    found.broken += [f"{name} is missing." for name in sorted(set(listed) - set(files))]
    if not found.broken:
        found.proven.append(f"{_count(len(listed), 'file')}: unchanged since the manifest was written.")


def _entries(archive: zipfile.ZipFile, found: Findings) -> dict[int, dict[str, Any]]:
    entries: dict[int, dict[str, Any]] = {}
    for line in archive.read("entries.jsonl").decode().splitlines():
        entry = json.loads(line)
        seq = int(entry["seq"])
        fields = {name: entry[name] for name in ("action", "previous", "seq", "subject", "time")}
        fields |= {"actor": json.loads(entry["actor"]), "payload": entry["payload_digest"]}
        text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if _sha(entry["payload"].encode()) != entry["payload_digest"]:
            found.broken.append(f"Entry {seq} was changed: its payload no longer matches its digest.")
        if _sha(text.encode()) != entry["digest"]:
            found.broken.append(f"Entry {seq} was changed: its own digest does not cover what it says.")
        if seq in entries:
            found.broken.append(f"Entry {seq} is in the bundle twice.")
        before = entries.get(seq - 1)
        if before is not None and entry["previous"] != before["digest"]:
            found.broken.append(f"Entry {seq} does not follow entry {seq - 1}.")
        entries[seq] = {**entry, "payload": json.loads(entry["payload"])}
    return entries


def _inclusion(entries: dict[int, dict[str, Any]], size: int, root: bytes, found: Findings) -> None:
    lost = [
        seq
        for seq, entry in entries.items()
        if not included(_leaf(entry["digest"]), seq - 1, size, [bytes.fromhex(step) for step in entry["path"]], root)
    ]
    found.broken += [f"Entry {seq} is not in the log that the checkpoint was signed over." for seq in lost]
    if entries and not lost:
        found.proven.append(
            f"{_count(len(entries), 'entry', 'entries')} of the log of {size:,} entries that the checkpoint was signed over."
        )
    if not entries:
        raise Broken("The bundle holds no entry, so it proves nothing.")


def _keys(entries: dict[int, dict[str, Any]], origin: str) -> list[Key]:
    lives: dict[str, Key] = {}
    for seq, entry in sorted(entries.items()):
        payload = entry["payload"]
        if entry["action"] == "key.made":
            name, given, material = _key(str(payload["key"]))
            if name == origin:
                lives.setdefault(given, Key(name, given, material, seq, str(payload["expires"])))
        elif entry["action"] == "key.revoked" and (life := lives.get(str(payload["key_id"]))) and life.revoked is None:
            lives[life.id] = Key(life.name, life.id, life.material, life.made, life.expires, seq)
    return list(lives.values())


def _trusted(lives: Iterable[Key], keys: Sequence[str], found: Findings) -> None:
    """Keys of the bundle are what it says of itself; a key from outside makes them more."""
    given = {_key(text)[2] for text in keys}
    if given and not given & {life.material for life in lives}:
        found.broken.append("None of the keys you trust is a key of this bundle.")
    elif not given:
        named = ", ".join(f"{life.name}+{life.id}+{base64.b64encode(bytes([1]) + life.material).decode()}" for life in lives)
        found.proven.append(f"Keys named by the bundle itself: {named or 'none'}.")


def _signed(
    lives: Sequence[Key],
    size: int,
    moment: str,
    signed: Callable[[Key], bool],
    what: str,
    holds: Holds | None,
    found: Findings,
    trust: Sequence[str],
) -> None:
    if holds is None:
        return
    wanted = {_key(text)[2] for text in trust}
    good = [life for life in lives if (not wanted or life.material in wanted) and signed(life)]
    if not good:
        found.broken.append(f"{what} is not signed by a key of this log: it is forged or damaged.")
        return
    reasons = [reason for life in good if (reason := _why_not(life, size, moment))]
    if len(reasons) == len(good):
        found.broken.append(f"{what} is signed, but {reasons[0]}.")
        return
    found.proven.append(f"{what} is signed by key {good[0].id}, valid at that place in the log.")


def _why_not(key: Key, size: int, moment: str) -> str:
    if size < key.made:
        return f"key {key.id} was made later, at entry {key.made}"
    if key.revoked is not None and size >= key.revoked:
        return f"key {key.id} was revoked at entry {key.revoked}"
    if not moment:
        return f"the bundle lacks entry {size}, so nobody can tell whether key {key.id} had expired"
    if datetime.fromisoformat(moment.replace("Z", "+00:00")) >= datetime.fromisoformat(key.expires.replace("Z", "+00:00")):
        return f"key {key.id} had expired on {key.expires[:10]}"
    return ""


def _statements(
    archive: zipfile.ZipFile,
    files: Sequence[str],
    entries: dict[int, dict[str, Any]],
    lives: Sequence[Key],
    holds: Holds | None,
    found: Findings,
) -> None:
    """Each decision has one, it says what the entry says, and a key signed it."""
    named = [name for name in files if name.startswith("statements/")]
    about = set()
    good = 0
    for name in named:
        envelope = _json(archive, name)
        content = json.loads(base64.b64decode(envelope["payload"], validate=True))
        predicate = content["predicate"]
        signed, entry = entries.get(int(Path(name).name.split(".")[0])), entries.get(int(predicate["entry"]))
        about.add(int(predicate["entry"]))
        if signed is None or signed["action"] != "statement.signed" or signed["payload"].get("envelope") != envelope:
            found.broken.append(f"{name} is not the statement that the log holds.")
            continue
        if entry is None or entry["digest"] != predicate["entryDigest"] or entry["payload"] != predicate["decision"]:
            found.broken.append(f"{name} does not say what its entry says.")
            continue
        valid = [life for life in lives if _dsse_signed(envelope, life, holds) and not _why_not(life, int(signed["seq"]), signed["time"])]
        if holds is not None and not valid:
            found.broken.append(f"{name} is not signed by a key that was valid then.")
            continue
        good += 1
    decided = {seq for seq, entry in entries.items() if entry["action"] == "promotion.decided"}
    found.unproven += [f"The decision in entry {seq} has no signed statement." for seq in sorted(decided - about)]
    if good:
        found.proven.append(f"{_count(good, 'decision')}: each statement says what its entry says{', and is signed' if holds else ''}.")


def _reports(archive: zipfile.ZipFile, files: Sequence[str], entries: dict[int, dict[str, Any]], found: Findings) -> None:
    told = {
        f"reports/{entry['payload']['digest'].removeprefix('sha256:')}.json": entry["payload"]["report"]
        for entry in entries.values()
        if entry["action"] == "validation.done" and isinstance(entry["payload"].get("report"), dict)
    }
    named = [name for name in files if name.startswith("reports/")]
    wrong = [name for name in named if name not in told or _json(archive, name) != told[name]]
    found.broken += [f"{name} is not the report that the log names." for name in wrong]
    found.broken += [f"{name} is missing." for name in sorted(set(told) - set(named))]
    if named and not wrong:
        found.proven.append(f"{_count(len(named), 'report')}: as the log names it.")


def _objects(files: Sequence[str], manifest: dict[str, Any], found: Findings) -> None:
    listed = {one["name"]: one["digest"]["sha256"] for one in manifest["subject"]}
    named = [name for name in files if name.startswith("objects/")]
    wrong = [name for name in named if name != f"objects/{listed.get(name)}"]
    found.broken += [f"{name} does not carry the name of its content." for name in wrong]
    if named and not wrong:
        found.proven.append(f"{_count(len(named), 'object')} (tables, models): each carries the name of its content.")


def _grown(archive: zipfile.ZipFile, entries: dict[int, dict[str, Any]], origin: str, size: int, root: bytes, found: Findings) -> None:
    """The log only grew from each checkpoint it recorded to the one of the bundle."""
    notes = [str(entry["payload"]["note"]) for entry in entries.values() if entry["action"] == "checkpoint.signed"]
    recorded = [point for point in map(_checkpoint, notes) if point[1] <= size]
    paths = {int(one["old"]): [bytes.fromhex(step) for step in one["path"]] for one in _json(archive, "consistency.json")}
    wrong = [old for name, old, before in recorded if name != origin or not consistent(old, size, paths.get(old, []), before, root)]
    found.broken += [f"The log did not grow from its checkpoint over {old:,} entries: it was rewritten." for old in wrong]
    if recorded and not wrong:
        found.proven.append(f"The log only grew from {_count(len(recorded), 'earlier checkpoint')} to this one.")


def _kept(archive: zipfile.ZipFile, kept: Sequence[tuple[str, str]], origin: str, size: int, root: bytes, found: Findings) -> None:
    paths = {int(one["old"]): [bytes.fromhex(step) for step in one["path"]] for one in _json(archive, "consistency.json")}
    for name, text in kept:
        other, old, before = _checkpoint(text)
        if other != origin:
            found.broken.append(f"{name} is a checkpoint of another log.")
        elif old != size and old not in paths:
            found.unproven.append(f"The bundle has no proof for {name}, which covers {old:,} entries.")
        elif consistent(old, size, paths.get(old, []), before, root):
            found.proven.append(f"The log only grew from {name} ({old:,} entries) to this one.")
        else:
            found.broken.append(f"The log did not grow from {name}: it was rewritten.")


# -- formats ----------------------------------------------------------------------------------------------------------


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    number, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            node = _node(step, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = _node(node, step)
        number, last = number >> 1, last >> 1
    return last == 0 and node == root


def consistent(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """RFC 9162, 2.1.4.2."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            before, after = _node(step, before), _node(step, after)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            after = _node(after, step)
        number, last = number >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _checkpoint(text: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)


def _key(text: str) -> tuple[str, str, bytes]:
    name, given, coded = text.strip().split("+", 2)
    raw = base64.b64decode(coded, validate=True)
    if len(raw) != 33 or raw[0] != 1 or hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != given:
        raise Broken(f"This is no note key: {text[:60]!r}.")
    return name, given, raw[1:]


def _note_signed(text: str, key: Key, holds: Holds | None) -> bool:
    body, _, tail = text.rpartition("\n\n")
    message = (body + "\n").encode()
    for line in tail.splitlines():
        match = _SIGNATURE.fullmatch(line)
        raw = base64.b64decode(match[2], validate=True) if match else b""
        if match and match[1] == key.name and raw[:4].hex() == key.id and holds and holds(key.material, message, raw[4:]):
            return True
    return False


def _dsse_signed(envelope: dict[str, Any], key: Key, holds: Holds | None) -> bool:
    message = pae(envelope["payloadType"], base64.b64decode(envelope["payload"], validate=True))
    return any(
        holds is not None and one.get("keyid") == key.id and holds(key.material, message, base64.b64decode(one["sig"], validate=True))
        for one in envelope["signatures"]
    )


def _ed25519() -> Holds | None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None

    def holds(key: bytes, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return holds


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


def _sha(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _leaf(digest: str) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(digest.removeprefix("sha256:"))).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _shown(text: str) -> str:
    """What a bundle says is shown without control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:500]


def main(words: Sequence[str] | None = None) -> int:
    """Read the command line, print the findings, return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a bundle of jupyter_mlgov offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", default=[], help="trust this key alone (name+hash+base64)")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="a checkpoint you kept")
    asked = parser.parse_args(words)
    try:
        kept = [(path.name, path.read_text("utf-8")) for path in asked.checkpoint]
    except (OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    findings = check(asked.bundle, keys=asked.key, checkpoints=kept)
    sys.stdout.write(f"{findings}\n")
    return findings.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""One model's story in one file: entries with their proofs, checkpoint, statements, reports, objects, and the program that checks them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from jupyter_mlgov.audit import offline
from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.audit.notes import Signer, parse_checkpoint
from jupyter_mlgov.audit.statements import BUNDLE, envelope, statement
from jupyter_mlgov.audit.stored import store
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest

ALWAYS = ("workspace.", "key.", "checkpoint.signed", "clock.", "hold.", "person.", "erasure.")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_README = """This is what the log of jupyter_mlgov holds about one model.

    python verify.py THIS_FILE.zip          (after unpacking verify.py, or with one you have; Python 3.10)
    mlgov audit verify THIS_FILE.zip

entries.jsonl     the entries of the log that concern the model, each with the proof that it is in the log
checkpoint.txt    the signed head of the log
statements/       each decision as a signed in-toto statement (DSSE)
reports/          the reports as the validators gave them
objects/          tables and models, named by SHA-256 of their content
manifest.dsse.json   the digest of every file, signed

It says that evidence supports a control, and never that a model is compliant.
"""


def file_name(model: str) -> str:
    """Where a model's bundle goes unless somebody says: its name without anything that could lead out of a folder."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', model).strip('.-')[:100] or 'model'}.mlgov.zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What goes into a bundle. `objects` maps the digests that the entries name to their contents; `left_out` says what does not go in."""

    model: str
    note: str
    entries: tuple[AuditEntry, ...]
    objects: Mapping[Digest, bytes]
    left_out: tuple[str, ...] = ()


def concerning(entries: Iterable[AuditEntry], model: str, upto: int) -> tuple[AuditEntry, ...]:
    """The entries about `model`: its own, those of the notebooks it came from, and those that vouch for the log (keys, checkpoints)."""
    all_ = [entry for entry in entries if entry.seq <= upto]
    mine = [entry for entry in all_ if entry.subject == model or entry.payload.get("model") == model]
    notebooks = {str(entry.payload.get("notebook")) for entry in mine if entry.payload.get("notebook")}
    decided = {entry.digest for entry in mine}
    return tuple(
        entry
        for entry in all_
        if entry.subject == model
        or entry.payload.get("model") == model
        or entry.subject in notebooks
        or entry.payload.get("notebook") in notebooks
        or entry.payload.get("decision") in decided
        or entry.action.startswith(ALWAYS)
        or entry.seq == upto
    )


def named_objects(entries: Iterable[AuditEntry]) -> tuple[Digest, ...]:
    """Every digest under a key `stored` in the payloads: the content that can lie in the object store."""
    found: dict[str, None] = {}
    for entry in entries:
        _collect(entry.payload, found)
    return tuple(Digest(text) for text in found)


def pack(story: Story, tree: Tree, signer: Signer) -> bytes:
    """The bundle as zip bytes: same story and key, same bytes. Names are ours or digests, never somebody's text."""
    point = parse_checkpoint(story.note)
    files = {
        "README.txt": _README.encode(),
        "verify.py": Path(offline.__file__).read_bytes(),
        "checkpoint.txt": story.note.encode(),
        "entries.jsonl": b"".join(_line(entry, tree, point.size) for entry in story.entries),
        "consistency.json": canonical_json(_growth(story.entries, tree, point.size)),
    }
    for entry in story.entries:
        report, digest = entry.payload.get("report"), str(entry.payload.get("digest", ""))
        if entry.action == "validation.done" and isinstance(report, dict) and _DIGEST.fullmatch(digest):
            files[f"reports/{Digest(digest).hex}.json"] = canonical_json(report)
        if entry.action == "statement.signed" and isinstance(entry.payload.get("envelope"), dict):
            files[f"statements/{entry.seq}.dsse.json"] = canonical_json(entry.payload["envelope"])
    for digest, content in story.objects.items():
        files[f"objects/{digest.hex}"] = content
    predicate = {"model": story.model, "log": point.origin, "size": point.size, "leftOut": list(story.left_out)}
    manifest = statement([(name, Digest.of_bytes(content)) for name, content in sorted(files.items())], BUNDLE, predicate)
    files[offline.MANIFEST] = canonical_json(envelope(manifest, signer))
    return _zip(files)


def _line(entry: AuditEntry, tree: Tree, size: int) -> bytes:
    path = [step.hex() for step in tree.inclusion(entry.seq - 1, size)]
    return json.dumps({**store(entry), "path": path}, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _growth(entries: Sequence[AuditEntry], tree: Tree, size: int) -> list[dict[str, object]]:
    sizes = sorted({_size(entry) for entry in entries if entry.action == "checkpoint.signed"} - {0})
    return [{"old": old, "new": size, "path": [step.hex() for step in tree.consistency(old, size)]} for old in sizes if old <= size]


def _size(entry: AuditEntry) -> int:
    size = entry.payload.get("size")
    return size if isinstance(size, int) else 0


def _collect(value: object, found: dict[str, None]) -> None:
    if isinstance(value, Mapping):
        stored = value.get("stored")
        if isinstance(stored, str) and _DIGEST.fullmatch(stored):
            found.setdefault(stored)
        for item in value.values():
            _collect(item, found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, found)


def _zip(files: Mapping[str, bytes]) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o100644 << 16, 3
            archive.writestr(info, files[name])
    return held.getvalue()

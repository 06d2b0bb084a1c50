"""The published format of the trail, recomputed from its own document without any code of ours."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

from jupyter_mlgov.audit.entries import ACTIONS, Draft
from jupyter_mlgov.audit.stored import COLUMNS, restore, store
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.audit.verify import verify
from jupyter_mlgov.testing import FixedClock, MemoryJournal, MemoryLedger

DOCUMENTS = Path(__file__).parents[2] / "docs" / "formats"
DOCUMENT = (DOCUMENTS / "trail.md").read_text("utf-8")
VECTOR = re.search(r"```jsonl trail\n(.*?)\n```", DOCUMENT, re.DOTALL)
assert VECTOR
ROWS = [json.loads(line) for line in VECTOR[1].splitlines()]


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def test_every_digest_of_the_vector_follows_from_the_text_by_hashlib_and_json_alone() -> None:
    assert len(ROWS) == 3
    previous = "sha256:" + "0" * 64
    for seq, row in enumerate(ROWS, start=1):
        assert row["seq"] == seq
        assert row["payload_digest"] == sha256(row["payload"])
        assert row["previous"] == previous
        fields = {
            "action": row["action"],
            "actor": json.loads(row["actor"]),
            "payload": row["payload_digest"],
            "previous": previous,
            "seq": seq,
            "subject": row["subject"],
            "time": row["time"],
        }
        # For these seven fields (plain keys, texts, one integer) RFC 8785 is json.dumps with sorted keys and no spaces.
        assert row["digest"] == sha256(json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
        previous = row["digest"]


def test_the_code_reads_the_vector_and_verifies_it() -> None:
    entries = [restore([row[name] for name in COLUMNS]) for row in ROWS]
    assert verify(entries).ok
    assert [store(entry) for entry in entries] == ROWS


def test_the_code_writes_the_vector() -> None:
    journal = MemoryJournal(FixedClock(step=timedelta(seconds=1, microseconds=5)))
    for entry in [restore([row[name] for name in COLUMNS]) for row in ROWS]:
        journal.append([Draft(action=entry.action, subject=entry.subject, payload=entry.payload)], actor=entry.actor)
    assert journal.rows == ROWS


def test_the_document_lists_every_action_with_its_sentence_and_every_column() -> None:
    for action, sentence in ACTIONS.items():
        assert f"| `{action}` | {sentence} |" in DOCUMENT
    assert len(re.findall(r"^\| `[a-z]+(?:\.[a-z]+)+` \|", DOCUMENT, re.MULTILINE)) == len(ACTIONS)
    for column in COLUMNS:
        assert f"| `{column}` |" in DOCUMENT


def test_the_roots_of_the_vector_follow_from_it_by_hashlib_alone() -> None:
    published = re.findall(r"^root over \d  ([0-9a-f]{64})$", (DOCUMENTS / "proofs.md").read_text("utf-8"), re.MULTILINE)
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(row["digest"][7:])).digest() for row in ROWS]
    two = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    three = hashlib.sha256(b"\x01" + two + leaves[2]).digest()
    assert published == [leaves[0].hex(), two.hex(), three.hex()]
    assert [Tree(MemoryLedger(ROWS)).root(size).hex() for size in (1, 2, 3)] == published

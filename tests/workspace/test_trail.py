"""The trail of a workspace: keys, checkpoints, anchors, and every attack on the log against one old checkpoint."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_mlgov.audit.entries import GENESIS, Draft, link
from jupyter_mlgov.audit.notes import Checkpoint, parse_note, sign_note
from jupyter_mlgov.audit.stored import COLUMNS, restore, store
from jupyter_mlgov.audit.tiles import Tree
from jupyter_mlgov.audit.verify import Verification
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.signing import load_key, make_key
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.integrations.sql.filling import fill_tiles, runner
from jupyter_mlgov.testing import NOON, FixedClock
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.trail import anchor_checkpoint, checkpoint, keys, origin, revoke, rotate, verify

NONE = Settings(actor="ana@example.org", anchors="none")


def fill(workspace: Workspace, count: int) -> None:
    workspace.record(
        *(Draft(action="cell.finished", subject="nb.ipynb", payload={"cell_id": f"c{at}", "outcome": "ok"}) for at in range(count))
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "space", NONE)
    fill(made, 300)
    return made


@pytest.fixture
def kept(workspace: Workspace) -> str:
    """A checkpoint somebody kept, with more entries written after it."""
    note, size = checkpoint(workspace)
    assert size == 302  # created, 300 cells, key
    fill(workspace, 20)
    return note


def rewrite(workspace: Workspace, change: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> Verification:
    """A forger who owns the file: changes rows, computes every digest and tile anew, and puts a whole new database in its place."""
    rows = change([dict(store(entry)) for entry in workspace.database.entries()])
    workspace.close()
    path = workspace.root / ".mlgov" / "mlgov.db"
    for file in path.parent.glob("mlgov.db*"):
        file.unlink()
    forged, previous = [], GENESIS
    for number, row in enumerate(rows, 1):
        old = restore([{**row, "payload_digest": str(Digest.of_text(str(row["payload"])))}[name] for name in COLUMNS])
        draft = Draft(action=old.action, subject=old.subject, payload=old.payload)
        forged.append(link(draft, seq=number, time=old.time, actor=old.actor, previous=previous))
        previous = forged[-1].digest
    journal = open_journal(path, FixedClock())
    with journal._backend.writing() as connection:
        connection.exec_driver_sql(f"INSERT INTO log VALUES ({','.join('?' * 9)})", [tuple(store(entry).values()) for entry in forged])
        fill_tiles(runner(connection, "?"))
    journal.close()
    for part in ("database", "people", "personal"):
        workspace.__dict__.pop(part, None)
    return verify(workspace)


def edited(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    rows[40]["payload"] = '{"cell_id":"forged","outcome":"ok"}'
    return rows


def swapped(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    rows[40], rows[41] = rows[41], rows[40]
    return rows


def shorter(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row for row in rows if row["action"] != "checkpoint.signed"][:200]


def backdated(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    rows[100]["time"] = rows[1]["time"]
    return rows


def without_one(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return rows[:40] + rows[41:]


def replaced(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    rows[0]["subject"] = "another"
    return [row for row in rows if row["action"] not in ("checkpoint.signed", "key.made")]


ATTACKS = {
    "edited": (edited, "changed, reordered or replaced"),
    "deleted": (without_one, "changed, reordered or replaced"),
    "reordered": (swapped, "changed, reordered or replaced"),
    "truncated": (shorter, "its end was cut off"),
    "back-dated": (backdated, "changed, reordered or replaced"),
    "replaced as a whole": (replaced, "the log was replaced as a whole"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_whoever_holds_one_old_checkpoint_detects(workspace: Workspace, kept: str, attack: str) -> None:
    """The forger recomputed every digest, so the log alone cannot tell: only the checkpoint can."""
    assert verify(workspace, [("kept.txt", kept)]).ok
    change, sentence = ATTACKS[attack]
    rewrite(workspace, change)
    answer = verify(workspace, [("kept.txt", kept)])
    assert not answer.ok
    assert any(line.startswith("kept.txt: ") and sentence in line for line in answer.broken), answer.broken


def test_a_log_that_only_grew_is_proven_up_to_the_checkpoint_and_says_what_is_after_it(workspace: Workspace, kept: str) -> None:
    answer = verify(workspace, [("kept.txt", kept)])
    assert answer.ok
    assert "kept.txt: the first 302 entries are the ones it was signed over." in answer.proven
    assert "the 21 after them" in answer.cannot_see


def test_a_log_restored_from_an_older_copy_is_detected(workspace: Workspace, tmp_path: Path) -> None:
    workspace.database.close()
    copy = (workspace.root / ".mlgov" / "mlgov.db").read_bytes()
    fill(workspace, 5)
    note, _ = checkpoint(workspace)
    workspace.database.close()
    for file in (workspace.root / ".mlgov").glob("mlgov.db*"):
        file.unlink()
    (workspace.root / ".mlgov" / "mlgov.db").write_bytes(copy)
    answer = verify(workspace, [("kept.txt", note)])
    assert not answer.ok
    assert "restored from an older copy" in answer.broken[0]


def test_a_forged_checkpoint_is_refused(workspace: Workspace, kept: str, tmp_path: Path) -> None:

    body = parse_note(kept).text
    forged = str(sign_note(body, make_key(tmp_path / "thief", body.split("\n")[0])))
    answer = verify(workspace, [("forged.txt", forged)])
    assert (answer.ok, answer.broken) == (False, ("forged.txt: it is forged or damaged: no key of this log signed it.",))
    assert not verify(workspace, [("changed.txt", kept.replace("\n302\n", "\n301\n"))]).ok
    assert not verify(workspace, [("page.txt", "<script>alert(1)</script>")]).ok


@pytest.mark.parametrize("more", [3, 0, 40])
def test_a_checkpoint_of_a_fork_with_the_same_origin_and_the_same_key_is_refused(
    workspace: Workspace, kept: str, tmp_path: Path, more: int
) -> None:
    """A copy of the folder went on by itself, shorter, as long or longer: its name, first entries and key are those of the original."""
    workspace.close()
    shutil.copytree(workspace.root, tmp_path / "fork")
    fork = Workspace(tmp_path / "fork", NONE)
    fork.record(Draft(action="cell.finished", subject="nb.ipynb", payload={"cell_id": "another", "outcome": "ok"}))
    fill(fork, more)
    fill(workspace, 10)
    theirs, size = checkpoint(fork)
    assert verify(fork, [("theirs.txt", theirs), ("kept.txt", kept)]).ok, "both of a log that grew from the same"
    answer = verify(workspace, [("theirs.txt", theirs)])
    assert not answer.ok
    sentence = "its end was cut off" if size > answer.checked else "changed, reordered or replaced"
    assert len(answer.broken) == 1 and sentence in answer.broken[0], answer.broken


def test_the_first_use_makes_one_key_and_its_entry(workspace: Workspace) -> None:
    checkpoint(workspace)
    checkpoint(workspace)
    (life,) = keys(workspace)
    assert (workspace.root / ".mlgov" / "keys" / f"{life.key.id}.pem").stat().st_mode & 0o777 == 0o600
    assert [entry.action for entry in workspace.journal.entries(after=301)] == ["key.made", "checkpoint.signed", "checkpoint.signed"]


def test_a_key_counts_from_its_entry_to_its_revocation_and_old_signatures_stay_valid(workspace: Workspace, kept: str) -> None:
    (first,) = keys(workspace)
    second = rotate(workspace)
    assert [life.revoked is None for life in keys(workspace)] == [False, True]
    newer, _ = checkpoint(workspace)
    assert second.id in [life.key.id for life in keys(workspace)]
    assert verify(workspace, [("old", kept), ("new", newer)]).ok
    revoke(workspace, second.id, "laptop lost")
    assert verify(workspace, [("old", kept), ("new", newer)]).ok
    with pytest.raises(NotReady, match="was revoked before"):
        revoke(workspace, first.key.id, "again")
    with pytest.raises(MlgovError, match='No signing key "12345678"'):
        revoke(workspace, "12345678", "x")


def test_a_key_does_not_vouch_for_a_log_of_before_it_was_made(workspace: Workspace, kept: str) -> None:
    """The entries are the true ones, and the key is: but whoever got hold of it later could have signed this."""
    (life,) = keys(workspace)
    size = life.made - 1
    signer = load_key(workspace.root / ".mlgov" / "keys", life.key)
    assert signer
    early = Checkpoint(origin=origin(workspace), size=size, root=Tree(workspace.ledger).root(size))
    answer = verify(workspace, [("early.txt", str(sign_note(early.body, signer))), ("kept.txt", kept)])
    assert [line for line in answer.broken if "was made later, at entry" in line] == list(answer.broken) != []


def test_a_signature_made_after_the_revocation_does_not_count(workspace: Workspace, kept: str) -> None:

    (life,) = keys(workspace)
    thief = load_key(workspace.root / ".mlgov" / "keys", life.key)
    assert thief
    revoke(workspace, life.key.id, "stolen")
    size, _ = workspace.journal.head()
    note = str(sign_note(Checkpoint(origin=origin(workspace), size=size, root=Tree(workspace.ledger).root(size)).body, thief))
    answer = verify(workspace, [("late.txt", note)])
    assert not answer.ok
    assert "its signature does not count: key" in answer.broken[0]
    assert "(stolen)" in answer.broken[0]
    assert verify(workspace, [("old", kept)]).ok


def test_an_expired_key_signs_nothing_and_its_late_signatures_do_not_count(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    space = Workspace.create(tmp_path / "space", NONE)
    space = Workspace(tmp_path / "space", NONE, clock=clock)
    clock.advance(timedelta(days=3650))
    early, _ = checkpoint(space)
    clock.advance(timedelta(days=366))
    fill(space, 1)
    with pytest.raises(NotReady, match=r"The signing key \w+ expired on .* `mlgov audit keys rotate`"):
        checkpoint(space)
    assert verify(space, [("early", early)]).ok

    (life,) = keys(space)
    signer = load_key(space.root / ".mlgov" / "keys", life.key)
    assert signer
    size, _ = space.journal.head()
    late = str(sign_note(Checkpoint(origin=origin(space), size=size, root=Tree(space.ledger).root(size)).body, signer))
    assert "had expired" in verify(space, [("late", late)]).broken[0]
    rotate(space)
    assert verify(space, [("new", checkpoint(space)[0])]).ok


def test_a_clock_set_back_is_recorded_and_said(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    Workspace.create(tmp_path / "space", NONE)
    space = Workspace(tmp_path / "space", NONE, clock=clock)
    clock.advance(timedelta(days=3650))
    fill(space, 1)
    clock.advance(timedelta(days=-2))
    fill(space, 1)
    assert [entry.action for entry in space.journal.entries(after=1)] == ["cell.finished", "clock.setback", "cell.finished"]
    answer = verify(space)
    assert answer.ok
    assert any("The clock was set back at entry 3" in line for line in answer.unproven)


def test_a_back_dated_entry_slipped_past_the_journal_is_named(workspace: Workspace) -> None:
    def slipped(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        rows[-1]["time"] = "2020-01-01T00:00:00.000000Z"
        return rows

    answer = rewrite(workspace, slipped)
    assert not answer.ok
    assert "Entry 301 was back-dated" in answer.broken[0]


def test_a_changed_tile_is_never_green(workspace: Workspace) -> None:
    workspace.database.close()
    with closing(sqlite3.connect(workspace.root / ".mlgov" / "mlgov.db")) as link:
        (sql,) = link.execute("SELECT sql FROM sqlite_master WHERE name = 'tiles_keep_words'").fetchone()
        link.execute("DROP TRIGGER tiles_keep_words")
        link.execute("UPDATE tiles SET root = zeroblob(32)")
        link.execute(sql)
        link.commit()
    answer = verify(workspace)
    assert not answer.ok
    assert "its tiles were changed" in answer.sentence


# -- anchors ----------------------------------------------------------------------------------------------------------


def test_checkpoints_are_left_with_git_and_a_file_and_witness_against_a_replaced_log(tmp_path: Path) -> None:
    for words in (("init", "-q"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    elsewhere = tmp_path / "elsewhere.txt"
    space = Workspace.create(tmp_path / "space", Settings(actor="ana", anchors=f"git,file:{elsewhere}"))
    fill(space, 10)
    left = anchor_checkpoint(space)
    assert (left.kept, left.problems) == (("git", f"file {elsewhere}"), ())
    tags = subprocess.run(
        ["git", "for-each-ref", "refs/tags", "--format=%(objecttype) %(refname:short)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert tags.stdout.startswith("tag mlgov/space-")
    answer = verify(space)
    assert answer.ok
    assert sum("holds 1 checkpoint of this log" in line for line in answer.proven) == 2
    answer = rewrite(space, replaced)
    assert not answer.ok
    assert sum("the log was replaced as a whole" in line for line in answer.broken) == 2


def test_an_anchor_that_lost_its_checkpoint_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    space = Workspace.create(tmp_path / "space", Settings(actor="ana", anchors=f"file:{elsewhere}"))
    anchor_checkpoint(space)
    elsewhere.write_text("")
    answer = verify(space)
    assert not answer.ok
    assert "1 of 1 checkpoints that were left there are gone" in answer.broken[0]
    elsewhere.unlink()
    answer = verify(space)
    assert any("could not be asked" in line for line in answer.unproven)


def test_an_anchor_that_does_not_take_it_is_recorded_and_told(tmp_path: Path) -> None:
    space = Workspace.create(tmp_path / "space", Settings(actor="ana", anchors="git,https://127.0.0.1:9/hook,file:/proc/none/x"))
    left = anchor_checkpoint(space)
    assert left.kept == ()
    assert len(left.problems) == 3
    assert [entry.payload["anchor"] for entry in space.journal.entries(actions=("checkpoint.failed",))] == [
        "git",
        "webhook 127.0.0.1",
        "file /proc/none/x",
    ]


@pytest.mark.parametrize("word", ["ftp://x", "http://example.org/hook", "file:", "s3", "rfc3161:nonsense", "'; DROP TABLE log; --"])
def test_a_word_that_is_no_anchor_is_refused(tmp_path: Path, word: str) -> None:
    space = Workspace.create(tmp_path / "space", Settings(actor="ana", anchors=word))
    with pytest.raises(MlgovError, match="MLGOV_ANCHORS"):
        anchor_checkpoint(space)

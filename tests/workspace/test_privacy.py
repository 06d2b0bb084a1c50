"""A person is erased from the trail by destroying a key: nothing readable is left, the log still verifies, and a legal hold stops it."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlgov.audit.entries import ACTIONS, Draft
from jupyter_mlgov.audit.personal import PersonalJournal
from jupyter_mlgov.audit.retention import CLASSES, due, years_of
from jupyter_mlgov.cli.trail import audit
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import SystemClock
from jupyter_mlgov.core.errors import NotReady, UsageError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.promotion.counting import approving, ignored
from jupyter_mlgov.promotion.facts import Review
from jupyter_mlgov.promotion.intended import INTENDING
from jupyter_mlgov.testing import ANA, BEN, NOON, FixedClock, digest
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.privacy import erase, hold, retention, standing
from jupyter_mlgov.workspace.trail import checkpoint, verify
from tests.postgres import schema

COMMENT = "Carla Riemann lives in Berlin; <b>'; DROP TABLE people; --"


def reviewed(workspace: Workspace) -> None:
    payload = {"actor": plain(BEN), "verdict": "approve", "comment": COMMENT, "nested": [{"approved_by": [plain(ANA)]}]}
    workspace.journal.append([Draft(action="review.given", subject="credit", payload=payload)], actor=BEN)
    workspace.journal.append([Draft(action="session.started", subject="nb.ipynb")], actor=ANA)


@pytest.fixture(params=["sqlite", "postgres"])
def space(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    url = schema(request.getfixturevalue("postgres")) if request.param == "postgres" else ""
    made = Workspace.create(tmp_path / "space", Settings(actor="boss@example.org", anchors="none", database_url=url))
    reviewed(made)
    return made


def everything_in_storage(workspace: Workspace) -> bytes:
    """Every byte of the database files; for PostgreSQL every row of every table."""
    if not workspace.settings.database_url:
        return b"".join(path.read_bytes() for path in (workspace.root / ".mlgov").glob("mlgov.db*"))
    with workspace.database._backend.reading() as connection:
        tables = ("log", "outbox", "people", "tiles")
        return "".join(str(connection.exec_driver_sql(f"SELECT * FROM {table}").all()) for table in tables).encode()


def test_the_log_never_holds_a_name_and_readers_see_it_all_the_same(space: Workspace) -> None:
    review = next(space.journal.entries(actions=("review.given",)))
    assert review.actor == BEN
    assert review.payload["comment"] == COMMENT
    assert review.payload["actor"] == plain(BEN)
    assert review.payload["nested"] == [{"approved_by": [plain(ANA)]}]
    stored = everything_in_storage(space)
    for word in (BEN.id, BEN.name, ANA.id, "Carla", "boss@example.org"):
        assert word.encode() not in stored
    raw = next(space.database.entries(actions=("review.given",)))
    assert raw.actor.id.startswith("person:")
    assert (raw.digest, raw.seq) == (review.digest, review.seq)


def test_erasing_a_person_leaves_nothing_readable_and_the_log_verifies_against_an_old_checkpoint(space: Workspace) -> None:
    kept, _ = checkpoint(space)
    keys = {person.pseudonym: key for person in space.people.everybody() if (key := space.people._known[person.pseudonym][1])}
    (person,) = erase(space, " Ben@Example.ORG ", "asked for it")
    again = Workspace(space.root, space.settings)
    for workspace in (space, again):
        review = next(workspace.journal.entries(actions=("review.given",)))
        assert review.actor == Actor(id=person.pseudonym, source=BEN.source)
        assert review.payload["comment"] == "(erased)"
        assert review.payload["nested"] == [{"approved_by": [plain(ANA)]}]
        assert verify(workspace, [("kept", kept)]).ok
    assert keys[person.pseudonym] not in everything_in_storage(space)
    (entry,) = again.journal.entries(actions=("person.erased",))
    assert (entry.subject, entry.payload["reason"], entry.actor.id) == (person.pseudonym, "asked for it", "boss@example.org")
    assert BEN.id not in str(list(again.journal.entries()))


def test_whoever_comes_back_after_an_erasure_is_somebody_new(space: Workspace) -> None:
    (old,) = erase(space, BEN.id, "asked")
    space.journal.append([Draft(action="session.started", subject="nb.ipynb")], actor=BEN)
    raw = list(space.database.entries())[-1]
    assert raw.actor.id.startswith("person:")
    assert raw.actor.id != old.pseudonym
    assert list(space.journal.entries())[-1].actor == BEN


def test_a_person_erased_by_another_process_is_not_written_under_the_old_key(space: Workspace) -> None:
    other = Workspace(space.root, space.settings)
    (old,) = erase(other, BEN.id, "asked")
    space.journal.append([Draft(action="session.started", subject="nb.ipynb")], actor=BEN)
    assert list(space.database.entries())[-1].actor.id != old.pseudonym
    assert list(other.journal.entries())[-1].actor == BEN


def test_a_legal_hold_refuses_the_erasure_with_a_sentence_and_an_entry(space: Workspace) -> None:
    hold(space, BEN.id, "case 4711")
    assert standing(space) == {BEN.id: "case 4711"}
    with pytest.raises(NotReady, match=r"were not erased: a legal hold stands against it \(case 4711\)"):
        erase(space, BEN.id, "asked")
    (entry,) = space.journal.entries(actions=("erasure.refused",))
    assert "case 4711" in str(entry)
    assert next(space.journal.entries(actions=("review.given",))).actor == BEN
    hold(space, BEN.id, "case closed", lift=True)
    assert standing(space) == {}
    erase(space, BEN.id, "asked")
    with pytest.raises(NotReady, match="No legal hold stands"):
        hold(space, ANA.id, "x", lift=True)


def test_somebody_unknown_is_named_with_the_nearest_known_one(space: Workspace) -> None:
    with pytest.raises(UsageError, match=r"Did you mean .ben@example\.org."):
        erase(space, "bem@example.org", "asked")
    with pytest.raises(NotReady, match="is gone already"):
        erase(space, "person:" + "0" * 32, "asked")


def test_a_key_moved_to_another_persons_row_opens_nothing(tmp_path: Path) -> None:
    """The pseudonym is the digest of the sealed name, so swapping rows does not put words into another mouth."""
    with closing(open_journal(tmp_path / "mlgov.db", SystemClock())) as journal:
        personal = PersonalJournal(journal, journal.people())
        personal.append([Draft(action="session.started", subject="nb.ipynb")], actor=ANA)
        personal.append([Draft(action="session.started", subject="nb.ipynb")], actor=BEN)
        with journal._backend.writing() as connection:
            rows = connection.exec_driver_sql("SELECT person, tag, key, sealed FROM people").all()
            connection.exec_driver_sql("DELETE FROM people")
            swapped = [(rows[0][0], *rows[1][1:]), (rows[1][0], *rows[0][1:])]
            connection.exec_driver_sql("INSERT INTO people VALUES (?, ?, ?, ?)", swapped)
        shown = [entry.actor.id for entry in PersonalJournal(journal, journal.people()).entries()]
        assert all(who.startswith("person:") for who in shown)


@pytest.mark.parametrize(
    ("action", "years"),
    [("cell.finished", 5), ("session.started", 5), ("validation.done", 7), ("review.given", 7), ("promotion.decided", 10)],
)
def test_each_kind_of_act_has_its_class_of_retention(action: str, years: int) -> None:
    assert years_of(action) == years


def test_every_act_is_in_a_class_that_names_it_and_what_moved_or_lifted_is_kept_as_long_as_the_decision() -> None:
    """A rollback says what is in production like a decision does, and a waiver opens a gate; both once fell into the shortest class."""
    named = tuple(word for words in CLASSES.values() for word in words)
    assert [action for action in ACTIONS if not action.startswith(named)] == []
    assert {years_of(action) for action in (*INTENDING, "waiver.asked", "waiver.answered", "evidence.refuted")} == {10}


def test_retention_names_the_persons_nothing_asks_for_any_more(tmp_path: Path) -> None:
    clock = FixedClock(datetime.fromisoformat("2040-02-29T12:00:00+00:00"))
    Workspace.create(tmp_path / "space", Settings(actor="boss@example.org", anchors="none"))
    space = Workspace(tmp_path / "space", Settings(actor="boss@example.org", anchors="none"), clock=clock)
    reviewed(space)
    (started,) = space.journal.entries(actions=("session.started",))
    assert due(started).isoformat() == "2045-02-28T12:00:00+00:00"
    assert retention(space)[1] == ("boss@example.org",)  # made by the machine's clock, more than ten years before
    clock.advance(timedelta(days=6 * 366))
    classes, over = retention(space)
    assert [one.years for one in classes] == [5, 7, 10]
    assert set(over) == {"boss@example.org", ANA.id}
    hold(space, ANA.id, "case")
    assert ANA.id not in retention(space)[1]


def test_the_shell_erases_holds_and_lists(tmp_path: Path) -> None:
    space = Workspace.create(tmp_path / "space", Settings(actor="boss@example.org", anchors="none"))
    reviewed(space)

    def run(*words: str) -> str:
        done = CliRunner().invoke(audit, [*words, "-w", str(space.root)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "under legal hold" in run("hold", "place", BEN.id, "--reason", "case")
    assert f"{BEN.id}  case" in run("hold", "list")
    run("hold", "lift", BEN.id, "--reason", "closed")
    assert "No legal hold stands." in run("hold", "list")
    assert "The trail now says person:" in run("erase", BEN.id, "--reason", "asked")
    assert " 7 years" in run("retention")
    assert BEN.id not in run("log")


def test_the_approval_of_a_model_whose_author_was_erased_does_not_count() -> None:
    """He could have come back under the same name, and nobody could tell: the gate stays shut and says why."""
    given = Review(actor=BEN, verdict="approve", report=digest("report"), comment="", time=NOON)
    erased = Actor(id="person:" + "0" * 32, source="git")
    assert approving((given,), given.report, (ANA,), ()) == (given,)
    assert approving((given,), given.report, (ANA, erased), ()) == ()
    assert "an author was erased from the trail" in ignored((given,), given.report, (ANA, erased), ())[0]

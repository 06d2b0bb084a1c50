"""The laws of the portfolio over random histories: a past day reads as it read on that day, and a rebuild gives the same rows."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.integrations.sql import open_journal
from jupyter_mlgov.integrations.sql.journal import SqlJournal
from jupyter_mlgov.integrations.sql.tables import READ, folded
from jupyter_mlgov.integrations.sql.tables import log as table_of_log
from jupyter_mlgov.monitoring.portfolio.folding import VERSION
from jupyter_mlgov.monitoring.portfolio.projecting import catch_up, rebuild
from jupyter_mlgov.promotion.intended import INTENDING, intended
from jupyter_mlgov.testing import BEN, NOON, FixedClock, MemoryJournal
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.portfolio import Point, portfolio
from jupyter_mlgov.workspace.portfolio import point as at_point
from tests.monitoring import histories
from tests.monitoring.histories import act, spread
from tests.postgres import schema

MODELS = ("credit", "fraud", "churn")
KINDS = (
    *("ran", "validated", "partial", "asked", "given", "granted", "refused", "staged", "applied", "back", "emptied", "done", "failed"),
    *("canary", "found", "settled", "form", "watched", "reproduced", "declared", "claimed", "other"),
)
STEP = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(MODELS),
    st.integers(0, 3),
    st.sampled_from((-30.0, -0.5, 0.0, 0.5, 7.0, 29.0, 31.0, 600.0, 2000.0)),
)
HISTORY = st.lists(STEP, min_size=1, max_size=40)


def _draft(kind: str, model: str, number: int, when: datetime, before: tuple[AuditEntry, ...]) -> Draft:
    demands = [
        histories.demand("A", "v.one", ("pass", "fail", "inconclusive", None)[number]),
        histories.demand("B", "form:B", "pass"),
        histories.demand("C", "v.two", ("pass", "fail", "warn", None)[number], standing="readiness"),
    ]
    newest = {entry.action: entry for entry in before if entry.subject == model}
    decision, finding = newest.get("promotion.decided"), newest.get("evidence.refuted")
    version, report = str(number), f"{model}{number}"
    data = {"loans.csv": histories.digest(f"d{number}"), f"{model}.csv": histories.digest("same")}
    named = {
        "ran": lambda: histories.ran(model),
        "validated": lambda: histories.validated(model, report, demands, data=data, tier=number or 1),
        "partial": lambda: histories.validated(model, report, demands, note="partial"),
        "asked": lambda: histories.asked(model, report, due=(when + timedelta(days=1)).isoformat() if number else ""),
        "given": lambda: histories.given(model, report, when, "approve" if number else "refuse"),
        "granted": lambda: histories.decided(model, version, report=report),
        "refused": lambda: histories.decided(model, version, granted=False),
        "staged": lambda: histories.decided(model, version, stage="staging"),
        "applied": lambda: histories.applied(model, version, decision) if decision else act("limits.set", model),
        "back": lambda: act("rollback.ordered", model, stage="production", to=version, **{"from": str(3 - number)}),
        "emptied": lambda: act("stage.emptied", model, stage="production"),
        "done": lambda: act("rollback.done", model, stage="production"),
        "failed": lambda: act("rollback.failed", model, stage="production"),
        "canary": lambda: act("canary.settled", model, canary=f"c{number % 2}", agreed=(True, False, None, True)[number]),
        "found": lambda: act("evidence.refuted", model, reason="drift", due="2026-11-25" if number else ""),
        "settled": lambda: act("finding.settled", model, finding=finding.digest if finding else ""),
        "form": lambda: act("form.answered", model, control="A"),
        "watched": lambda: act("monitor.ran", model),
        "reproduced": lambda: act("reproduce.done", model, grade="equal"),
        "declared": lambda: act("inventory.declared", model, fields={"purpose": f"p{number}" if number else None}),
        "claimed": lambda: act("review.claimed", model, review=number),
        "other": lambda: act("limits.set", model),
    }
    return named[kind]()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables: made once, copied for every example."""
    folder = tmp_path_factory.mktemp("empty")
    open_journal(folder / "mlgov.db", FixedClock()).close()
    return folder / "mlgov.db"


def entries_of(steps: list[Any], moments: list[datetime]) -> list[dict[str, object]]:
    """The rows of a log with one act a step, each at its moment, and the entries that the journal itself writes at a setback."""
    clock = FixedClock(NOON)
    journal = MemoryJournal(clock)
    for (kind, model, number, _), when in zip(steps, moments, strict=True):
        clock.advance(when - clock.now())
        journal.append([_draft(kind, model, number, when, tuple(journal.entries()))], actor=BEN)
    return journal.rows


def told(folder: Path, empty: Path, log: list[dict[str, object]]) -> tuple[Workspace, SqlJournal]:
    """A workspace with that log; its clock stands after all of it."""
    (folder / ".mlgov").mkdir(parents=True)
    shutil.copy(empty, folder / ".mlgov" / "mlgov.db")
    found = Workspace(folder, Settings(actor="ann"), clock=FixedClock(NOON + timedelta(days=400)))
    add(found.database, log)
    return found, found.database


def add(journal: SqlJournal, log: list[dict[str, object]]) -> None:
    """In one transaction: a test of ten thousand appends would mostly wait for the disk."""
    backend = journal._backend
    if log:
        with backend.writing() as connection:
            connection.execute(table_of_log.insert(), log)


def rows(journal: SqlJournal) -> dict[str, list[tuple[Any, ...]]]:
    with journal._backend.reading() as connection:
        return {table.name: sorted(tuple(row) for row in connection.execute(table.select())) for table in READ}


@settings(max_examples=30)
@given(steps=HISTORY, cut=st.floats(0, 1))
def test_as_of_a_moment_is_what_would_have_been_printed_at_it(empty: Path, steps: list[Any], cut: float) -> None:
    """as-of(t) on the whole log == now on the log as it was at t, for figures, inventory, order of looking, findings, reviews and graph."""
    moments = spread(NOON, [gap for *_, gap in steps])
    moment = moments[min(len(moments) - 1, int(cut * len(moments)))]
    log = entries_of(steps, moments)
    early = next((place for place, row in enumerate(log) if str(row["time"]) > stamp(moment)), len(log))
    with TemporaryDirectory() as name:
        (whole, _), (past, _) = told(Path(name) / "whole", empty, log), told(Path(name) / "past", empty, log[:early])
        with closing(whole), closing(past):
            past.clock = FixedClock(moment)
            then = portfolio(at_point(whole, moment), whole, inventory=True)
            now = portfolio(at_point(past), past, inventory=True)
            assert plain(then) == plain(now)
            assert then.entries == early


@settings(max_examples=30)
@given(steps=HISTORY, piece=st.integers(1, 7), looks=st.sets(st.integers(0, 39)))
def test_rows_added_bit_by_bit_are_the_rows_of_a_rebuild(empty: Path, steps: list[Any], piece: int, looks: set[int]) -> None:
    log = entries_of(steps, spread(NOON, [gap for *_, gap in steps]))
    cuts = sorted({0, len(log), *(place for place in looks if place < len(log))})
    with TemporaryDirectory() as name:
        whole, journal = told(Path(name) / "whole", empty, [])
        with closing(whole):
            for start, stop in pairwise(cuts):
                add(journal, log[start:stop])
                assert catch_up(journal, journal.read_tables(), piece=piece) == stop
            grown = rows(journal)
            rebuild(journal, journal.read_tables())
            assert rows(journal) == grown
            assert grown["portfolio_position"] == [(1, len(log), VERSION)]


@settings(max_examples=30)
@given(steps=HISTORY)
def test_the_version_in_a_stage_is_the_one_that_champion_names(empty: Path, steps: list[Any]) -> None:
    """Two folds of the same decisions, written apart, agree."""
    log = entries_of(steps, spread(NOON, [gap for *_, gap in steps]))
    with TemporaryDirectory() as name:
        whole, journal = told(Path(name) / "whole", empty, log)
        with closing(whole):
            at, entries = at_point(whole), tuple(journal.entries(actions=INTENDING))
            for placed in at.tables.standings(at.upto):
                for stage in ("staging", "production"):
                    found = intended(entries, placed.standing.model, stage)
                    assert placed.standing.held.get(stage, "") == (found.version if found else "")


def test_postgresql_holds_the_same_rows_and_gives_the_same_answers(empty: Path, tmp_path: Path, postgres: str) -> None:
    steps = [(kind, model, number, 7.0) for number in range(4) for model in (*MODELS, "nul\x00l") for kind in KINDS]
    moments = spread(NOON, [gap for *_, gap in steps])
    log = entries_of(steps, moments)
    whole, journal = told(tmp_path / "whole", empty, log)
    other = open_journal(schema(postgres), FixedClock())
    with closing(whole), closing(other):
        add(other, log)
        here, there = journal.read_tables(), other.read_tables()
        assert catch_up(journal, here) == catch_up(other, there, piece=17) == len(log)
        for moment in (moments[0], moments[40], moments[-1]):
            upto = here.at(moment)
            assert upto == there.at(moment)
            ours, theirs = (portfolio(Point(moment=moment, upto=upto, tables=tables), whole, inventory=True) for tables in (here, there))
            assert plain(ours) == plain(theirs)


def test_tables_of_another_fold_are_folded_again(empty: Path, tmp_path: Path) -> None:
    whole, journal = told(tmp_path / "whole", empty, entries_of([("validated", "credit", 1, 1.0)], [NOON]))
    with closing(whole):
        assert at_point(whole).upto == 1
        with journal._backend.writing() as connection:
            connection.execute(folded.update().values(version=0))
        assert journal.read_tables().position() == -1
        at = at_point(whole)
        assert (at.upto, len(list(at.tables.standings(1)))) == (1, 1)

"""Whatever a payload holds, the fold goes on: what is not what it should be reads as nothing said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.integrations.sql.portfolio_rows import Shared, edges_of, standing_of, state_row
from jupyter_mlgov.monitoring.portfolio.attention import attention, due_findings, due_reviews
from jupyter_mlgov.monitoring.portfolio.facts import Standing
from jupyter_mlgov.monitoring.portfolio.folding import ACTIONS, advance
from jupyter_mlgov.monitoring.portfolio.inventory import entry
from jupyter_mlgov.monitoring.portfolio.store import Placed
from jupyter_mlgov.testing import BEN, NOON, MemoryJournal

KEYS = (
    *(
        "notebook",
        "stage",
        "report",
        "digest",
        "declared",
        "docket",
        "team",
        "register",
        "tier",
        "stages",
        "findings",
        "inventory",
        "fields",
    ),
    *(
        "dependencies",
        "due",
        "reason",
        "finding",
        "canary",
        "agreed",
        "version",
        "to",
        "from",
        "decision",
        "verdict",
        "actor",
        "requirements",
    ),
    *(
        "requirements",
        "subject",
        "data",
        "feeds",
        "grade",
        "review",
        "answer",
        "model",
        "reasons",
        "standing",
        "control",
        "owner",
        "id",
        "name",
    ),
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
WORDS = st.sampled_from(("production", "in force", "readiness", "granted", "fail", "1", "2026-13-40", "2026-11-24", "approve", ""))
VALUES = st.recursive(
    LEAVES | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5), max_leaves=12
)
ACTS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8)), min_size=1, max_size=6)


@given(ACTS)
def test_no_payload_stops_the_fold_or_its_readers(acts: list[tuple[str, dict[str, Any]]]) -> None:
    journal = MemoryJournal()
    journal.append([Draft(action=action, subject="m", payload=payload) for action, payload in acts], actor=BEN)
    now: Standing | None = None
    for one in journal.entries():
        now, _ = advance(now, one, lambda _: None)
    assert now is not None
    shared = Shared()
    *_, said, data, ahead, body = state_row(now, shared)
    texts = [shared.texts[str(name)] for name in (said, data, ahead)]
    again = standing_of(str(body), *texts)
    assert state_row(again, Shared()) == state_row(now, Shared())
    later = NOON + timedelta(days=9)
    attention(again, later)
    due_reviews(again, later)
    due_findings(again, later)
    entry(Placed(standing=again, watched=""), str)
    edges_of("m", str(body), texts[0], texts[1])


@pytest.mark.parametrize("due", ["soon", "2026-13-40", "2026-11-25T10:00:00"])
def test_a_deadline_that_cannot_be_read_is_one_that_nobody_said(due: str) -> None:
    journal = MemoryJournal()
    payload = {"notebook": "n", "stage": "production", "report": "r", "due": due}
    journal.append([Draft(action="review.asked", subject="m", payload=payload)], actor=BEN)
    (one,) = journal.entries()
    now, _ = advance(None, one, lambda _: None)
    assert [review.hours for review in due_reviews(now, NOON)] == [None]

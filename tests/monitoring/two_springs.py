"""A house with a past: a hundred and twenty models that were there in March 2024, and what happened to two of them in May."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.testing import BEN, FixedClock
from jupyter_mlgov.workspace import Workspace
from tests.monitoring.histories import act, applied, asked, decided, demand, given, validated

MARCH, MAY = datetime(2024, 3, 4, 12, tzinfo=UTC), datetime(2024, 5, 6, 12, tzinfo=UTC)
MODELS = 120
HOSTILE = "<img src=x onerror=window.hacked=1>"


def told(root: Path) -> None:
    """Write the house's trail into a new workspace in `root`.

    March: every model is validated, "model-000" is let into production, a review of "model-001" has a deadline on the 7th.
    May: the rollback of "model-000" works, the review is answered after two months, something is found against "model-002".
    """
    (root / ".mlgov").mkdir()
    clock = FixedClock(MARCH)
    house = Workspace(root, Settings(actor="ann"), clock=clock)
    names = [f"model-{number:03}" for number in range(MODELS)]
    answers = [demand("A", "v.one", "pass"), demand("B", "v.two", "pass")]
    house.personal.append([validated(name, name, answers, tier=1 + place % 3) for place, name in enumerate(names)], actor=BEN)
    first = house.personal.append([decided("model-000", "1")], actor=BEN)[0]
    house.personal.append([applied("model-000", "1", first)], actor=BEN)
    second = house.personal.append([decided("model-000", "2")], actor=BEN)[0]
    house.personal.append([applied("model-000", "2", second), asked("model-001", "model-001", due="2024-03-07T12:00:00Z")], actor=BEN)
    clock.advance(MAY - MARCH)
    house.personal.append(
        [
            act("rollback.ordered", "model-000", stage="production", to="1", **{"from": "2"}),
            act("rollback.done", "model-000", stage="production", to="1", **{"from": "2"}),
            given("model-001", "model-001", MAY),
            act("evidence.refuted", "model-002", version="1", reason=f"drift of {HOSTILE}", severity="high", due="2024-05-20"),
            act("inventory.declared", HOSTILE, fields={"tier": "2"}, names=["tier"], source="hand", origin="hand", version=1),
        ],
        actor=BEN,
    )
    clock.advance(timedelta(hours=1))
    house.close()

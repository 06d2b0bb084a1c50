"""Whoever does exactly what `why` lists stands before an open gate, and nothing on the list could be left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.team import parse_team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion import docket
from jupyter_mlgov.promotion.data import KeptData
from jupyter_mlgov.promotion.facts import Decision, Limit
from jupyter_mlgov.promotion.why import shortest
from tests.promotion.world import ANA, BOB, CARL, World

FIVE = Limit(name="traffic", most=0.05)
PUSHED = KeptData(path="data.parquet", state="pushed")


class Room:
    """A world, what its asker says and finds, and the deed for each thing that `why` lists."""

    def __init__(self, start: dict[str, Any]) -> None:
        rule = f"approvals = {start['approvals']}\nevidence_days = 30\ndrill_days = 60\nneeds = {list(start['needs'])}".replace("'", '"')
        gate = f"[promotion.gates.{start['stage']}]\n{rule}\n"
        self.world = World(parse_team(f'[model]\nname = "credit"\nnotebook = "credit.ipynb"\n[policy]\npacks = ["p"]\n{gate}'))
        self.stage = start["stage"]
        self.asked: dict[str, Any] = {"data": (KeptData(path="data.parquet", state=start["data"]),), "git_problem": start["git"]}
        self.drill() if start["drilled"] else None
        if start["judged"]:
            self.world.validate(start["failing"])
            if start["judged"] == "old":
                self.world.clock.advance(timedelta(days=40))
            for who in start["reviewers"]:
                self.world.review(who, start["word"], limits=(FIVE,) if start["word"] == "approve" else ())
        if start["let_in"] and start["stage"] == "production":
            self.world.ask("staging", data=(PUSHED,))
        self.world.edited = start["edited"]

    def decision(self) -> Decision:
        return docket.decide(self.world.docket(self.stage, **self.asked), self.world.entries())

    def drill(self) -> None:
        self.world.write(ANA, "rollback.drilled", stage=self.stage, outcome="drilled")

    def mend(self) -> None:
        self.world.train(ANA)
        self.world.validate()

    def reviewed(self) -> None:
        """There is nothing to read, and so nobody to approve it, where there is no report."""
        if self.world.report is None:
            return
        digest = self.world.report.digest
        for who in (BOB, CARL):
            self.world.review(who, limits=(FIVE,))
            self.world.write(who, "review.reran", report=digest, found=digest)

    def through_staging(self) -> None:
        """`mlgov promote staging`, with what `mlgov why staging` lists done before."""
        stage, self.stage = self.stage, "staging"
        for _ in range(3):
            for reason in shortest(self.decision()):
                self.do(reason.code)
        self.world.ask("staging", **self.asked)
        self.stage = stage

    def do(self, code: str) -> None:
        """What the sentence beside `code` tells somebody to do, done."""
        deeds: dict[str, Callable[[], Any]] = {
            "step-stale": lambda: self.world.train(ANA),
            "validate": self.world.validate,
            "no-report": self.world.validate,
            "old-evidence": self.world.validate,
            "verdict-fail": self.mend,
            "refused": self.mend,
            "approvals": self.reviewed,
            "no-rerun": self.reviewed,
            "review": self.reviewed,
            "no-drill": self.drill,
            "previous-stage": self.through_staging,
            "data-not-kept": lambda: self.asked.update(data=(PUSHED,)),
            "data-not-pushed": lambda: self.asked.update(data=(PUSHED,)),
            "limit-unsaid": lambda: self.asked.update(limits=(FIVE,)),
            "committers-unknown": lambda: self.asked.update(git_problem=""),
        }
        deeds[code]()


# Reasons whose remedy is one deed, and deeds that do another one's work as well: who leaves one of them out does none of the others.
MENDS = {"verdict-fail", "refused"}
MEASURES = {"validate", "no-report", "old-evidence"}
READS = {"approvals", "no-rerun", "review"}


def done_with(code: str) -> set[str]:
    """Every code whose deed does the work of `code`'s too: mending trains and measures anew."""
    if code in MENDS:
        return MENDS | READS if code == "refused" else MENDS  # whoever refused and reads again may approve
    if code in MEASURES or code == "step-stale":
        return {code, *MENDS} | (MEASURES if code in MEASURES else set())
    return READS if code in READS else {code}


STARTS = st.fixed_dictionaries(
    {
        "stage": st.sampled_from(["staging", "production"]),
        "approvals": st.integers(0, 2),
        "needs": st.sampled_from([(), ("pushed-data",), ("rerun",), ("pushed-data", "rerun")]),
        "data": st.sampled_from(["pushed", "not pushed", "no remote", "untracked", "unknown"]),
        "git": st.sampled_from(["", "", "git is not there"]),
        "drilled": st.booleans(),
        "judged": st.sampled_from(["new", "new", "old", ""]),
        "failing": st.sampled_from([None, None, Severity.HIGH]),
        "reviewers": st.sampled_from([(), (BOB,), (BOB, CARL)]),
        "word": st.sampled_from(["approve", "approve", "refuse"]),
        "let_in": st.booleans(),
        "edited": st.booleans(),
    }
)


@settings(max_examples=60, deadline=None)
@given(STARTS)
def test_who_does_what_is_listed_stands_before_an_open_gate_and_nothing_listed_is_superfluous(start: dict[str, Any]) -> None:
    """A new report needs new words, and words that set a limit ask for it: then the list is asked for again, and is shorter each time."""
    room = Room(start)
    first = [reason.code for reason in shortest(room.decision())]
    rounds = 0
    while room.decision().reasons:
        rounds += 1
        assert rounds <= 4, [reason.code for reason in shortest(room.decision())]
        for reason in shortest(room.decision()):
            room.do(reason.code)
    if rounds != 1 or "previous-stage" in first:  # going through staging does what staging lists, and so more than one thing
        return
    for left_out in first:
        lazy = Room(start)
        for code in first:
            lazy.do(code) if code not in done_with(left_out) else None
        assert lazy.decision().reasons, f"{left_out} was listed among {first}, and without it the gate opened"


@pytest.mark.parametrize(("approvals", "opens"), [(0, False), (1, True)])
def test_a_waiver_that_waits_is_said_with_the_command_that_answers_it(approvals: int, opens: bool) -> None:
    world = World()
    world.validate(Severity.HIGH)
    world.review(BOB)
    asked = world.waive(ANA)
    for who in (CARL,)[:approvals]:
        world.answer(who, asked)
    told = shortest(world.ask())
    assert (not told) is opens
    if told:
        assert f"`mlgov waive --approve {asked.seq}`" in told[0].next


@pytest.mark.parametrize(
    ("state", "told"),
    [("untracked", 'mlgov track "data.parquet"'), ("no remote", "dvc remote add"), ("not pushed", "dvc push"), ("unknown", "dvc push")],
)
def test_at_a_gate_that_asks_for_pushed_data_the_command_is_the_one_that_helps(state: Any, told: str) -> None:
    world = World(parse_team('[model]\nname = "credit"\n[policy]\npacks = ["p"]\n[promotion.gates.staging]\nneeds = ["pushed-data"]\n'))
    world.validate()
    world.review(BOB)
    (todo,) = shortest(world.ask(data=(KeptData(path="data.parquet", state=state),)))
    assert told in todo.next
    assert todo.fix
    assert told in todo.fix.command
    assert world.opens(data=(PUSHED,))

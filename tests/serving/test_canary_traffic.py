"""A fraud model in traffic, end to end: the real replica, trail, registry and log of predictions; hours pass on a simulated clock.

The stream is generated: customers with a few payments, fraud in bursts, labels that come back days later. Requests go through the
service of a real replica one by one (what HTTP adds is tested elsewhere).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from jupyter_mlgov.cli.canary import canary as canary_cli
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.promotion.facts import Limit
from jupyter_mlgov.rollout.serving import service
from jupyter_mlgov.rollout.serving.lineup import position
from jupyter_mlgov.rollout.serving.protocol import parse
from jupyter_mlgov.rollout.steps import State
from jupyter_mlgov.workspace.canaries import accuracy, look, promote, replay, settle, start
from jupyter_mlgov.workspace.labels import add_labels, predictions
from jupyter_mlgov.workspace.serving import Replica, predictions_folder
from tests.loops import in_a_loop_of_its_own
from tests.serving.world import House

pytestmark = pytest.mark.filterwarnings("ignore")
COLUMNS = ("amount", "night", "distance", "velocity")
TEAM = """
[model]
name = "fraud"
[subject]
favourable = "1"
cutoff = 0.5
[serving]
switch = "canary"
entity = "card"
seconds = 3600
batch = 100000
slow = 60
deadline = 120
groups = ["region"]
[canary]
steps = [5, 25, 50, 100]
units = 60
hours = 24
slow = 60
[canary.primary]
among = "adverse"
event = "fraud"
rate = 0.75
margin = 0.2
power = 0.9
looks = 3
"""

# The whole road: shadow, 1, 5, 25, 50, 100 %.
WHOLE = TEAM.replace("steps = [5,", "steps = [1, 5,").replace("units = 60", "units = 20")


class Days:
    """A clock that is told how late it is."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 1, 8, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=50)
        return self.moment


class Quiet:
    """The Meter port, for nobody."""

    def answered(self, arm: str, version: str, seconds: float, rows: int, *, cached: bool) -> None: ...

    def failed(self, arm: str, version: str, kind: str) -> None: ...


def payments(seed: int, n: int) -> pd.DataFrame:
    """Payments with what became of them; `good` is 1 where nobody was cheated."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.lognormal(3.5, 1.0, n).round(2),
            "night": (rng.random(n) < 0.25).astype(float),
            "distance": rng.exponential(20.0, n).round(1),
            "velocity": rng.poisson(1.5, n).astype(float),
        }
    )
    odds = -2.0 + 0.9 * (np.log(frame.amount) - 3.5) + 1.0 * frame.night + 0.025 * frame.distance + 0.5 * (frame.velocity - 1.5)
    frame["good"] = (rng.random(n) >= 1 / (1 + np.exp(-2 * odds))).astype(int)
    return frame


class Exploding:
    """A model that no longer answers."""

    def __init__(self, inner: Any) -> None:
        self.contract, self.bounded, self.cacheable, self.brief = inner.contract, True, False, 0

    def compute(self, rows: Any) -> Any:
        raise MemoryError("boom")


class Street:
    """Cards that pay, one replica that answers, labels that come back."""

    def __init__(self, house: House, clock: Days) -> None:
        self.house, self.clock, self.card, self.labels = house, clock, 0, []
        self.replica = Replica(house.workspace, ("fraud",), lambda _: Quiet())
        self.replica.look(first=True)
        self.service = self.replica.seats["fraud"].service
        self.rng = np.random.default_rng(7)

    def pay(self, n: int, *, requests: int = 1) -> None:
        """`n` new cards pay; whoever is alerted has a label later."""
        frame = payments(1000 + self.card, n)

        async def all_of_them() -> None:
            for place in range(n):
                self.card += 1
                for again in range(requests):
                    await self.one(frame.iloc[place], f"card-{self.card}", again)
            await self.service.drained()

        in_a_loop_of_its_own(all_of_them())

    async def one(self, row: Any, card: str, again: int) -> None:
        inputs = [{"name": name, "datatype": "FP64", "shape": [1], "data": [float(row[name])]} for name in COLUMNS]
        inputs.append({"name": "region", "datatype": "BYTES", "shape": [1], "data": [self.rng.choice(["north", "south"])]})
        body = {"id": f"{card}-{again}", "parameters": {"entity": card}, "inputs": inputs}
        found = await self.service.answer(parse(body))
        if found.adverse[0]:
            self.labels.append((found.identity, "ok" if row["good"] else "fraud"))

    def look(self, hours: float, **more: Any) -> Any:
        self.clock.moment += timedelta(hours=hours)
        self.service.log.flush()
        found = look(self.house.workspace, "fraud", **more)
        self.replica.look()
        return found

    def tell(self) -> None:
        """What the replica has to say to the trail, now; in a server a thread of its own does it."""
        self.replica._drafts.put(None)
        self.replica._told()

    def said(self, validator: str) -> list[str]:
        """Findings of a check in the report, as "verdict: sentence"."""
        return [f"{finding.verdict.value}: {finding.message}" for finding in findings(self.house, validator)]

    def tell_labels(self) -> None:
        path = self.house.workspace.root / "labels.csv"
        path.write_text("request,label\n" + "".join(f"{request},{label}\n" for request, label in self.labels), "utf-8")
        add_labels(self.house.workspace, "fraud", path)


def fitted(seed: int, harm: float = 0.0) -> LogisticRegression:
    """`harm` moves every score towards an alert."""
    frame = payments(seed, 4000)
    model = LogisticRegression(max_iter=2000).fit(frame[list(COLUMNS)], frame["good"])
    model.intercept_ -= harm
    return model


@pytest.fixture
def street(house: Callable[..., House], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Street:
    """A canary's name comes from a signed entry and is another in each run: with it the split, and now and then an unlucky one."""
    monkeypatch.setattr(service, "position", lambda entity, canary: position(entity, "seed"))
    clock = Days()
    built = house(getattr(request, "param", TEAM), clock=clock)
    built.promote(fitted(1), name="fraud", frame=payments(1, 400))
    return Street(built, clock)


@pytest.mark.parametrize("street", [WHOLE], indirect=True, ids=["shadow-1-5-25-50-100"])
def test_a_fraud_model_goes_from_shadow_to_everybody_by_itself(street: Street) -> None:
    house, workspace = street.house, street.house.workspace
    second = house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    street.replica.look()
    assert street.service.lineup.champion.vouched.version == "1"  # let in, and no traffic before a canary gives it some
    canary = start(workspace, "fraud")
    assert (canary.plan.champion, canary.plan.challenger) == ("1", second)
    street.replica.look()
    assert street.service.lineup.shadow
    street.pay(80)
    told = [street.look(1)]
    assert told[-1][0].rollout.state is State.SHADOW  # a day was asked for, and an hour is over
    told.append(street.look(24))
    shares = [told[-1][0].rollout.share]
    while not told[-1][0].rollout.state.ended:
        share = street.service.lineup.share
        assert share == told[-1][0].rollout.share
        street.pay(3000 if share < 5 else 1600 if share < 100 else 200)
        street.tell_labels()
        told.append(street.look(25))
        shares.append(told[-1][0].rollout.share)
        assert len(told) < 30
    assert told[-1][0].rollout.state is State.PROMOTED, told[-1][0].rollout.why
    assert list(dict.fromkeys(shares)) == [1, 5, 25, 50, 100]
    assert street.service.lineup.champion.vouched.version == second
    assert all(one.agrees for one in replay(house.acts("canary.started", "canary.judged"), "fraud"))
    last = house.acts("canary.judged")[-1].payload
    assert (last["final"], last["noninferior"], last["state"]) == (True, True, "promoted")
    assert last["harm_p"] >= 0.05
    street.tell_labels()
    settled = settle(workspace, "fraud")
    assert settled is not None
    assert settled.payload["predicted"] == "not worse"
    assert settled.payload["actual"] in ("not worse", "unclear")
    right, wrong, _ = accuracy(house.acts("canary.judged", "canary.settled"))
    assert (right, wrong) == ((1, 0) if settled.payload["actual"] == "not worse" else (0, 0))
    split, harm, requests, end = reported(house, "deploy.canary")
    assert (split, harm, end) == ("pass", "pass", "pass")
    assert requests in ("pass", "warn")  # a fixed three standard errors, which chance reaches now and then
    told_by_shell = CliRunner().invoke(canary_cli, ["status", "fraud", "--workspace", str(workspace.root)])
    assert told_by_shell.exit_code == 0, told_by_shell.output
    assert "looks replay with the same answer" in told_by_shell.output


def reported(house: House, validator: str) -> list[str]:
    return [finding.verdict.value for finding in findings(house, validator)]


def findings(house: House, validator: str) -> Any:
    """What the check says that reports show, from the acts of this trail."""
    from jupyter_mlgov.sdk import Roles, Subject, SubjectRef
    from jupyter_mlgov.validation.plugins import installed_validators
    from jupyter_mlgov.validation.records import Act, Records

    acts = tuple(
        Act(action=entry.action, subject=entry.subject, actor=entry.actor, time=entry.time, payload=entry.payload, entry=entry.digest)
        for entry in house.workspace.journal.entries()
    )
    records = Records(now=house.workspace.clock.now(), model="fraud", acts=acts)
    check: Any = installed_validators().get(validator)
    subject = Subject(ref=SubjectRef(kind="model", name="fraud"), roles=Roles(), register={}, records=records)
    return check(subject)


def test_a_harmful_version_is_aborted_at_the_first_lawful_look_and_the_stage_comes_back(street: Street) -> None:
    house = street.house
    bad = house.promote(fitted(3, harm=4.0), name="fraud", frame=payments(3, 400))
    start(house.workspace, "fraud")
    street.replica.look()
    street.pay(150)
    canary, found = street.look(24)
    assert canary.rollout.state is State.ABORTED
    assert found.worst is not None
    assert found.worst.harm
    assert canary.rollout.why.startswith("harm was shown")
    assert street.service.lineup.challenger is None
    assert street.service.lineup.champion.vouched.version == "1"
    assert house.workspace.registry.at_stage("fraud", "production").version == "1"
    back = house.acts("rollback.done")[-1].payload
    assert (back["left"], back["to"]) == (bad, "1")
    assert reported(house, "deploy.canary")[1] == "fail"
    with pytest.raises(UsageError, match="has ended"):
        look(house.workspace, "fraud")


BACKED = TEAM.replace('switch = "canary"', 'switch = "at once"\nbaseline = "1"\nrest = 3600')


@pytest.mark.parametrize("street", [BACKED], indirect=True, ids=["backed"])
def test_the_baseline_takes_over_when_the_champion_breaks_and_log_trail_and_report_say_so(street: Street) -> None:
    house = street.house
    second = house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    street.replica.look()
    street.tell()
    assert street.service.lineup.champion.vouched.version == second
    street.pay(20)
    assert not any("breaker" in one for one in street.said("deploy.limits"))
    whole = street.service.lineup.champion.predictor
    street.service.lineup.champion.predictor = Exploding(whole)
    street.pay(60)  # every one of them got an answer, or answer() would have raised
    assert street.service.breaker.position.value == "open"
    street.service.log.flush()
    street.tell()
    table = predictions(house.workspace, "fraud").to_pandas()
    assert (table.arm == "baseline").sum() == 60
    assert set(table[table.arm == "baseline"].version) == {"1"}
    assert 5 <= table.problem.notna().sum() < 60
    assert house.acts("breaker.switched")[-1].payload["now"] == "open"
    (finding,) = [one for one in street.said("deploy.limits") if "breaker" in one]
    assert finding.startswith(f"fail: The breaker of version {second} is open, and version 1 answers in its place: ")
    assert "MemoryError" in finding
    street.service.lineup.champion.predictor = whole
    street.service.untrip("mended")
    street.pay(20)
    street.tell()
    (finding,) = [one for one in street.said("deploy.limits") if "breaker" in one]
    assert finding.startswith(f"warn: The breaker of version {second} opened 1 times since the start and is closed")


def test_a_version_that_breaks_only_in_traffic_is_stopped_and_nobody_was_left_without_an_answer(street: Street) -> None:
    house = street.house
    house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    start(house.workspace, "fraud")
    street.replica.look()
    street.pay(80)
    assert street.look(24)[0].rollout.share == 5

    arm = street.service.lineup.challenger
    arm.predictor = Exploding(arm.predictor)
    street.pay(400)  # every one of them got an answer, or answer() would have raised
    canary, _ = street.look(2)
    assert canary.rollout.state is State.ABORTED
    assert "errors" in canary.rollout.why
    assert street.service.lineup.champion.vouched.version == "1"


def test_an_approval_for_a_part_of_the_traffic_binds_the_canary_and_the_replica(street: Street) -> None:
    house = street.house
    house.promote(fitted(2), name="fraud", frame=payments(2, 400), limits=(Limit(name="traffic", most=0.05),))
    canary = start(house.workspace, "fraud")
    assert canary.plan.most == 5
    street.replica.look()
    street.pay(80)
    assert street.look(24)[0].rollout.share == 5
    street.pay(1400)
    canary, _ = street.look(25)
    assert (canary.rollout.state, canary.rollout.share) == (State.HOLD, 5)
    with pytest.raises(UsageError, match="allow 5 %"):
        promote(house.workspace, "fraud", "we are sure")
    with pytest.raises(UsageError, match="runs already"):
        start(house.workspace, "fraud")


def test_people_may_abort_at_once_and_promote_only_what_is_clear(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    house = street.house
    second = house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    with pytest.raises(UsageError, match="two versions"):
        start(house.workspace, "fraud", challenger="1")
    start(house.workspace, "fraud")
    street.replica.look()
    with pytest.raises(UsageError, match="guard clear"):
        promote(house.workspace, "fraud", "now")
    street.pay(80)
    street.look(24)
    street.pay(1500)
    street.look(2)
    with pytest.raises(UsageError, match="reason"):
        promote(house.workspace, "fraud", " ")
    canary = promote(house.workspace, "fraud", "labels take ninety days, and the proxies are clear")
    assert canary.rollout.state is State.PROMOTED
    street.replica.look()
    assert street.service.lineup.champion.vouched.version == second
    third = house.promote(fitted(4), name="fraud", frame=payments(4, 400))
    start(house.workspace, "fraud")
    monkeypatch.setenv("MLGOV_TRACKING_URI", house.workspace.settings.tracking_uri)
    monkeypatch.setenv("MLGOV_ACTOR", "ana")
    done = CliRunner().invoke(canary_cli, ["abort", "fraud", "--reason", "the bank holiday", "--workspace", str(house.workspace.root)])
    assert done.exit_code == 0, done.output
    assert f"version {second} of fraud answers everybody" in done.output
    assert house.acts("canary.judged")[-1].payload["why"] == "by order"
    street.replica.look()
    assert street.service.lineup.champion.vouched.version == second
    assert third not in [arm.vouched.version for arm in street.service.lineup.arms]


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)], ids=["back", "ahead"])
def test_a_clock_that_jumps_takes_no_canary_forward_by_itself(street: Street, jump: timedelta) -> None:
    """Back: no hours are over. Ahead: hours alone never were enough. Either way every look replays."""
    house = street.house
    house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    start(house.workspace, "fraud")
    street.replica.look()
    street.pay(80 if jump < timedelta(0) else 20)
    street.clock.moment += jump
    canary, found = street.look(1)
    assert (canary.rollout.state, canary.rollout.share) == (State.SHADOW, 0)
    assert canary.rollout.why.startswith("waits: ")
    assert found.observation.hours >= 0
    assert [one.agrees for one in replay(house.acts("canary.started", "canary.judged"), "fraud")] == [True]


def test_a_look_without_a_log_of_predictions_moves_nothing(street: Street) -> None:
    """Its disk gone, its folder emptied, or nobody asked anything: no numbers are no good numbers."""
    house = street.house
    house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    start(house.workspace, "fraud")
    street.replica.look()
    street.pay(80)
    street.service.log.flush()
    shutil.rmtree(predictions_folder(house.workspace.root, "fraud"))
    canary, found = street.look(200)
    assert (canary.rollout.state, canary.rollout.share) == (State.SHADOW, 0)
    assert found.observation.harm is None
    assert canary.rollout.why == "a guard could not tell"


def test_who_is_answered_by_whom_never_changes_back_as_the_share_grows(street: Street) -> None:
    house = street.house
    house.promote(fitted(2), name="fraud", frame=payments(2, 400))
    start(house.workspace, "fraud")
    street.replica.look()
    street.pay(80)
    street.look(24)
    from dataclasses import replace

    seen: dict[str, list[str]] = {}
    frame = payments(5, 1)

    async def ask(card: str) -> str:
        inputs = [{"name": name, "datatype": "FP64", "shape": [1], "data": [float(frame.iloc[0][name])]} for name in COLUMNS]
        return (await street.service.answer(parse({"parameters": {"entity": card}, "inputs": inputs}))).arm

    for share in (5.0, 25.0, 50.0):
        street.service.place(replace(street.service.lineup, share=share))
        for number in range(120):
            for _ in range(2):
                seen.setdefault(f"c{number}", []).append(in_a_loop_of_its_own(ask(f"c{number}")))
    for arms in seen.values():
        assert arms == sorted(arms)[::-1] or "challenger" not in arms or arms == sorted(arms, key=lambda arm: arm == "challenger")
        assert arms[0] == arms[1]
    assert 0 < sum(arms[0] == "challenger" for arms in seen.values()) < 25

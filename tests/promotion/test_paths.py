"""No path opens a gate without its due: promote, review, waive, edit, roll back, tamper, and time passes, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.team import parse_team
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.promotion.facts import Answer, Decision, Limit
from jupyter_mlgov.promotion.intended import before, intended
from tests.promotion.world import ANA, BOB, CARL, World

DORA = Actor(id="dora@firm.example", source="jupyter", name="Dora")
MALLORY = Actor(id=" ANA@firm.example", source="declared")
PEOPLE = st.sampled_from([ANA, BOB, CARL, DORA, MALLORY])
TEAM = """
[model]
name = "credit"
notebook = "credit.ipynb"
[policy]
packs = ["p"]
[promotion]
reviewers = ["bob@firm.example", "carl@firm.example"]
[promotion.gates.production]
approvals = 2
evidence_days = 60
"""


class Paths(RuleBasedStateMachine):
    """Beside the real log stands a plain bookkeeper, who remembers what was truly done and knows what each gate is due."""

    waivers = Bundle("waivers")

    @initialize()
    def begin(self) -> None:
        self.world = World(parse_team(TEAM))
        self.makers = {ANA.id}
        self.failing: dict[Digest, Severity | None] = {}
        self.measured: dict[Digest, datetime] = {}
        self.words: dict[tuple[str, Digest], tuple[str, float, date]] = {}
        self.under: dict[tuple[str, Digest], int] = {}
        self.asked: dict[Digest, tuple[str, Digest, date | None]] = {}
        self.answers: dict[Digest, dict[str, str]] = {}
        self.outworn: set[tuple[str, str, Digest]] = set()
        self.granted: set[tuple[str, str]] = set()
        self.tampered = False

    def day(self) -> date:
        return self.world.clock.now().date()

    # -- what people do -----------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from([ANA, DORA, BOB]))
    def train(self, who: Actor) -> None:
        self.world.train(who)
        self.makers.add(who.id)

    @rule(failing=st.sampled_from([None, None, Severity.HIGH, Severity.CRITICAL]), people=st.sampled_from([(BOB,), (BOB, CARL)]))
    def prepare(self, failing: Severity | None, people: tuple[Actor, ...]) -> None:
        """All that a gate is due, in one go, but for the waivers: otherwise chance would seldom open one."""
        self.train(ANA)
        self.validate(failing)
        for who in people:
            self.review(who, "approve", 5, 400)

    @rule(
        failing=st.sampled_from([None, Severity.HIGH, Severity.CRITICAL]),
        two=st.booleans(),
        lift=st.sampled_from([None, (ANA, 80), (BOB, 5), (ANA, 120)]),
        between=st.sampled_from(["", "", "", "edit", "train", "refuse", "4 days", "100 days", "back", "milder"]),
        percent=st.sampled_from([None, 5, 50]),
        helper=st.sampled_from([None, None, BOB]),
    )
    def all_the_way(
        self, failing: Severity | None, two: bool, lift: tuple[Actor, int] | None, between: str, percent: int | None, helper: Actor | None
    ) -> None:
        """From training to production, with something in between that may come to nothing; perhaps a reviewer lent a hand in it."""
        if helper:
            self.train(helper)
        self.prepare(failing, (BOB, CARL) if two else (BOB,))
        if lift:
            self.all_say_yes(self.waive(*lift))
        self.promote(ANA, "staging", None)
        deeds = {"edit": self.edit, "train": lambda: self.train(ANA), "refuse": lambda: self.review(CARL, "refuse", 1, 0)}
        deeds |= {f"{days} days": lambda days=days: self.time_passes(days) for days in (4, 100)}
        deeds |= {"milder": lambda: self.rewrite_the_rules(1), "back": lambda: self.roll_back("staging"), "": lambda: None}
        deeds[between]()
        self.promote(BOB, "production", percent)
        self.promote(BOB, "staging", percent)

    @rule(until=st.sampled_from([1, 3]))
    def approved_by_one_and_then_the_rules_are_rewritten(self, until: int) -> None:
        self.rewrite_the_rules(2)
        self.prepare(None, (BOB,))
        self.promote(ANA, "staging", None)
        self.rewrite_the_rules(until)
        self.promote(BOB, "production", 5)

    @rule(waiver=waivers)
    def all_say_yes(self, waiver: AuditEntry | None) -> None:
        for who in (BOB, CARL, DORA):
            self.answer(waiver, who, "approve")

    def asked_of_production(self) -> int:
        return self.world.team.gate("production").approvals

    @rule(approvals=st.sampled_from([1, 1, 2, 3]))
    def rewrite_the_rules(self, approvals: int) -> None:
        """In the team file; what was approved for production under other rules counts there no more, until they are back."""
        self.world.team = parse_team(TEAM.replace("approvals = 2", f"approvals = {approvals}"))

    @rule()
    def edit(self) -> None:
        self.world.edited = True

    @rule(failing=st.sampled_from([None, None, Severity.HIGH, Severity.CRITICAL]))
    def validate(self, failing: Severity | None) -> None:
        report = self.world.validate(failing)
        self.failing[report.digest], self.measured[report.digest] = failing, self.world.clock.now()

    @rule(
        who=PEOPLE,
        verdict=st.sampled_from(["approve", "approve", "approve", "refuse"]),
        percent=st.sampled_from([1, 5, 100]),
        days=st.sampled_from([0, 3, 400]),
    )
    def review(self, who: Actor, verdict: str, percent: int, days: int) -> None:
        if self.world.report is None:
            return
        until = self.day() + timedelta(days=days)
        more = {"limits": (Limit(name="traffic", most=percent / 100),), "until": until.isoformat()} if verdict == "approve" else {}
        self.world.review(who, verdict, **more)
        self.words[who.id.strip().lower(), self.world.report.digest] = (verdict, percent / 100, until)
        self.under[who.id.strip().lower(), self.world.report.digest] = self.asked_of_production()
        self.outworn = {one for one in self.outworn if one[1:] != (who.id.strip().lower(), self.world.report.digest)}

    @rule(target=waivers, who=PEOPLE, days=st.sampled_from([5, 80, 120]))
    def waive(self, who: Actor, days: int) -> AuditEntry | None:
        if self.world.report is None:
            return None
        model = self.world.report.subject.model
        assert model
        entry = self.world.waive(who, days)
        ends = self.day() + timedelta(days=days)
        self.asked[entry.digest] = (who.id.strip().lower(), model, ends if days <= 90 else None)
        self.answers[entry.digest] = {}
        return entry

    @rule(waiver=waivers, who=PEOPLE, verdict=st.sampled_from(["approve", "approve", "refuse"]))
    def answer(self, waiver: AuditEntry | None, who: Actor, verdict: str) -> None:
        if waiver is None:
            return
        self.world.answer(who, waiver, verdict)
        told = self.answers[waiver.digest]
        key = who.id.strip().lower()
        told[key] = verdict if told.get(key) != "refuse" else "refuse"

    @rule(stage=st.sampled_from(["staging", "production"]))
    def roll_back(self, stage: str) -> None:
        """To the version before where there was one; where there was none the stage is emptied."""
        entries = self.world.entries()
        there, target = intended(entries, "credit", stage), before(entries, "credit", stage)
        if there and there.version:
            action, to = ("rollback.ordered", target.version) if target else ("stage.emptied", "")
            self.world.write(ANA, action, stage=stage, to=to, reason="harm", **{"from": there.version})
            self.granted.discard((stage, there.version))
            if there.version == str(self.world.version):
                self.outworn |= {(stage, who, report) for who, report in self.words}

    @rule(stage=st.sampled_from(["staging", "production"]))
    def order_a_rollback_to_what_never_was_there(self, stage: str) -> None:
        """It takes out what is there, and lets nothing in."""
        there = intended(self.world.entries(), "credit", stage)
        self.world.write(ANA, "rollback.ordered", stage=stage, to="999", reason="harm", **{"from": there.version if there else ""})
        now = intended(self.world.entries(), "credit", stage)
        assert now
        assert now.version == ""
        self.granted = {one for one in self.granted if one[0] != stage}

    @rule(days=st.sampled_from([1, 4, 40, 100]))
    def time_passes(self, days: int) -> None:
        self.world.clock.advance(timedelta(days=days))

    @rule(who=PEOPLE, stage=st.sampled_from(["staging", "production"]), percent=st.sampled_from([None, 1, 5, 50]))
    def promote(self, who: Actor, stage: str, percent: int | None) -> None:
        wanted = () if percent is None else (Limit(name="traffic", most=percent / 100),)
        decision = self.world.ask(stage, who, limits=wanted)
        if decision.answer is Answer.GRANTED:
            self.due(decision, stage, percent)
            self.granted.add((stage, decision.version))
        else:
            assert decision.reasons
            self.granted = {one for one in self.granted if one[0] != stage} if stage == "staging" else self.granted

    @rule(lie=st.sampled_from(["answer", "approved_by", "version"]))
    def tamper(self, lie: str) -> None:
        """A decision is rewritten in the storage; replay must say so, and the log is mended again."""
        rows = [row for row in self.world.journal.rows if row["action"] == "promotion.decided"]
        if not rows:
            return
        entries = list(self.world.entries())
        victim = next(entry for entry in entries if entry.seq == rows[-1]["seq"])
        changes = {
            "answer": {"answer": "refused", "reasons": [_REASON]}
            if victim.payload["answer"] == "granted"
            else {"answer": "granted", "reasons": []},
            "approved_by": {"approved_by": [{"id": "nobody", "source": "os", "name": ""}]},
            "version": {"version": "999"},
        }
        changed = replace(victim, payload={**victim.payload, **changes[lie]})
        found = replay([changed if entry.seq == victim.seq else entry for entry in entries])
        assert [one.outcome for one in found if one.seq == victim.seq] == ["disagrees"]

    # -- what is due --------------------------------------------------------------------------------------------------

    def due(self, decision: Decision, stage: str, percent: int | None) -> None:
        """Counted by the bookkeeper alone, without the gate's own functions."""
        report = self.world.report
        assert report is not None and not self.world.edited
        assert report.subject.model == Digest.of_text(f"model {self.world.version}")
        today = self.day()
        words = {who: word for (who, about), word in self.words.items() if about == report.digest}
        assert all(word[0] != "refuse" for word in words.values())
        allowed = {BOB.id, CARL.id} - self.makers
        counting = {who: word for who, word in words.items() if who in allowed and word[2] >= today}
        counting = {who: word for who, word in counting.items() if (stage, who, report.digest) not in self.outworn}
        if stage == "production":
            counting = {who: word for who, word in counting.items() if self.under[who, report.digest] == self.asked_of_production()}
        assert len(counting) >= (self.asked_of_production() if stage == "production" else 1)
        failing = self.failing[report.digest]
        if failing:
            assert any(self.lifts(name, failing, report.subject.model, today) for name in self.asked)
        if stage == "production":
            assert ("staging", decision.version) in self.granted
            assert percent is not None and percent / 100 <= min(word[1] for word in counting.values())
            assert self.world.clock.now() - self.measured[report.digest] <= timedelta(days=60, seconds=99)

    def lifts(self, name: Digest, failing: Severity, model: Digest | None, today: date) -> bool:
        asker, about, ends = self.asked[name]
        told = self.answers[name]
        yes = {who for who, verdict in told.items() if verdict == "approve"} & ({BOB.id, CARL.id} - self.makers - {asker})
        in_time = ends is not None and ends >= today
        return in_time and about == model and "refuse" not in told.values() and len(yes) >= (2 if failing is Severity.CRITICAL else 1)

    def teardown(self) -> None:
        """Every decision of the whole history replays."""
        if hasattr(self, "world"):
            assert {one.outcome for one in replay(self.world.entries())} <= {"agrees"}


_REASON = {"code": "x", "sentence": "s", "next": "n", "severity": "high", "validator": "", "cell": ""}

TestPaths = Paths.TestCase
TestPaths.settings = settings(max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))

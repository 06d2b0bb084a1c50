"""What is kept of the record is little, and says the same as the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.audit.entries import GENESIS, AuditEntry, Draft, link
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.team import parse_team
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.monitoring.plan import Watched
from jupyter_mlgov.monitoring.samples import Bound, Terms, label, page, rows_of
from jupyter_mlgov.monitoring.silence import silent
from jupyter_mlgov.monitoring.standing import ACTIONS, MOST, Standing, told
from jupyter_mlgov.promotion.cases import cases
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.since import refuted
from jupyter_mlgov.rollout.serving.field import field
from jupyter_mlgov.testing import digest
from tests.promotion.test_intended import back, decided

DAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
REA = Actor(id="rea@firm.example", source="jupyter")


def log(drafts: Sequence[Draft], every: timedelta = timedelta(hours=6)) -> tuple[AuditEntry, ...]:
    entries: list[AuditEntry] = []
    for place, draft in enumerate(drafts):
        previous = entries[-1].digest if entries else GENESIS
        entries.append(link(draft, seq=place + 1, time=DAY + place * every, actor=REA, previous=previous))
    return tuple(entries)


def folded(entries: Sequence[AuditEntry]) -> Standing:
    one = Standing(model="credit")
    for entry in entries:
        if entry.action in ACTIONS:
            one = told(one, entry)
    return one


def act(action: str, **payload: Any) -> Draft:
    return Draft(action=action, subject="credit", payload=payload)


versions = st.sampled_from(["1", "2", "3"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[AuditEntry, ...]:
    """Anything that moves traffic, in any order; looks name one of the canaries that were started before."""
    entries: list[AuditEntry] = []
    for place in range(draw(st.integers(0, 25))):
        started = [str(entry.digest) for entry in entries if entry.action == "canary.started"]
        made = [
            st.builds(lambda v, a: decided(v, answer=a), versions, st.sampled_from([Answer.GRANTED, Answer.REFUSED])),
            st.builds(back, versions, versions),
            st.just(act("stage.emptied", stage="production")),
            st.just(act("killswitch.thrown", reason="x")),
            st.just(act("killswitch.lifted", reason="x")),
            st.builds(lambda to: act("breaker.ordered", to=to, reason="x"), st.sampled_from(["baseline", "model"])),
            st.builds(lambda kind: act("alarm.raised", kind=kind, problem="p"), st.sampled_from(["drift of x", "other"])),
            st.builds(
                lambda v, keep: act("evidence.refuted", version=v, reason="r", serving=keep), versions, st.sampled_from(["keep", ""])
            ),
            st.builds(lambda a, b: act("canary.started", stage="production", champion=a, challenger=b), versions, versions),
        ]
        if started:
            looks = st.builds(
                lambda canary, state, share, step: act(
                    "canary.judged", canary=canary, stage="production", state=state, share=share, step=step, counts={"x": 1}
                ),
                st.sampled_from(started),
                st.sampled_from(["canary", "hold", "shadow", "promoted", "aborted", "inconclusive"]),
                st.sampled_from([0, 1, 5, 50, 100, "many"]),
                st.integers(-1, 4),
            )
            made.append(looks)
        draft = draw(st.one_of(made))
        previous = entries[-1].digest if entries else GENESIS
        entries.append(link(draft, seq=place + 1, time=DAY + timedelta(hours=place), actor=REA, previous=previous))
    return tuple(entries)


@settings(max_examples=60)
@given(histories(), st.sampled_from(["at once", "canary"]))
def test_the_kept_moves_lead_to_the_same_field_as_all_entries(entries: tuple[AuditEntry, ...], switch: Any) -> None:
    one = folded(entries)
    assert field(one.moves, "credit", "production", switch) == field(entries, "credit", "production", switch)


@settings(max_examples=40)
@given(histories())
def test_what_is_not_settled_is_what_the_gate_calls_refuted(entries: tuple[AuditEntry, ...]) -> None:
    one = folded(entries)
    for version in ("1", "2", "3"):
        said = tuple(str(entry.payload["reason"]) for entry in one.refuted if entry.payload["version"] == version)
        assert said == refuted(entries, "credit", (version,))


asked = {"notebook": "n.ipynb", "stage": "production", "packet": digest("p")}


def given_(report: str, verdict: str = "approve") -> Draft:
    person = {"id": REA.id, "name": "", "source": REA.source}
    facts = {
        "actor": person,
        "verdict": verdict,
        "report": digest(report),
        "time": DAY.isoformat(),
        "comment": {"person": "p", "sealed": "x"},
    }
    return act("review.given", **facts, notebook="n.ipynb", attests_unchecked=False, limits=[], until="")


reviews = st.lists(
    st.one_of(
        st.builds(lambda r: act("review.asked", **asked, report=digest(r)), st.sampled_from("ab")),
        st.builds(lambda n: act("review.claimed", review=n, notebook="n.ipynb"), st.integers(1, 6)),
        st.builds(given_, st.sampled_from("ab"), st.sampled_from(["approve", "refuse"])),
    ),
    max_size=12,
)


@given(reviews)
def test_who_still_waits_is_known_from_the_kept_entries_though_comments_are_sealed(drafts: list[Draft]) -> None:
    entries = log(drafts)
    plain = [entry if entry.action != "review.given" else _opened(entry) for entry in entries]
    waiting = [case.number for case in cases(plain) if case.is_due]
    assert [case.number for case in cases(folded(entries).asked) if case.is_due] == waiting


def _opened(entry: AuditEntry) -> AuditEntry:
    from dataclasses import replace

    return replace(entry, payload={**entry.payload, "comment": "opened"})


def ran(version: str, *measured: str, **more: Any) -> Draft:
    return act("monitor.ran", version=version, measured=list(measured), rows=10, **more)


PLAN = (
    Watched(name="drift", checks=("monitor.drift",), frequency="daily"),
    Watched(name="quality", checks=("data.quality",), frequency="hourly"),
)
measures = st.lists(
    st.one_of(
        st.builds(lambda v, names: ran(v, *names), versions, st.lists(st.sampled_from(["drift", "quality"]))),
        st.builds(decided, versions),
    ),
    max_size=12,
)


@given(measures, st.integers(0, 80))
def test_a_thing_is_past_its_due_moment_exactly_when_the_watch_calls_it_silent(drafts: list[Draft], hours: int) -> None:
    """Prometheus compares two numbers; `mlgov monitor watch` folds entries. They never disagree."""
    entries = log([decided("1"), *drafts])
    now = entries[-1].time + timedelta(hours=hours, seconds=1)
    from jupyter_mlgov.promotion.intended import intended

    move = intended(entries, "credit", "production")
    assert move
    late = {one.name for one in silent(entries, "credit", move.version, move.since, PLAN, now)}
    told_ = rows_of(folded(entries), Terms(plan=PLAN), now, False, Bound())
    due = {labels[1]: value for name, labels, value in told_.rows if name == "mlgov_monitor_due_timestamp_seconds"}
    assert {name for name, moment in due.items() if now.timestamp() > moment} == late
    assert told_.silent == len(late)
    again = rows_of(folded(entries), Terms(plan=PLAN), told_.until or now, False, Bound())
    assert again.silent == told_.silent, "what was told holds until the moment it names"


def test_years_of_windows_are_kept_in_bounded_memory() -> None:
    drafts = [ran(str(number), "drift", "quality") for number in range(500)]
    one = folded(log(drafts))
    assert (one.runs, len(one.measured)) == (500, MOST)
    assert ("499", "drift") in one.measured
    assert folded(log([decided("1", answer=Answer.REFUSED)] * 300)).moves.__len__() == 1


@pytest.mark.parametrize("payload", [{}, {"verdicts": 3, "effects": "x", "rows": "many", "measured": 7}, {"verdicts": {"a": ["b"]}}])
def test_an_entry_that_is_not_what_it_should_be_is_told_as_nothing(payload: dict[str, Any]) -> None:
    one = folded(log([act("monitor.ran", **payload)]))
    assert (one.runs, dict(one.verdicts), dict(one.effects), one.rows) == (1, {}, {}, None)


# -- the page ---------------------------------------------------------------------------------------------------------


def value(rows: Any, name: str, *labels: str) -> float | None:
    found = [number for metric, given, number in rows if metric == name and given == labels]
    assert len(found) < 2
    return found[0] if found else None


def test_a_gate_is_open_only_while_the_decision_stands() -> None:
    until = decided("1")
    ends = Draft(action=until.action, subject="credit", payload={**until.payload, "until": "2026-06-03"})
    entries = log([ends])
    for day, is_open in ((2, 1), (3, 0)):
        now = datetime(2026, 6, 1 + day, 0, tzinfo=UTC)
        assert value(rows_of(folded(entries), Terms(), now, False, Bound()).rows, "mlgov_gate_open", "credit", "production") == is_open
    assert rows_of(folded(entries), Terms(), DAY, False, Bound()).until == datetime(2026, 6, 4, tzinfo=UTC)
    broken = log([decided("1"), act("evidence.refuted", version="1", reason="r", watched="drift", serving="keep")])
    told_ = rows_of(folded(broken), Terms(team=parse_team("[model]\ntier = 2\n")), DAY, False, Bound())
    assert value(told_.rows, "mlgov_gate_open", "credit", "production") == 0
    assert (value(told_.rows, "mlgov_findings_open", "credit", "high"), told_.urgent) == (1, True)
    settled = log([*_drafts(broken), act("finding.settled", finding=broken[1].digest, how="mended")])
    assert value(rows_of(folded(settled), Terms(), DAY, False, Bound()).rows, "mlgov_gate_open", "credit", "production") == 1


def _drafts(entries: tuple[AuditEntry, ...]) -> list[Draft]:
    return [Draft(action=one.action, subject=one.subject, payload=one.payload) for one in entries]


def test_the_deadline_of_a_finding_is_told_where_the_record_has_one() -> None:
    facts = {"version": "1", "reason": "r", "watched": "drift", "serving": "keep", "severity": "medium"}
    with_end = log([decided("1"), act("evidence.refuted", **facts, due="2026-06-08T12:00:00.000000Z")])
    rows = rows_of(folded(with_end), Terms(), DAY, False, Bound()).rows
    assert value(rows, "mlgov_finding_deadline_timestamp_seconds", "credit", "drift") == datetime(2026, 6, 8, 12, tzinfo=UTC).timestamp()
    assert value(rows, "mlgov_findings_open", "credit", "medium") == 1
    for wrong in ("soon", 7, "2026-06-08T12:00:00"):
        rows = rows_of(folded(log([decided("1"), act("evidence.refuted", **facts, due=wrong)])), Terms(), DAY, False, Bound()).rows
        assert value(rows, "mlgov_finding_deadline_timestamp_seconds", "credit", "drift") is None


def test_switches_are_told_from_the_trail_from_the_file_and_from_replicas() -> None:
    def told_of(*drafts: Draft, killed: bool = False) -> tuple[float | None, float | None]:
        rows = rows_of(folded(log([decided("1"), *drafts])), Terms(), DAY, killed, Bound()).rows
        return value(rows, "mlgov_model_killed", "credit"), value(rows, "mlgov_model_breaker_open", "credit")

    opened = act("breaker.switched", was="closed", now="open", why="w", replica="r1")
    assert told_of() == (0, 0)
    assert told_of(act("killswitch.thrown", reason="x")) == (1, 0)
    assert told_of(killed=True) == (1, 0)
    assert told_of(act("breaker.ordered", to="baseline", reason="x")) == (0, 1)
    assert told_of(opened, act("breaker.switched", was="open", now="closed", why="w", replica="r2")) == (0, 1)
    assert told_of(opened, act("endpoint.gone", replica="r1")) == (0, 0)


def test_what_does_not_fit_is_counted_and_what_waits_for_a_person_is_told_first() -> None:
    calm = [
        rows_of(told(Standing(model=f"m{n:02}"), log([decided("1", model=f"m{n:02}")])[0]), Terms(), DAY, False, Bound()) for n in range(9)
    ]
    loud = rows_of(told(Standing(model="z"), log([decided("1", model="z")])[0]), Terms(), DAY, True, Bound())
    rows = list(page([*calm, loud], Bound(models=3)))
    models = {labels[0] for name, labels, _ in rows if name == "mlgov_model_tier"}
    assert models == {"z", "m00", "m01"}
    assert value(rows, "mlgov_series_dropped", "models") == 7
    assert (value(rows, "mlgov_models"), value(rows, "mlgov_models_in_production")) == (10, 10)
    few = list(page([*calm, loud], Bound(series=2 * len(loud.rows))))
    assert value(few, "mlgov_series_dropped", "models") == 8


def test_of_one_model_the_worst_checks_and_what_is_most_overdue_are_left_out_last() -> None:
    plan = tuple(Watched(name=f"w{n}", checks=(), frequency="daily") for n in range(5))
    verdicts = {f"check.{n}": Verdict.PASS.word for n in range(6)} | {"zz.bad": Verdict.FAIL.word}
    late = ran("1", "w0", "w1", "w2", verdicts=verdicts, effects={"zz.bad": 0.9})
    one = rows_of(folded(log([decided("1"), late])), Terms(plan=plan), DAY + timedelta(days=9), False, Bound(watched=2, checks=2))
    assert {labels[1] for name, labels, _ in one.rows if name == "mlgov_monitor_due_timestamp_seconds"} == {"w3", "w4"}
    assert {labels[1] for name, labels, _ in one.rows if name == "mlgov_monitor_check_verdict"} == {"zz.bad", "check.0"}
    assert (dict(one.dropped)["watched"], dict(one.dropped)["checks"], one.silent) == (3, 5, 5)
    assert value(one.rows, "mlgov_monitor_effect_size", "credit", "zz.bad") == 0.9


def test_what_a_run_over_all_models_held_as_chance_calls_nobody() -> None:
    plan = (
        Watched(name="drift", checks=("monitor.drift", "data.quality"), frequency="daily"),
        Watched(name="quality", checks=("data.quality",), frequency="daily"),
    )
    verdicts = {"monitor.drift": "failed", "data.quality": "failed"}
    one = folded(log([decided("1"), ran("1", "drift", verdicts=verdicts, held={"drift": "by chance"})]))
    rows = rows_of(one, Terms(plan=plan), DAY, False, Bound()).rows
    assert value(rows, "mlgov_monitor_check_verdict", "credit", "monitor.drift") == 6
    assert value(rows, "mlgov_monitor_check_verdict", "credit", "data.quality") == 0, "it failed for what was not held as well"


@given(st.text(min_size=0, max_size=600), st.text(min_size=0, max_size=600))
def test_two_names_never_become_one_label(one: str, other: str) -> None:
    assert len(label(one)) <= 200
    label(one).encode("utf-8")
    assert (label(one) == label(other)) == (one == other)


def test_a_severity_in_an_entry_cannot_widen_a_label() -> None:
    one = folded(
        log([decided("1"), act("alarm.raised", kind="k", severity="<b>", problem="p"), act("alarm.raised", severity="high", problem="p")])
    )
    assert dict(one.alarms) == {"unknown": 1, "high": 1}

"""Argo's documented canary as a small model, and our step plans run on it: who answers whom, and where each failure ends.

Written from the documentation of Argo Rollouts (Canary; Traffic management: setWeight, setCanaryScale, setHeaderRoute, setMirrorRoute;
Analysis: a failed run aborts, an inconclusive one pauses; abort sends all traffic to stable and scales the canary down after
`abortScaleDownDelaySeconds`). It is a model, not Argo: no cluster runs here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.rollout.manifests.argo import rollout
from jupyter_mlgov.rollout.manifests.guards import guards
from jupyter_mlgov.rollout.manifests.release import Release
from jupyter_mlgov.rollout.steps import Route
from tests.rollout.releases import release

Answer = Literal["Successful", "Failed", "Inconclusive", "Error"]
Phase = Literal["Progressing", "Paused", "Degraded", "Healthy"]


@dataclass
class Argo:
    """One rollout. `canary` is the version on trial; `header` the managed route; `mirrored` percent of requests that are copied."""

    spec: dict[str, Any]
    phase: Phase = "Progressing"
    step: int = 0
    weight: int = 0
    header: str = ""
    mirrored: int = 0
    canary_pods: int = 0
    waited: float = 0.0
    promoted: bool = False
    kept_seconds: int = 0
    shares: list[float] = field(default_factory=list)

    @property
    def canary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["strategy"]["canary"]
        return found

    def answers(self, bucket: int | None, chance: float) -> str:
        """Which version answers a request with this bucket header (None: without one), `chance` drawn by Istio."""
        if self.promoted:
            return "new"
        if self.header and bucket is not None and re.match(self.header, f"{bucket:02d}"):
            return "new"
        return "new" if chance * 100 < self.weight else "old"

    def run(self, look: Callable[[int], Answer], guard: Callable[[int], Answer] = lambda _: "Successful") -> Argo:
        """Until it ends or pauses for a person."""
        while self.phase == "Progressing":
            if self.step >= self.canary["analysis"]["startingStep"] and (told := guard(self.step)) != "Successful":
                self._judged(told)
                break
            if self.step == len(self.canary["steps"]):
                self.phase, self.promoted, self.header, self.weight, self.mirrored = "Healthy", True, "", 100, 0
                break
            self._one(self.canary["steps"][self.step], look)
        return self

    def _one(self, step: dict[str, Any], look: Callable[[int], Answer]) -> None:
        ((kind, body),) = step.items()
        if kind == "setCanaryScale":
            self.canary_pods = body["replicas"] if "replicas" in body else max(1, round(body["weight"] * self.spec["replicas"] / 100))
        elif kind == "setWeight":
            assert self.canary_pods, "traffic to a version without a pod"
            self.weight = body
        elif kind == "setHeaderRoute":
            assert self.canary_pods, "traffic to a version without a pod"
            self.header = body["match"][0]["headerValue"]["regex"] if "match" in body else ""
        elif kind == "setMirrorRoute":
            self.mirrored = body.get("percentage", 0)
        elif kind == "pause":
            if "duration" not in body:
                self.phase = "Paused"
                return
            self.waited += int(body["duration"].removesuffix("s"))
        else:
            assert kind == "analysis", kind
            share = int(next(one["value"] for one in body["args"] if one["name"] == "share"))
            if (told := look(share)) != "Successful":
                self._judged(told)
                return
        if kind in ("setWeight", "setHeaderRoute"):
            self.shares.append(sum(self.answers(bucket, 0.999999) == "new" for bucket in range(100)) if self.header else self.weight)
        self.step += 1

    def _judged(self, told: Answer) -> None:
        if told in ("Failed", "Error"):
            self.phase, self.weight, self.header, self.mirrored = "Degraded", 0, "", 0
            self.kept_seconds = self.canary["abortScaleDownDelaySeconds"]
        else:
            self.phase = "Paused"


def argo(one: Release) -> Argo:
    return Argo(spec=rollout(one)["spec"])  # type: ignore[arg-type]  # a document is a plain dict


def measured(metric: dict[str, Any], results: list[list[float] | None]) -> Answer:
    """Where a metric stands after these measurements; None: the provider did not answer. Limits as Argo documents them: over, not at."""
    failed = unclear = errors = 0
    for result in results:
        if result is None:
            errors += 1
            if errors > metric["consecutiveErrorLimit"]:
                return "Error"
            continue
        errors = 0
        bad, good_ = (_holds(metric[name], result) for name in ("failureCondition", "successCondition"))
        failed, unclear = failed + bad, unclear + (not bad and not good_)
        if failed > metric["failureLimit"]:
            return "Failed"
        if unclear > metric["inconclusiveLimit"]:
            return "Inconclusive"
    return "Successful"


def _holds(condition: str, result: list[float]) -> bool:
    """expr-lang, which says the same as Python of these words."""
    text = condition.replace("&&", "and").replace("!isNaN", "not isNaN")
    return bool(eval(text, {"len": len, "isNaN": lambda number: number != number}, {"result": result}))


@pytest.mark.parametrize("gone", [[], [float("nan")], None], ids=["no series", "NaN", "no answer"])
def test_where_prometheus_is_gone_no_guard_lets_a_canary_on(gone: list[float] | None) -> None:
    """It pauses for a person where nothing is known, and aborts where nobody answers; a last good minute does not carry it."""
    one = release(place=LOOKED)
    for metric in guards(one)["spec"]["metrics"]:  # type: ignore[index]  # a document is a plain dict
        told = measured(metric, [[0.0], *[gone] * 60])
        assert told == ("Error" if gone is None else "Inconclusive")
        assert measured(metric, [[0.0]] * 60) == "Successful"
        run = argo(one).run(good, lambda step, told=told: told if step >= 6 else "Successful")  # type: ignore[misc]  # bound now
        assert (run.phase, run.promoted) == ("Degraded" if gone is None else "Paused", False)


LOOKED = {"look": "https://mlgov.example.com/look"}


def good(_: int) -> Answer:
    return "Successful"


@pytest.mark.parametrize(
    "place", [{**LOOKED, "split": "entity"}, {**LOOKED, "split": "request"}, {"look": "job"}], ids=["entity", "request", "job"]
)
def test_good_looks_carry_it_through_each_share_to_the_whole(place: dict[str, str]) -> None:
    run = argo(release(place={**place, "route": Route(hours=2.0)})).run(good)
    assert (run.phase, run.promoted, run.shares) == ("Healthy", True, [1, 5, 25, 50])
    assert run.waited == 5 * 2 * 3600, "shadow and four shares wait two hours each"


def test_shadow_answers_nobody() -> None:
    def shadow_only(share: int) -> Answer:
        return "Inconclusive" if share == 0 else "Successful"

    run = argo(release(place=LOOKED)).run(shadow_only)
    assert (run.phase, run.mirrored, run.canary_pods) == ("Paused", 100, 1)
    assert {run.answers(bucket, 0.0) for bucket in range(100)} == {"old"}


@pytest.mark.parametrize("split", ["entity", "request"])
@pytest.mark.parametrize("bad", [0, 1, 5, 25, 50])
def test_a_failed_look_sends_everybody_back_and_keeps_the_pods_for_their_last_requests(split: str, bad: int) -> None:
    run = argo(release(place={**LOOKED, "split": split})).run(lambda share: "Failed" if share == bad else "Successful")
    assert (run.phase, run.promoted) == ("Degraded", False)
    assert {run.answers(bucket, 0.0) for bucket in (*range(100), None)} == {"old"}
    assert run.kept_seconds >= 600


@pytest.mark.parametrize("unclear", [0, 1, 5, 25, 50])
def test_what_could_not_be_told_stands_still_and_never_promotes(unclear: int) -> None:
    run = argo(release(place=LOOKED)).run(lambda share: "Inconclusive" if share == unclear else "Successful")
    assert (run.phase, run.promoted) == ("Paused", False)
    assert all(share <= unclear for share in run.shares)


@given(st.integers(2, 30))
def test_a_guard_that_fails_at_any_time_aborts(when: int) -> None:
    run = argo(release(place=LOOKED)).run(good, lambda step: "Failed" if step >= when else "Successful")
    steps = len(run.canary["steps"])
    assert run.phase == ("Degraded" if when <= steps else "Healthy")
    assert run.promoted is (when > steps)


def test_no_plan_promotes_without_a_look_behind_its_last_share() -> None:
    for share in (100, 20, 5, 1):
        steps = rollout(release(share=share, place=LOOKED))["spec"]["strategy"]["canary"]["steps"]  # type: ignore[index]  # a document is a plain dict
        kinds = [next(iter(step)) for step in steps]
        last = max(number for number, kind in enumerate(kinds) if kind in ("setWeight", "setHeaderRoute"))
        assert "analysis" in kinds[last:]


def test_an_entity_never_goes_back_and_forth() -> None:
    """Once an entity met the new version it stays there until everybody is on it; by request it would flicker."""
    order = ["old", "new"].index
    for bucket in range(100):
        met = list(_story(release(place={**LOOKED, "split": "entity"}), bucket))
        assert met == sorted(met, key=order)
    drawn = list(_story(release(place={**LOOKED, "split": "request"}), 7))
    assert drawn != sorted(drawn, key=order)


def _story(one: Release, bucket: int) -> Iterator[str]:
    """Which version answers this bucket at each step, three requests a step with different draws."""
    run = argo(one)
    while run.phase == "Progressing" and run.step < len(run.canary["steps"]):
        run._one(run.canary["steps"][run.step], good)
        for chance in (0.0, 0.6, 0.2):
            yield run.answers(bucket, chance)


def test_an_approval_for_a_fifth_of_the_traffic_stands_there_until_a_person_comes() -> None:
    run = argo(release(share=20, place=LOOKED)).run(good)
    assert (run.phase, run.promoted, run.shares) == ("Paused", False, [1, 5, 20])


def test_where_nobody_answers_looks_it_waits_for_a_person_behind_shadow() -> None:
    run = argo(release()).run(good)
    assert (run.phase, run.promoted, run.shares) == ("Paused", False, [])

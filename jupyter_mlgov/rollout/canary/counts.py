"""From the log of predictions to counts: how many entities each arm had at each step, and how many of them show what a guard watches.

Units are entities, never requests. At a step from `before` to `share` percent the challenger's units are those that just moved (position
from `before` to `share`), the champion's those that did not: given all earlier steps, that split is a fresh and uniform draw, so that
steps are independent evidence however the world drifts between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.rollout.canary.plan import CanaryPlan, Primary
from jupyter_mlgov.rollout.clustered import Clustered, clustered
from jupyter_mlgov.rollout.sequential import Arm

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

DIFFER = "decisions that differ"
COLUMNS = ["time", "request", "row", "arm", "canary", "step", "entity", "position", "score", "adverse", "missing", "seconds", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardCount:
    """One guard at one step. `paired` (shadow): both arms saw the same units, and `events` counts those in this arm alone."""

    guard: str
    champion: Arm
    challenger: Arm
    paired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """One step: the units of each arm, the weights they were to have, and every guard. In shadow (step -1) there is no split.

    `astray`: entities that both versions answered, which a split by entity never lets happen.
    """

    step: int
    units: tuple[int, int]
    weights: tuple[float, float]
    guards: tuple[GuardCount, ...]
    astray: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """Matured units of one step that the primary question is about: how many could have a label, and those that have one with the event."""

    step: int
    asked: tuple[int, int]
    champion: Arm
    challenger: Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCount:
    """Decided requests of one step, of which adverse, gathered by entity: told beside the guards, which count entities."""

    step: int
    champion: Clustered
    challenger: Clustered


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one look sees. This fact goes into the trail whole: a decision is replayed from it."""

    steps: tuple[StepCount, ...] = ()
    labels: tuple[LabelCount, ...] = ()
    requests: tuple[RequestCount, ...] = ()


def count(predictions: pa.Table, plan: CanaryPlan, canary: str, labels: Mapping[str, object] | None = None, before: Any = None) -> Counts:
    """Everything counted so far. `before`: requests from that moment on have not matured; None: all have."""
    import numpy as np
    import pyarrow.compute as pc

    if not predictions.num_rows or "canary" not in predictions.column_names:
        return Counts()
    mine = predictions.filter(pc.and_(pc.equal(predictions["canary"], canary), pc.is_valid(predictions["position"])))
    if not mine.num_rows:
        return Counts()
    frame = {name: mine[name].to_numpy(zero_copy_only=False) for name in mine.column_names if name in COLUMNS or name.startswith("group_")}
    frame["position"] = frame["position"].astype(float)
    frame["failed"] = np.array([value is not None for value in frame["problem"]])
    cut = _score_cut(frame)
    shares = (0.0, *map(float, plan.route.steps))
    steps, matured, requests = [], [], []
    for step in sorted({int(value) for value in frame["step"]}):
        if step >= len(plan.route.steps):
            continue
        here = _at(frame, frame["step"] == step)
        low, high = (0.0, 0.0) if step < 0 else (shares[step], shares[step + 1])
        steps.append(_step(here, plan, step, low, high, cut))
        if step >= 0:
            requests.append(_requests(here, step, low, high))
        if plan.primary is not None and labels is not None and step >= 0:
            matured.append(_labelled(here, plan.primary, labels, step, low, high, before))
    return Counts(steps=tuple(steps), labels=tuple(matured), requests=tuple(requests))


def _requests(here: dict[str, Any], step: int, low: float, high: float) -> RequestCount:
    """Every decided request of the units that _step() compares, not each unit once."""
    decided = _at(here, ~here["failed"] & _known(here["adverse"]))
    champion = _at(decided, (decided["arm"] == "champion") & (decided["position"] >= high))
    challenger = _at(decided, (decided["arm"] == "challenger") & (decided["position"] >= low) & (decided["position"] < high))
    one, other = (
        clustered(zip(arm["entity"].tolist(), arm["adverse"].astype(bool).tolist(), strict=True)) for arm in (champion, challenger)
    )
    return RequestCount(step=step, champion=one, challenger=other)


def _at(frame: Mapping[str, Any], where: Flags) -> dict[str, Any]:
    return {name: values[where] for name, values in frame.items()}


def _score_cut(frame: Mapping[str, Any]) -> float | None:
    """The champion's median score in shadow: fixed when the shadow ends, so that the score guard compares with one number."""
    import numpy as np

    seen = frame["score"][(frame["step"] == -1) & (frame["arm"] == "champion") & ~frame["failed"]].astype(float)
    return float(np.median(seen)) if len(seen) else None


def _step(here: dict[str, Any], plan: CanaryPlan, step: int, low: float, high: float, cut: float | None) -> StepCount:
    shadow = step < 0
    champion = _at(here, (here["arm"] == "champion") & (here["position"] >= high))
    challenger = _at(here, (here["arm"] == ("shadow" if shadow else "challenger")) & ((here["position"] >= low) | shadow))
    if not shadow:
        challenger = _at(challenger, challenger["position"] < high)
    guards = []
    for name, one, other in _guards(champion, challenger, plan, cut, shadow=shadow):
        guards.append(_paired(name, one, other) if shadow else GuardCount(guard=name, champion=_arm(one), challenger=_arm(other)))
    if shadow:
        guards.append(_differing(champion, challenger))
    seen = set(champion["entity"]), set(challenger["entity"])
    return StepCount(
        step=step,
        units=(len(seen[0]), len(seen[1])),
        weights=(100.0 - high, high - low) if not shadow else (1.0, 1.0),
        guards=tuple(guards),
        astray=0 if shadow else len(seen[0] & seen[1]),
    )


def _guards(
    champion: dict[str, Any], challenger: dict[str, Any], plan: CanaryPlan, cut: float | None, *, shadow: bool
) -> Iterator[tuple[str, dict[str, bool], dict[str, bool]]]:
    """(guard, entity -> shows it) for both arms. Only answered requests have a score, a decision or a gap."""
    arms = champion, challenger
    answered = tuple(_at(arm, ~arm["failed"]) for arm in arms)
    yield "errors", _any(arms[0], arms[0]["failed"]), _any(arms[1], arms[1]["failed"])
    slow = tuple(_any(arm, arm["seconds"].astype(float) > plan.slow) for arm in arms)
    yield "slow answers", slow[0], slow[1]
    decided = tuple(_at(arm, _known(arm["adverse"])) for arm in answered)
    adverse = tuple(_any(arm, arm["adverse"].astype(bool)) for arm in decided)
    yield "adverse decisions", adverse[0], adverse[1]
    if cut is not None and not shadow:
        high = tuple(_any(arm, arm["score"].astype(float) > cut) for arm in answered)
        yield "scores over the champion's median", high[0], high[1]
    gaps = tuple(_any(arm, arm["missing"].astype(bool)) for arm in answered)
    yield "missing features", gaps[0], gaps[1]
    for column in plan.groups:
        name = f"group_{column}"
        if name not in champion:
            continue
        values = sorted({str(value) for arm in decided for value in arm[name] if value is not None})[:20]
        for value in values:
            own = tuple(_at(arm, _equal(arm[name], value)) for arm in decided)
            passed = tuple(_any(arm, ~arm["adverse"].astype(bool)) for arm in own)
            yield f"approvals of {column} = {value[:40]}", passed[0], passed[1]


def _known(values: NDArray[Any]) -> Flags:
    import numpy as np

    return np.array([value is not None for value in values], bool)


def _equal(values: NDArray[Any], value: str) -> Flags:
    import numpy as np

    return np.array([str(one) == value for one in values], bool)


def _any(arm: Mapping[str, Any], shows: Flags) -> dict[str, bool]:
    """entity -> whether any of its requests shows it. A thousand requests of one customer are one unit."""
    found: dict[str, bool] = {}
    for entity, flag in zip(arm["entity"].tolist(), shows.tolist(), strict=True):
        found[entity] = found.get(entity, False) or bool(flag)
    return found


def _arm(shown: dict[str, bool]) -> Arm:
    return Arm(n=len(shown), events=sum(shown.values()))


def _paired(name: str, champion: dict[str, bool], challenger: dict[str, bool]) -> GuardCount:
    both = champion.keys() & challenger.keys()
    one = sum(champion[entity] and not challenger[entity] for entity in both)
    other = sum(challenger[entity] and not champion[entity] for entity in both)
    return GuardCount(guard=name, champion=Arm(n=len(both), events=one), challenger=Arm(n=len(both), events=other), paired=True)


def _differing(champion: dict[str, Any], challenger: dict[str, Any]) -> GuardCount:
    """Of the entities that both versions decided about, how many they decided otherwise: rates can be equal and the people others."""
    arms = tuple(_at(arm, _known(arm["adverse"]) & ~arm["failed"]) for arm in (champion, challenger))
    one, other = (_any(arm, arm["adverse"].astype(bool)) for arm in arms)
    both = one.keys() & other.keys()
    apart = sum(one[entity] != other[entity] for entity in both)
    return GuardCount(guard=DIFFER, champion=Arm(n=len(both), events=0), challenger=Arm(n=len(both), events=apart), paired=True)


def _labelled(
    here: dict[str, Any], primary: Primary, labels: Mapping[str, object], step: int, low: float, high: float, before: Any
) -> LabelCount:
    """The first request of each entity that the question is about, if it is old enough; then whether it has a label, and which."""
    import numpy as np

    fits = ~here["failed"]
    if primary.among != "all":
        known = _known(here["adverse"])
        wanted = np.array([bool(value) is (primary.among == "adverse") for value in here["adverse"]], bool)
        fits = fits & known & wanted
    if before is not None:
        fits = fits & (here["time"] < np.datetime64(before.replace(tzinfo=None)))
    own = _at(here, fits)
    champion = _answers(_at(own, (own["arm"] == "champion") & (own["position"] >= high)), labels)
    challenger = _answers(_at(own, (own["arm"] == "challenger") & (own["position"] >= low) & (own["position"] < high)), labels)
    made = []
    for answers in (champion, challenger):
        told = [value for value in answers.values() if value is not None]
        made.append(Arm(n=len(told), events=sum(str(value) == primary.event for value in told)))
    return LabelCount(step=step, asked=(len(champion), len(challenger)), champion=made[0], challenger=made[1])


def _answers(arm: Mapping[str, Any], labels: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for entity, request, row in zip(arm["entity"].tolist(), arm["request"].tolist(), arm["row"].tolist(), strict=True):
        if row == 0 and entity not in found:
            found[entity] = labels.get(request)
    return found

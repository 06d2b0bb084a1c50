"""Where each model stands by the record, folded entry by entry: what is kept is bounded by models and stages, not by years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.verdicts import Severity, Verdict
from jupyter_mlgov.monitoring.silence import measured
from jupyter_mlgov.promotion import cases as reviews
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.rollout.serving.field import MOVING
from jupyter_mlgov.rollout.steps import State

ACTIONS = tuple(
    dict.fromkeys(
        (
            *MOVING,
            *(action for action in reviews.ACTIONS if action not in ("review.said", "review.reran")),
            "validation.done",
            "monitor.ran",
            "finding.settled",
            "breaker.switched",
            "endpoint.gone",
        )
    )
)
MOST = 200  # (version, watched) whose last measurement is kept, the newest ones
_SEVERITIES = frozenset(one.value for one in Severity)
_BULKY = frozenset({"docket", "plan", "before", "counts", "observation", "guards", "labels"})
_ENDS = frozenset(state.value for state in State if state.ended)
_WORDS: Mapping[str, Verdict] = {word: one for one in Verdict for word in (one.value, one.word)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One model after all entries read so far.

    `moves` are the entries that still decide who answers; `asked` those of reviews that are not over; `refuted` what nobody settled.
    `measured` maps (version, watched) to when; `verdicts` and `effects` are those of the last window, by check; `held` the watched
    things whose failing there is taken for chance; `breakers` the position of each replica that is there.
    """

    model: str
    notebook: str = ""
    validated: datetime | None = None
    verdict: Verdict | None = None
    moves: tuple[AuditEntry, ...] = ()
    asked: tuple[AuditEntry, ...] = ()
    refuted: tuple[AuditEntry, ...] = ()
    measured: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    rows: int | None = None
    runs: int = 0
    alarms: Mapping[str, int] = field(default_factory=dict)
    breakers: Mapping[str, str] = field(default_factory=dict)


def told(one: Standing, entry: AuditEntry) -> Standing:
    """`one` after `entry`. Pure; an entry it does not know leaves it as it is."""
    payload = entry.payload
    one = _moved(one, entry)
    match entry.action:
        case "promotion.decided":
            return replace(_asked(one, entry), notebook=str(payload.get("notebook") or one.notebook))
        case "review.asked" | "review.claimed" | "review.released" | "review.given":
            return replace(_asked(one, entry), notebook=one.notebook or str(payload.get("notebook") or ""))
        case "validation.done":
            notebook = str(payload.get("notebook") or one.notebook)
            return replace(one, validated=entry.time, verdict=_WORDS.get(str(payload.get("verdict", ""))), notebook=notebook)
        case "monitor.ran":
            return _ran(one, entry)
        case "finding.settled":
            return replace(one, refuted=tuple(old for old in one.refuted if old.digest != payload.get("finding")))
        case "alarm.raised":
            word = severity(payload.get("severity"))
            return replace(one, alarms={**one.alarms, word: one.alarms.get(word, 0) + 1})
        case "breaker.switched":
            return replace(one, breakers={**one.breakers, str(payload.get("replica", "")): str(payload.get("now", ""))})
        case "endpoint.gone":
            left = {replica: now for replica, now in one.breakers.items() if replica != payload.get("replica")}
            return replace(one, breakers=left)
    return one


def severity(word: object) -> str:
    """One of the four words, or `unknown`: a label that an entry cannot widen."""
    return word if isinstance(word, str) and word in _SEVERITIES else "unknown"


def _moved(one: Standing, entry: AuditEntry) -> Standing:
    """Keep what field() needs and no more: of a canary's looks the last, of alarms those that trip, of switches the last."""
    if entry.action not in MOVING:
        return one
    entry = replace(entry, payload={name: value for name, value in entry.payload.items() if name not in _BULKY})
    kept = one.moves
    if entry.action == "evidence.refuted":
        one = replace(one, refuted=(*one.refuted, entry))
        if entry.payload.get("serving") == "keep":
            return one
    elif entry.action == "alarm.raised":
        if not str(entry.payload.get("kind", "")).startswith("drift"):
            return one
        kept = tuple(old for old in kept if old.action not in ("alarm.raised", "breaker.ordered"))
    elif entry.action == "breaker.ordered":
        kept = tuple(old for old in kept if old.action not in ("alarm.raised", "breaker.ordered"))
    elif entry.action == "promotion.decided":
        kept = tuple(old for old in kept if not _refusal(old) or old.payload.get("stage") != entry.payload.get("stage"))
    elif entry.action.startswith("killswitch."):
        kept = tuple(old for old in kept if not old.action.startswith("killswitch."))
    elif entry.action == "canary.judged":
        kept = tuple(old for old in kept if not _overtaken(old, entry))
    return replace(one, moves=(*kept, entry))


def _overtaken(old: AuditEntry, new: AuditEntry) -> bool:
    """An earlier look of the same canary that ended nothing, where the new one says the share itself."""
    said = isinstance(new.payload.get("share"), (int, float)) and isinstance(new.payload.get("step"), int)
    mine = old.action == "canary.judged" and old.payload.get("canary") == new.payload.get("canary")
    return said and mine and str(old.payload.get("state")) not in _ENDS


def _refusal(entry: AuditEntry) -> bool:
    return entry.action == "promotion.decided" and entry.payload.get("answer") != Answer.GRANTED


def _asked(one: Standing, entry: AuditEntry) -> Standing:
    """The entries of reviews that still wait; comments are sealed in the raw log and say nothing about that."""
    facts = {name: value for name, value in entry.payload.items() if name != "docket"}
    blank = replace(entry, payload={**facts, "comment": ""} if entry.action == "review.given" else facts)
    entries = (*one.asked, blank)
    waiting = [case for case in reviews.cases(entries) if not case.closed and not case.changed]
    numbers, reports = {str(case.number) for case in waiting}, {str(case.report) for case in waiting}
    kept = tuple(
        old
        for old in entries
        if (old.action == "review.asked" and str(old.seq) in numbers)
        or str(old.payload.get("review")) in numbers
        or (old.action == "review.given" and str(old.payload.get("report")) in reports)
    )
    return replace(one, asked=kept)


def _ran(one: Standing, entry: AuditEntry) -> Standing:
    payload, version = entry.payload, str(entry.payload.get("version", ""))
    now = {(version, name): max(entry.time, one.measured.get((version, name), entry.time)) for name in measured(entry)}
    verdicts, effects, rows = _items(payload.get("verdicts")), _items(payload.get("effects")), payload.get("rows")
    return replace(
        one,
        measured=dict(sorted({**one.measured, **now}.items(), key=lambda item: item[1])[-MOST:]),
        verdicts={check: _WORDS[str(word)] for check, word in verdicts if str(word) in _WORDS},
        effects={check: float(size) for check, size in effects if isinstance(size, (int, float))},
        held=frozenset(name for name, _ in _items(payload.get("held"))),
        rows=rows if isinstance(rows, int) else None,
        runs=one.runs + 1,
    )


def _items(value: object) -> list[tuple[str, object]]:
    return [(str(name), item) for name, item in value.items()] if isinstance(value, Mapping) else []

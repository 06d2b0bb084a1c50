"""The rules of a gate as a reviewer saw them: asked for and given under these, an approval counts under no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.core.team import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a gate asks, resolved from mlgov.toml with tier and defaults. `after` is the stage before it.

    No names, so that a packet can carry it: `approvers` counts who may approve (0: anybody), `who` is the digest of their sorted names.
    """

    stage: str
    after: str
    policies: tuple[str, ...]
    approvals: int
    role: str
    approvers: int
    who: Digest
    evidence_days: int
    drill_days: int
    needs: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        """The same rules have the same digest, on every machine."""
        return Digest.of_json(fields_of(self))


def terms(team: Team, stage: str) -> Terms:
    """The rules of the gate into `stage` now. Raises UsageError for a stage without a gate."""
    rule = team.gate(stage)
    people = sorted({name.strip().casefold() for name in team.approvers(rule)})
    return Terms(
        stage=stage,
        after=team.stages[team.stages.index(stage) - 1],
        policies=tuple(sorted(rule.policies)),
        approvals=rule.approvals,
        role=rule.role,
        approvers=len(people),
        who=Digest.of_json(people),
        evidence_days=rule.evidence_days,
        drill_days=rule.drill_days,
        needs=tuple(sorted(rule.needs)),
    )


def every(team: Team) -> tuple[Terms, ...]:
    """The rules of every gate of the team."""
    return tuple(terms(team, stage) for stage in team.stages[1:])


_WORDS = {
    "after": "the stage before it",
    "policies": "packs",
    "approvals": "approvals",
    "role": "the role",
    "evidence_days": "evidence_days",
    "drill_days": "drill_days",
    "needs": "needs",
}


def differences(before: Terms, now: Terms) -> tuple[str, ...]:
    """Which rule was what and is what, in words; empty exactly where both have one digest."""
    both = ((word, getattr(before, name), getattr(now, name)) for name, word in _WORDS.items())
    told = [f"{word} was {_shown(was)}, is {_shown(new)}" for word, was, new in both if was != new]
    if before.who != now.who:
        others = "other people" if before.approvers == now.approvers else _people(now.approvers)
        told.append(f"who may approve was {_people(before.approvers)}, is {others}")
    return tuple(told)


def changed(seen: Iterable[Terms], now: Terms) -> tuple[str, ...]:
    """How the rules of this gate differ from those somebody saw; empty where nobody said which were seen (entries of older programs)."""
    seen = tuple(seen)
    mine = [was for was in seen if was.stage == now.stage]
    if seen and not mine:
        return (f"there was no gate into {now.stage}",)
    return tuple(dict.fromkeys(one for was in mine for one in differences(was, now)))


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return str(value) if value != "" else "nobody's"


def _people(number: int) -> str:
    return "anybody" if number == 0 else "1 person" if number == 1 else f"{number} people"

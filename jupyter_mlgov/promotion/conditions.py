"""What a gate asks beside report and reviews: limits that approvals set, the age of evidence, drills, data, a second run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.gating import GateRule
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.promotion.data import KeptData
from jupyter_mlgov.promotion.facts import Limit, Reason, Review
from jupyter_mlgov.promotion.waivers import Waiver
from jupyter_mlgov.validation.results import Report

OTHER_GATE = "asked at another gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the trail says beside report, reviews and authors. `at` is the moment of asking; None: nobody said, and what has an end is over.

    `measured` is when the oldest result of the report was measured, `drilled` when a rollback of the stage last was drilled well, `rerun`
    who validated again and got the same digest. `limits` is what the asker wants to use: traffic, exposure. `git_problem` says why git
    could not tell who committed the notebook, `refuted` what was found wrong with the evidence of this very version since.
    """

    at: datetime | None = None
    measured: datetime | None = None
    drilled: datetime | None = None
    rerun: tuple[Actor, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    limits: tuple[Limit, ...] = ()
    git_problem: str = ""
    refuted: tuple[str, ...] = ()


def parse_limit(text: str) -> Limit:
    """`traffic<=5%`, `traffic<=0.05` or `exposure<=1000000`. Raises UsageError."""
    found = re.fullmatch(r"\s*(traffic|exposure)\s*(?:<=|≤|=)\s*([0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?)\s*(%?)\s*", text)
    if not found:
        raise UsageError(
            f'"{text[:60]}" is no limit.',
            expected="Expected `traffic<=5%` or `exposure<=1000000`.",
            next='Quote it: --condition "traffic<=5%".',
        )
    most = float(found[2]) / (100 if found[3] else 1)
    if most == math.inf:
        raise UsageError(f"{text[:60]}: that is no amount.", expected="Expected `exposure<=1000000`.")
    if found[1] == "traffic":
        if most > 1:
            raise UsageError(f"{text[:60]}: traffic is a share of all requests.", expected="Expected at most 100% (or 1).")
        return Limit(name="traffic", most=most)
    if found[3]:
        raise UsageError(f"{text[:60]}: exposure is an amount, not a share.", expected="Expected a number, for instance exposure<=1000000.")
    return Limit(name="exposure", most=most)


def parse_day(text: str, *, today: date, longest: timedelta | None = None) -> str:
    """A day that is still to come (2026-12-31), at most `longest` away. Raises UsageError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'"{text[:40]}" is no day.', expected="Expected a date such as 2026-12-31.") from None
    if day < today:
        raise UsageError(f"{day} is past.", expected=f"Expected a day from {today} on.")
    if longest is not None and day - today > longest:
        raise UsageError(f"{day} is more than {longest.days} days away.", expected=f"Expected {today + longest} at the latest.")
    return day.isoformat()


def tightest(approvals: Iterable[Review]) -> tuple[tuple[Limit, ...], str]:
    """The smallest of each limit and the first day of ending among these approvals."""
    approvals = tuple(approvals)
    most: dict[str, Limit] = {}
    for limit in (limit for review in approvals for limit in review.limits):
        if limit.name not in most or limit.most < most[limit.name].most:
            most[limit.name] = limit
    return tuple(most[name] for name in sorted(most)), min((review.until for review in approvals if review.until), default="")


def shown(limit: Limit) -> str:
    """`traffic at most 5%`."""
    return f"{limit.name} at most {limit.most:.6g}" if limit.name == "exposure" else f"traffic at most {limit.most * 100:.6g}%"


def asked_here(report: Report, policies: tuple[str, ...]) -> Report:
    """`report` with only the demands of `policies` binding; the rest is for another gate. A check that no pack asks for still binds."""
    return replace(
        report,
        requirements=tuple(
            item if item.policy in policies or not item.binds else replace(item, standing=OTHER_GATE) for item in report.requirements
        ),
    )


def about_limits(last: str, approved: tuple[Limit, ...], wanted: tuple[Limit, ...]) -> Iterator[Reason]:
    """The last stage is where people are exposed: what an approval limits must be asked for, within it. Empty: not the last."""
    if not last:
        return
    asked = {limit.name: limit for limit in wanted}
    for limit in approved:
        flag = f"--{limit.name} {limit.most * 100:.6g}%" if limit.name == "traffic" else f"--exposure {limit.most:.6g}"
        mine = asked.get(limit.name)
        if mine is None:
            yield Reason(
                code="limit-unsaid",
                sentence=f"The approval allows {shown(limit)}, and nobody said how much is asked for.",
                next=f"Say how much: `mlgov promote {last} {flag}`.",
            )
        elif mine.most > limit.most:
            yield Reason(
                code="limit-exceeded",
                sentence=f"The approval allows {shown(limit)}; {shown(mine)} was asked for.",
                next=f"Ask for no more: `mlgov promote {last} {flag}`, or ask the reviewer for another approval.",
            )


def about_age(rule: GateRule, seen: Circumstances, report: Report | None) -> Iterator[Reason]:
    """The oldest measurement of the report is not too old for this gate."""
    if not rule.evidence_days or report is None:
        return
    if seen.at is None or seen.measured is None or seen.at - seen.measured > timedelta(days=rule.evidence_days):
        told = f"was measured on {seen.measured:%Y-%m-%d}" if seen.measured else "has no date that can be read"
        yield Reason(
            code="old-evidence",
            sentence=f"The oldest evidence of the report {told}; {rule.stage} asks for {rule.evidence_days} days at most.",
            next="Measure again: `mlgov validate --fresh`.",
        )


def about_drill(rule: GateRule, seen: Circumstances, model: str) -> Iterator[Reason]:
    """The way back was tried lately."""
    if not rule.drill_days:
        return
    if seen.at is None or seen.drilled is None or seen.at - seen.drilled > timedelta(days=rule.drill_days):
        told = f"was last drilled on {seen.drilled:%Y-%m-%d}" if seen.drilled else "was never drilled"
        yield Reason(
            code="no-drill",
            sentence=f"The way back from {rule.stage} {told}; it asks for a drill within {rule.drill_days} days.",
            next=f'Drill it: `mlgov rollback {model} --stage {rule.stage} --drill --reason "drill"`.',
        )


def about_needs(rule: GateRule, seen: Circumstances, data: tuple[KeptData, ...], approvals: tuple[Review, ...]) -> Iterator[Reason]:
    """`pushed-data`: every input is in DVC's remote, also where a team elsewhere may do without. `rerun`: who approves validated again."""
    if "pushed-data" in rule.needs:
        loose = [item.path for item in data if item.state in ("untracked", "no remote")]
        if loose or not data:
            what = ", ".join(loose[:5]) or "What the model was made from"
            alone = bool(data) and all(item.state == "no remote" for item in data if item.path in loose)
            track = f'Keep it: `mlgov track "{loose[0] if loose else "FILE"}"`, then `dvc push`.'
            yield Reason(
                code="data-not-kept",
                sentence=f"{what} is kept in no remote, and {rule.stage} asks for that.",
                next="Give DVC a remote: `dvc remote add --default NAME URL`, then `dvc push`." if alone else track,
            )
    if "rerun" in rule.needs:
        again = {actor.id.strip().casefold() for actor in seen.rerun}
        if not any(review.actor.id.strip().casefold() in again for review in approvals):
            yield Reason(
                code="no-rerun",
                sentence=f"No reviewer validated this model again with the same result, and {rule.stage} asks for that.",
                next="A reviewer types `mlgov review rerun`.",
                severity=Severity.MEDIUM,
            )

"""`mlgov monitor features`: what the online feature store answers, held against the offline one; a finding goes its way like any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Verdict, worst
from jupyter_mlgov.monitoring.plan import DEADLINES, Watched
from jupyter_mlgov.workspace import findings
from jupyter_mlgov.workspace.watched import running

if TYPE_CHECKING:
    from jupyter_mlgov.integrations.feast.agreement import Agreement
    from jupyter_mlgov.workspace.composition import Workspace

LEAST_KEYS = 20  # fewer say little about the others
NAME = "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is compared, and what is allowed: `most` is a share of keys, `hours` the age of online values."""

    features: tuple[str, ...]
    tolerance: float = 1e-6
    hours: float = 24.0
    keys: int = 1000
    most: float = 0.0
    least: int = LEAST_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A verdict and a sentence for each feature and view; `keys` were sampled."""

    lines: tuple[tuple[Verdict, str], ...]
    keys: int

    @property
    def verdict(self) -> Verdict:
        return worst([verdict for verdict, _ in self.lines]) if self.lines else Verdict.INCONCLUSIVE


def watch_features(workspace: Workspace, repo: Path, wanted: Wanted, *, model: str = "") -> Seen:
    """Compare and tell the trail; where `model` is named, a finding is an alarm about it and refutes its evidence.

    Raises as agreement() does, and UsageError or NotReady for a model that is not in production.
    """
    from jupyter_mlgov.integrations.feast.agreement import agreement

    now = running(workspace, model) if model else None
    found = agreement(repo, wanted.features, workspace.clock.now(), tolerance=wanted.tolerance, hours=wanted.hours, most=wanted.keys)
    seen = judged(found, wanted)
    payload = {
        "version": now.move.version if now else "",
        "window": f"features of {repo.name}"[:200],
        "rows": found.keys,
        "verdict": seen.verdict.word,
        "measured": [NAME] if seen.verdict in (Verdict.PASS, Verdict.FAIL) else [],
        "unmeasured": {} if seen.verdict in (Verdict.PASS, Verdict.FAIL) else {NAME: _first(seen)},
        "notes": [line for _, line in seen.lines],
    }
    drafts = [Draft(action="monitor.ran", subject=model or repo.name, payload=payload)]
    if now is not None and seen.verdict is not Verdict.PASS:
        watched = next((one for one in now.plan if one.name == NAME), None) or Watched(
            name=NAME, checks=(), frequency="daily", deadline=DEADLINES[now.team.tier]
        )
        moment = findings.log_moment(workspace, now)
        kind = f"monitor {NAME}" if seen.verdict is Verdict.FAIL else "monitor could not tell"
        drafts.append(findings.alarm_of(now, watched, kind, _first(seen), moment))
        if seen.verdict is Verdict.FAIL and NAME not in findings.standing(workspace, now):
            by = Digest.of_json([line for _, line in seen.lines])
            drafts.append(findings.refutation(now, watched, f"{NAME}: {_first(seen)}"[:500], by, moment))
    workspace.record(*drafts)
    if now is not None:
        findings.follow(workspace, now)
    return seen


def judged(found: Agreement, wanted: Wanted) -> Seen:
    """Each feature and each view with its verdict."""
    compared = [(one.verdict(wanted.most, wanted.least), one.sentence) for one in found.features]
    fresh = [(one.verdict, one.sentence) for one in found.fresh]
    return Seen(lines=(*compared, *fresh), keys=found.keys)


def _first(seen: Seen) -> str:
    return next(line for verdict, line in seen.lines if verdict is seen.verdict)

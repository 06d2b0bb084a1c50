"""Made-up histories of models, act by act, with payloads of the shape that the product writes. Also what `make bench` grows to millions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.promotion.facts import Answer, Decision
from jupyter_mlgov.testing import ANA, BEN

TEAM = {"tier": 1, "stages": ["development", "staging", "production"], "scope": {}, "policies": ["sr-26-2"], "register": {}}


class Script:
    """A clock that says one given moment after another."""

    def __init__(self, moments: Iterable[datetime]) -> None:
        self._moments = iter(moments)

    def now(self) -> datetime:
        return next(self._moments)


def demand(
    control: str, validator: str, verdict: str | None, *, standing: str = "in force", severity: str = "high", policy: str = "p"
) -> dict[str, object]:
    return {"policy": policy, "control": control, "validator": validator, "verdict": verdict, "standing": standing, "severity": severity}


def ran(model: str) -> Draft:
    return Draft(action="cell.started", subject=f"{model}.ipynb", payload={"cell_id": "c"})


def validated(
    model: str, report: str, demands: list[dict[str, object]], *, data: dict[str, str] | None = None, note: str = "", **team: Any
) -> Draft:
    declared = {key: TEAM[key] for key in ("tier", "stages")} | team
    subject = {"data": data or {}, "model": str(Digest.of_text(model))}
    payload = {
        "notebook": f"{model}.ipynb",
        "verdict": "failed" if any(one["verdict"] == "fail" for one in demands) else "passed",
        "digest": digest(report),
        "report": {"requirements": demands, "subject": subject, "note": note},
        "declared": declared,
    }
    return Draft(action="validation.done", subject=model, payload=payload)


def asked(model: str, report: str, stage: str = "production", due: str = "") -> Draft:
    payload = {"notebook": f"{model}.ipynb", "stage": stage, "report": digest(report), "packet": digest("packet"), "due": due}
    return Draft(action="review.asked", subject=model, payload=payload)


def given(model: str, report: str, when: datetime, verdict: str = "approve", who: Actor = BEN) -> Draft:
    payload = {"actor": fields_of(who), "verdict": verdict, "report": digest(report), "comment": "c", "time": when.isoformat()}
    return Draft(action="review.given", subject=model, payload=payload)


def decided(
    model: str, version: str, *, stage: str = "production", granted: bool = True, report: str = "r", team: dict[str, Any] | None = None
) -> Draft:
    decision = Decision(
        model=model,
        version=version,
        stage=stage,
        answer=Answer.GRANTED if granted else Answer.REFUSED,
        reasons=(),
        report=Digest.of_text(report),
        team=Digest.of_text("team"),
        asked_by=ANA,
    )
    reasons = [] if granted else [{"code": "x", "sentence": "s", "next": "n", "severity": "high"}]
    payload = {**fields_of(decision), "reasons": reasons, "notebook": f"{model}.ipynb", "docket": {"team": team or TEAM}}
    return Draft(action="promotion.decided", subject=model, payload=payload)


def applied(model: str, version: str, decision: AuditEntry, stage: str = "production") -> Draft:
    return Draft(action="promotion.applied", subject=model, payload={"stage": stage, "version": version, "decision": decision.digest})


def act(action: str, model: str, **payload: object) -> Draft:
    return Draft(action=action, subject=model, payload=payload)


def digest(text: str) -> str:
    return str(Digest.of_text(text))


def spread(start: datetime, gaps: Iterable[float]) -> list[datetime]:
    """Moments, each that many minutes after the one before; a negative gap sets the clock back."""
    found, now = [], start
    for gap in gaps:
        now += timedelta(minutes=gap)
        found.append(now)
    return found

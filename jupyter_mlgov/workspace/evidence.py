"""Evidence on record: kept by its digest, found again by what it rests on, and the looks at a hold-out set that were spent on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.validation.basis import Earlier, Kept
from jupyter_mlgov.validation.results import CheckResult, Report, Unchecked
from jupyter_mlgov.validation.running import evidence

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

LAST = 20  # reports that are looked through for an answer that still holds


def keep(workspace: Workspace, report: Report) -> None:
    """Put what each result measured into the store, under the digest that the result names. The same evidence is kept once."""
    for result in report.results:
        if result.evidence:
            found = evidence(result, report.subject, report.policies, report.requirements)
            if found.id in result.evidence:
                workspace.objects.put(canonical_json(found.plain))


def earlier(done: Sequence[AuditEntry], notebook: str) -> Earlier:
    """The answers of the last reports on `notebook` (`done`: entries `validation.done`), newest first, each with what it rested on.

    What cannot be read is no answer.
    """
    entries = [one for one in done if one.payload.get("notebook") == notebook]
    kept: dict[str, list[Kept]] = defaultdict(list)
    for entry in reversed(entries[-LAST:]):
        bases, report = entry.payload.get("bases"), entry.payload.get("report")
        if not isinstance(bases, Mapping) or not isinstance(report, Mapping):
            continue
        waiting = entry.payload.get("waiting")
        bodies: list[tuple[type[CheckResult] | type[Unchecked], object]] = [(CheckResult, body) for body in report.get("results") or ()]
        bodies += [(Unchecked, body) for body in (waiting if isinstance(waiting, list) else ())]
        for kind, body in bodies:
            known = kept[str(body.get("validator"))] if isinstance(body, Mapping) else []
            rests = bases.get(str(body.get("validator"))) if isinstance(body, Mapping) else None
            if isinstance(rests, Mapping) and not any(one.basis == rests for one in known) and (found := _kept(kind, body, rests)):
                known.append(found)
    return Earlier(kept={name: tuple(found) for name, found in kept.items()})


def _kept(kind: type[CheckResult] | type[Unchecked], body: object, rests: Mapping[str, object]) -> Kept | None:
    try:
        return Kept(result=restore(kind, body, ""), basis={str(part): str(value) for part, value in rests.items()})
    except Unreadable:
        return None


def holdout(team: Team, lineage: Lineage) -> str:
    """The hold-out set by its true outcomes: their digest stays the same however often a model is tried on it. Empty where unknown."""
    ref = lineage.last_output(team.roles.test or team.roles.table)
    column = team.roles.label or team.roles.outcome
    found = ref.fingerprint.columns.get(column) if ref and ref.fingerprint else None
    return str(found or "")


def looks(done: Sequence[AuditEntry], model: str, seen: str, digest: Digest | None) -> int:
    """How many different models of this name were judged on this hold-out set, the one at hand included; 0 where it is not known."""
    if not seen or digest is None:
        return 0
    models = {str(digest)}
    for entry in (one for one in done if one.subject == model):
        report = entry.payload.get("report")
        subject = report.get("subject") if isinstance(report, Mapping) else None
        if entry.payload.get("holdout") == seen and isinstance(subject, Mapping) and subject.get("model"):
            models.add(str(subject["model"]))
    return len(models)

"""The facts of one version of a model, gathered from the trail alone: no server is asked, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady, UsageError, unknown
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.reports.dossier.facts import DossierFacts
from jupyter_mlgov.validation.records import Act, Chain
from jupyter_mlgov.validation.results import Report

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

_CELLS = ("session.", "cell.", "recording.")


def parse_name(text: str) -> tuple[str, str]:
    """`credit-approval@3` as (model, version); without `@` the version is empty: the newest. Raises UsageError for half a name."""
    model, at, version = text.rpartition("@") if "@" in text else (text, "", "")
    if not model or (at and not version):
        raise UsageError(f'"{text}" names no version.', expected="Expected MODEL or MODEL@VERSION, as in credit-approval@3.")
    return model, version.removeprefix("v")


def gather(workspace: Workspace, name: str) -> DossierFacts:
    """What documents about `MODEL@VERSION` are written from. Raises UsageError for an unknown name, NotReady without any run."""
    from jupyter_mlgov.promotion.authorship import authors
    from jupyter_mlgov.promotion.fold import decisions, reviews
    from jupyter_mlgov.promotion.waivers import waivers
    from jupyter_mlgov.validation.plugins import installed_policies
    from jupyter_mlgov.workspace.subjects import forms

    model, version = parse_name(name)
    entries = tuple(workspace.journal.entries())
    notebook = _notebook(workspace, model, entries)
    known = _versions(entries, model)
    if version and version not in known:
        raise unknown(f"version of {model}", version, list(known), next="`mlgov sync` tells MLflow about runs and learns their versions.")
    lineage, number, latest = _lineage(workspace, entries, notebook, known, version)
    report, judged = _report(entries, notebook, lineage)
    team = workspace.team_for(notebook)
    told = [one for one in decisions(entries, model) if one.version == number] if number else []
    facts = DossierFacts(
        model=model,
        version=number,
        stage=_stage(entries, model, number),
        team=team,
        lineage=lineage,
        report=report,
        made=workspace.clock.now(),
        by=workspace.actor(),
        policies=installed_policies(team.policies, workspace.root),
        forms=forms(workspace, model),
        acts=tuple(_acts(entries, model, notebook)),
        reviews=reviews(entries, report.digest) if report else (),
        waivers=waivers(entries, model),
        decision=told[-1] if told else None,
        authors=authors(entries, notebook),
        runs={
            str(entry.payload.get("id")): entry.digest for entry in entries if entry.action == "cell.finished" and entry.subject == notebook
        },
        judged=judged.digest if judged else "",
        judged_at=judged.time if judged else None,
        chain=_chain(workspace),
        size=workspace.journal.head()[0],
        latest=latest,
    )
    return _standing(workspace, facts, notebook)


def _chain(workspace: Workspace) -> Chain:
    """Whether the trail is whole by itself; who outside witnesses it is for `mlgov audit verify` to ask."""
    from jupyter_mlgov.workspace.trail import verify

    found = verify(workspace, ask_anchors=False)
    return Chain(ok=found.ok, problem="" if found.ok else found.sentence)


def _standing(workspace: Workspace, facts: DossierFacts, notebook: str) -> DossierFacts:
    """What stands in the way and what went stale: said of the newest version alone, because it is asked of the notebook as it is."""
    if not facts.latest or facts.report is None:
        return facts
    context = workspace.context(facts.report, notebook)
    return replace(facts, why=context.why, stale=context.stale)


def _notebook(workspace: Workspace, model: str, entries: Sequence[AuditEntry]) -> str:
    """The notebook of the model: the one it was last judged or told from, else the one whose team file names it."""
    told = [
        str(entry.payload["notebook"])
        for entry in entries
        if entry.subject == model and entry.action in ("validation.done", "promotion.decided") and entry.payload.get("notebook")
    ]
    if told:
        return told[-1]
    teams = {workspace.team_for(notebook).model: notebook for notebook in reversed(workspace.notebooks())}
    if model in teams:
        return teams[model]
    if not teams:
        raise NotReady("Nothing has run in this workspace yet.", next="Run a notebook: `mlgov run NOTEBOOK`, or Run All in JupyterLab.")
    raise unknown("model", model, sorted(teams), next="See `mlgov status`.")


def _versions(entries: Iterable[AuditEntry], model: str) -> dict[str, str]:
    """version -> session, as MLflow answered when it was told about a run; the first session that made a version counts."""
    found: dict[str, str] = {}
    for entry in entries:
        key, version = entry.payload.get("key"), entry.payload.get("version")
        mine = entry.action == "projection.delivered" and entry.payload.get("model") == model
        if mine and isinstance(key, str) and key.startswith("run:") and isinstance(version, str) and version:
            found.setdefault(version, key.split(":")[1])
    return found


def _lineage(
    workspace: Workspace, entries: Sequence[AuditEntry], notebook: str, known: Mapping[str, str], version: str
) -> tuple[Lineage, str, bool]:
    """(the session of the version, its number, whether it is the newest). Without a version: the last session, with its number if any."""
    from jupyter_mlgov.lineage.fold import fold

    now = workspace.lineage(notebook)
    sessions = {session: number for number, session in known.items()}
    current = sessions.get(now.session.id, "") if now.session else ""
    if not version or version == current:
        return now, current, True
    wanted = known[version]
    mine = [
        entry
        for entry in entries
        if entry.subject == notebook
        and wanted in (entry.payload.get("session"), entry.payload.get("id") if entry.action == "session.started" else "")
    ]
    return fold(mine, notebook), version, False


def _report(entries: Sequence[AuditEntry], notebook: str, lineage: Lineage) -> tuple[Report | None, AuditEntry | None]:
    """The newest whole report on this very model, checked against its digest, with the entry that holds it."""
    from jupyter_mlgov.reports.read import read_report

    model = lineage.model.fingerprint.root if lineage.model is not None and lineage.model.fingerprint is not None else None
    for entry in reversed(entries):
        body = entry.payload.get("report") if entry.action == "validation.done" else None
        if entry.payload.get("notebook") != notebook or not isinstance(body, dict) or body.get("note"):
            continue
        subject = body.get("subject")
        if isinstance(subject, dict) and model is not None and subject.get("model") == model:
            return read_report(body), entry
    return None, None


def _stage(entries: Sequence[AuditEntry], model: str, version: str) -> str:
    """The stages in which this version is now, by decision."""
    from jupyter_mlgov.promotion.intended import history

    now = {move.stage: move.version for move in history(entries, model)}
    return ", ".join(stage for stage, held in now.items() if version and held == version)


def _acts(entries: Iterable[AuditEntry], model: str, notebook: str) -> Iterator[Act]:
    for entry in entries:
        mine = entry.subject in (model, notebook) or entry.payload.get("model") == model or entry.payload.get("notebook") == notebook
        if mine and not entry.action.startswith(_CELLS):
            yield Act(
                action=entry.action,
                subject=entry.subject,
                actor=entry.actor,
                time=entry.time,
                payload=entry.payload,
                entry=Digest(entry.digest),
            )

"""Validate, review, decide, promote: the acts that need several rooms, each written to the trail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, UsageError
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.core.verdicts import worst
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.promotion.facts import Answer, Decision
from jupyter_mlgov.promotion.fold import origin
from jupyter_mlgov.promotion.registry import ModelVersion
from jupyter_mlgov.validation.results import Report, report_json
from jupyter_mlgov.workspace.declaring import declared

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
    from jupyter_mlgov.promotion.ahead import Way
    from jupyter_mlgov.promotion.data import KeptData
    from jupyter_mlgov.promotion.docket import Docket
    from jupyter_mlgov.promotion.facts import Limit
    from jupyter_mlgov.validation.engine import Judgement
    from jupyter_mlgov.validation.results import CheckResult
    from jupyter_mlgov.workspace.composition import Workspace

Progress = Callable[[int, int, str], None]


def validate(
    workspace: Workspace,
    notebook: str,
    progress: Progress | None = None,
    only: Collection[str] = (),
    *,
    stage: str = "",
    fresh: bool = False,
) -> Judgement:
    """Judge the model of `notebook` under its team's policies, and write the report to the trail.

    The thresholds enter the trail before anything is measured. What rests on unchanged parts is taken from the trail. `only` names
    validators (`fair.*`), `stage` the stage whose controls ask; the report then says it is partial, and a gate does not take it.
    `fresh` measures everything again.
    """
    from jupyter_mlgov.workspace.evidence import keep

    given, facts = measure(workspace, notebook, progress, only, stage=stage, fresh=fresh)
    report = given.report
    keep(workspace, report)
    payload = {
        "notebook": notebook,
        "verdict": worst([result.verdict for result in report.results]).word,
        "digest": report.digest,
        "report": report_json(report),
        "bases": given.bases,
        "waiting": [fields_of(one) for one in given.waiting],
        "reused": [one.validator for one in given.reuse if one.reused],
        "declared": declared(workspace.team_for(notebook)),
        **facts,
    }
    workspace.record(Draft(action="validation.done", subject=workspace.team_for(notebook).model, payload=payload))
    return given


def measure(
    workspace: Workspace,
    notebook: str,
    progress: Progress | None = None,
    only: Collection[str] = (),
    *,
    stage: str = "",
    fresh: bool = False,
) -> tuple[Judgement, dict[str, object]]:
    """What validate() writes, not written: the judgement, and the hold-out set and chain it was made with. The thresholds are written."""
    from jupyter_mlgov.validation.basis import Earlier
    from jupyter_mlgov.validation.engine import judge, placed, plan
    from jupyter_mlgov.validation.plugins import installed_policies, installed_validators
    from jupyter_mlgov.validation.runners import runner_for
    from jupyter_mlgov.workspace.evidence import earlier, holdout, looks
    from jupyter_mlgov.workspace.subjects import gather

    team = workspace.team_for(notebook)
    lineage = workspace.lineage(notebook)
    policies, registry = installed_policies(team.policies, workspace.root), installed_validators()
    today = workspace.clock.now().date()
    controls = placed(policies, team.scope, today)
    fixed = plan(policies, registry, controls, parameters=team.parameters, only=only, also=team.also, stage=stage)
    subject = gather(workspace, team, lineage, fixed.needs)
    fix_thresholds(workspace, team.model, notebook, fixed.thresholds)
    seen = holdout(team, lineage)
    done = tuple(workspace.journal.entries(actions=("validation.done",)))
    given = judge(
        subject,
        fixed,
        controls,
        runner=runner_for(subject, installed=True),
        progress=progress,
        earlier=Earlier() if fresh else earlier(done, notebook),
        looks=looks(done, team.model, seen, subject.ref.model),
    )
    return given, {"holdout": seen, **({"chain": fields_of(subject.chain)} if subject.chain else {})}


def fix_thresholds(workspace: Workspace, model: str, notebook: str, thresholds: Digest) -> None:
    """Write the digest of the thresholds, where it is not the one written last for this notebook."""
    before = [entry.payload for entry in workspace.journal.entries(actions=("thresholds.fixed",), subject=model)]
    mine = [payload.get("digest") for payload in before if payload.get("notebook") == notebook]
    if mine[-1:] != [thresholds]:
        workspace.record(Draft(action="thresholds.fixed", subject=model, payload={"notebook": notebook, "digest": thresholds}))


def last_report(workspace: Workspace, notebook: str) -> Report | None:
    """The newest whole report on `notebook`, read back from the trail and checked against its digest."""
    from jupyter_mlgov.reports.read import read_report

    found: object = None
    for entry in workspace.journal.entries(actions=("validation.done",)):
        report = entry.payload.get("report")
        if entry.payload.get("notebook") == notebook and isinstance(report, dict) and not report.get("note"):
            found = report
    return read_report(found) if isinstance(found, dict) else None


def measured_alone(workspace: Workspace, notebook: str) -> dict[str, CheckResult]:
    """What partial reports newer than the whole one say about the subject as it is now, by validator."""
    from jupyter_mlgov.reports.read import read_report

    bodies: list[dict[str, object]] = []
    for entry in workspace.journal.entries(actions=("validation.done",)):
        body = entry.payload.get("report")
        if entry.payload.get("notebook") == notebook and isinstance(body, dict):
            bodies = [*bodies, body] if body.get("note") else []
    reports = [read_report(body) for body in bodies]
    if not reports:
        return {}
    team, lineage = workspace.team_for(notebook), workspace.lineage(notebook)
    current = [one for one in reports if not changes(workspace, one, lineage, team)]
    return {result.validator: result for one in current for result in one.results}


def changes(workspace: Workspace, report: Report, lineage: Lineage, team: Team) -> tuple[str, ...]:
    """What changed in the subject since `report`, in sentences; empty when it still holds.

    The git commit is recorded and is no change by itself: what counts is what cells, parameters and modules say, comments and layout of
    cells aside.
    """
    from jupyter_mlgov.validation.plugins import installed_policies
    from jupyter_mlgov.workspace.subjects import subject_ref

    before, now = report.subject, subject_ref(team, lineage)
    named = {
        "table": f"the table `{team.roles.table}` changed",
        "model": "the model changed",
        "data": "an input file or a module changed",
        "slice": "a tagged cell or a parameter changed",
        "environment": "the environment changed",
        "roles": "the roles of the columns in mlgov.toml changed",
        "name": "the model's name changed",
    }
    told = [sentence for field, sentence in named.items() if plain(getattr(before, field)) != plain(getattr(now, field))]
    judged = {ref.id: ref.digest for ref in report.policies}
    packs = installed_policies(team.policies, workspace.root)
    told += [f"the policy pack {pack.id} changed" for pack in packs if pack.id in judged and judged[pack.id] != pack.digest]
    return tuple(told)


def decide(
    workspace: Workspace, stage: str, notebook: str, *, ask_registry: bool, limits: tuple[Limit, ...] = ()
) -> tuple[Decision, Docket]:
    """The gate's answer now, with all its reasons, and what it rests on. With `ask_registry` what was found out about the data is written.

    Without `ask_registry` the version is the one that promote() would register first, so that `why` waits for no server.
    """
    from jupyter_mlgov.promotion.docket import decide as answer

    docket, entries = _docket(workspace, stage, notebook, ask_registry=ask_registry, limits=limits)
    return answer(docket, entries), docket


def _docket(
    workspace: Workspace, stage: str, notebook: str, *, ask_registry: bool, limits: tuple[Limit, ...]
) -> tuple[Docket, tuple[AuditEntry, ...]]:
    """All that a decision rests on, and the log that it reads."""
    from jupyter_mlgov.promotion.authorship import copies
    from jupyter_mlgov.promotion.docket import Docket
    from jupyter_mlgov.promotion.since import log_time
    from jupyter_mlgov.workspace.subjects import hidden

    team = workspace.team_for(notebook)
    team.gate(stage)
    lineage = workspace.lineage(notebook)
    report = last_report(workspace, notebook)
    version = _version(workspace, team, lineage) if ask_registry else None
    data = _kept(workspace, team, lineage) if ask_registry else _looked_up(workspace, team, stage, lineage)
    entries = tuple(workspace.journal.entries())
    version = version if ask_registry else _by_the_log(team, lineage, entries)
    people, problem = committers(workspace, notebook, entries)
    first = origin(entries, notebook)
    docket = Docket(
        team=team,
        notebook=notebook,
        stage=stage,
        version=version,
        report=report.digest if report else None,
        stale=changes(workspace, report, lineage, team) if report else (),
        steps=lineage.steps,
        committers=people,
        git_problem=problem,
        data=data,
        limits=limits,
        asked_by=workspace.actor(),
        hidden=hidden(workspace, notebook),
        at=stamp(log_time(entries, workspace.clock.now())),
        as_of=entries[-1].seq if entries else 0,
        clock=2,
        origin=first,
        copied=copies(entries, notebook, first),
    )
    return docket, entries


def committers(workspace: Workspace, notebook: str, entries: Sequence[AuditEntry] = ()) -> tuple[tuple[Actor, ...], str]:
    """Everybody who committed the notebook's file, or one that it was exported or copied from, as git tells it, or why it cannot.

    `entries` is the log, where it was read already.
    """
    from jupyter_mlgov.integrations.git import committers as asked
    from jupyter_mlgov.promotion.authorship import CELLS, sources

    found: tuple[tuple[str, str], ...] = ()
    problem = ""
    for name in sources(entries or workspace.journal.entries(actions=("export.written", *CELLS)), notebook):
        more, problem = asked(workspace.root, name)
        found = tuple(dict.fromkeys((*found, *more)))
        if problem:
            break
    return tuple(Actor(id=email, source="git", name=name) for name, email in found), problem


def _looked_up(workspace: Workspace, team: Team, stage: str, lineage: Lineage) -> tuple[KeptData, ...]:
    """The same without writing it, and only for a gate that asks for it: `why` must not say that data is missing which is there."""
    from jupyter_mlgov.workspace.tracking import kept_data

    return kept_data(workspace, lineage) if "pushed-data" in team.gate(stage).needs else ()


def _kept(workspace: Workspace, team: Team, lineage: Lineage) -> tuple[KeptData, ...]:
    """What DVC and its remote say about the model's data, written to the trail: a decision that rests on it can be replayed."""
    from jupyter_mlgov.workspace.tracking import kept_data

    data = kept_data(workspace, lineage)
    if data:
        states = ", ".join(sorted({item.state for item in data}))
        payload = {"items": [fields_of(item) for item in data], "states": states, "notebook": lineage.notebook}
        workspace.record(Draft(action="data.checked", subject=team.model, payload=payload))
    return data


def _version(workspace: Workspace, team: Team, lineage: Lineage) -> ModelVersion | None:
    model = lineage.model
    if model is None or model.fingerprint is None:
        return None
    return workspace.registry.find(team.model, model.fingerprint.root, _registered(workspace, team.model))


def _registered(workspace: Workspace, model: str) -> frozenset[str]:
    """The versions that this trail says it registered: one that somebody else made and tagged like ours is not what was judged."""
    told = (entry.payload for entry in workspace.journal.entries(actions=("projection.delivered",)))
    return frozenset(
        str(one["version"]) for one in told if one.get("model") == model and one.get("target") == "mlflow" and one.get("version")
    )


def _by_the_log(team: Team, lineage: Lineage, entries: tuple[AuditEntry, ...]) -> ModelVersion | None:
    """The notebook's model under the version with which it was let into a stage; without one before it was, as promote() registers it."""
    from jupyter_mlgov.promotion.ahead import way

    model = lineage.model
    if model is None or model.fingerprint is None or model.stored is None:
        return None
    unnamed = ModelVersion(model=team.model, version="", run_id="", model_digest=model.fingerprint.root)
    return replace(unnamed, version=way(entries, team, unnamed).version)


def way_of(workspace: Workspace, notebook: str) -> Way:
    """Which stages the notebook's model is in, and which it goes for next, by the log."""
    from jupyter_mlgov.promotion.ahead import way

    team, entries = workspace.team_for(notebook), tuple(workspace.journal.entries())
    return way(entries, team, _by_the_log(team, workspace.lineage(notebook), entries))


def next_stage(workspace: Workspace, notebook: str) -> str:
    """The stage that the notebook's model goes for. Raises UsageError where its team has none with a gate."""
    found = way_of(workspace, notebook)
    if not found.stage:
        raise UsageError(
            "The team's stages have no gate.", next='Name two or more under [promotion]: `stages = ["development", "staging"]`.'
        )
    return found.stage


def promote(workspace: Workspace, stage: str, notebook: str, limits: tuple[Limit, ...] = ()) -> Decision:
    """Ask for `stage`. The decision is written first; only a granted one moves the alias, and that is written too.

    One at a time: of two who ask at once the second is decided on what the first left, and log and registry agree at the end.
    Raises UsageError for an unknown stage, SystemUnreachable when the registry does not answer (nothing moved).
    """
    from jupyter_mlgov.workspace.delivery import alone

    workspace.team_for(notebook).gate(stage)
    workspace.project(notebook)
    workspace.deliver()
    with alone(workspace, "promote"):
        return _promote(workspace, stage, notebook, limits)


def _promote(workspace: Workspace, stage: str, notebook: str, limits: tuple[Limit, ...]) -> Decision:
    from jupyter_mlgov.workspace.trail import sign_decision

    decision, docket = decide(workspace, stage, notebook, ask_registry=True, limits=limits)
    team, version = docket.team, docket.version
    outcome = "granted" if decision.answer is Answer.GRANTED else f"{decision.answer} ({len(decision.reasons)} reasons)"
    payload = {**fields_of(decision), "notebook": notebook, "outcome": outcome, "docket": fields_of(docket)}
    draft = Draft(action="promotion.decided", subject=team.model, payload=payload)
    entry = workspace.journal.append([draft], actor=workspace.actor())[-1]
    unsigned = sign_decision(workspace, entry, Digest(version.model_digest) if version else None)
    told: tuple[str, ...] = ()
    if decision.answer is Answer.GRANTED and version is not None:
        workspace.registry.promote(version, decision, entry.digest)
        payload = {"stage": stage, "version": version.version, "decision": entry.digest, **_way_back(workspace, team, notebook)}
        workspace.record(Draft(action="promotion.applied", subject=team.model, payload=payload))
        told = _witnessed(workspace, decision)
    notes = tuple(filter(None, (unsigned, *told)))
    return replace(decision, notes=(*decision.notes, *notes)) if notes else decision


def _way_back(workspace: Workspace, team: Team, notebook: str) -> dict[str, object]:
    """What a later rollback to this version looks at: the stored model, its signature, golden predictions, packages."""
    from jupyter_mlgov.integrations.mlflow.parcel import requirements
    from jupyter_mlgov.workspace import golden
    from jupyter_mlgov.workspace.model_keys import sign_object

    lineage = workspace.lineage(notebook)
    model, scored = lineage.model, lineage.last_output(team.roles.table)
    if model is None or model.stored is None:
        return {"no_golden": "no copy of the model was kept"}
    facts: dict[str, object] = {"object": model.stored, "requirements": requirements(lineage)}
    try:
        facts["signature"] = sign_object(workspace, model.stored)
    except MlgovError as error:
        facts["unsigned"] = str(error)
    if scored is None or scored.stored is None:
        return {**facts, "no_golden": f"the table `{team.roles.table}` was not kept"}
    facts["table"] = scored.stored
    kept, why = golden.take(workspace, workspace.objects.path(scored.stored), model.stored, team.roles.favourable)
    return {**facts, **({"golden": kept} if kept else {"no_golden": why})}


def _witnessed(workspace: Workspace, decision: Decision) -> tuple[str, ...]:
    """Leave a signed checkpoint outside, and say what became of it. A promotion that nobody outside can witness is told, not undone."""
    from jupyter_mlgov.audit.anchors import Occasion
    from jupyter_mlgov.workspace.trail import anchor_checkpoint

    occasion = Occasion(model=decision.model, version=decision.version, stage=decision.stage)
    try:
        left = anchor_checkpoint(workspace, occasion)
    except MlgovError as error:
        problem = f"No checkpoint was signed for this promotion: {error}"
        workspace.record(Draft(action="checkpoint.failed", subject=decision.model, payload={"anchor": "every anchor", "problem": problem}))
        return (problem,)
    return left.problems

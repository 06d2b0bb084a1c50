"""A decided version on its way to a cluster: rendered to files, held against them, applied."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import AuditEntry, Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.promotion.facts import Decision
from jupyter_mlgov.promotion.fold import decisions
from jupyter_mlgov.promotion.intended import INTENDING, Intended, history
from jupyter_mlgov.rollout.manifests.release import BUCKETS, Release, place_of
from jupyter_mlgov.rollout.manifests.tree import HEADER, TARGETS, documents, files

if TYPE_CHECKING:
    from jupyter_mlgov.core.team import Team
    from jupyter_mlgov.rollout.manifests.pods import Document
    from jupyter_mlgov.workspace.composition import Workspace

# What others rest on comes first; the object that starts pods comes last.
_ORDER = (
    "ServiceAccount",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "DestinationRule",
    "VirtualService",
    "AnalysisTemplate",
    "ServiceMonitor",
    "PrometheusRule",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked for. `model` may be MODEL, MODEL@VERSION or MODEL@STAGE; `share` is where KServe or Seldon stand now (percent)."""

    model: str
    target: str
    image: str = ""
    namespace: str = ""
    share: int = 0
    storage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A release for a target with its documents by file name, and the files of its tree by path below the folder."""

    release: Release
    target: str
    found: dict[str, Document]
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the cluster took, in order. `problem` is empty where it took everything."""

    done: tuple[str, ...]
    problem: str = ""


def rendered(workspace: Workspace, ask: Ask) -> Rendered:
    """Raises UsageError for an unknown target or an image that is not pinned, NotReady for a version that no decision let in."""
    if ask.target not in TARGETS:
        raise unknown("target", ask.target, TARGETS)
    _, team = workspace.decided(ask.model.partition("@")[0])
    entries = tuple(workspace.journal.entries(actions=(*INTENDING, "promotion.applied")))
    move = _move(team, entries, ask.model)
    decision = _decision(entries, move)
    release = Release(
        model=move.model,
        version=move.version,
        stage=move.stage,
        decision=move.entry,
        fingerprint=_fingerprint(entries, move),
        place=place_of(team, image=ask.image, namespace=ask.namespace),
        share=_allowed(workspace, decision),
    )
    earlier = [one.version for one in history(entries, move.model) if one.stage == move.stage and one.version not in ("", move.version)]
    if ask.target == "seldon" and not ask.storage:
        raise UsageError("Seldon loads a model from storage.", next="Give the address its servers read: --storage s3://BUCKET/PATH.")
    found = documents(release, ask.target, share=ask.share, storage=ask.storage, before=earlier[-1] if earlier else "")
    tree = files(release, ask.target, found, team.stages[1:])
    return Rendered(release=release, target=ask.target, found=found, files={str(path): text for path, text in tree.items()})


def _move(team: Team, entries: tuple[AuditEntry, ...], words: str) -> Intended:
    model, _, rest = words.partition("@")
    moves = history(entries, model)
    now = {stage: next((one for one in reversed(moves) if one.stage == stage), None) for stage in team.stages[1:]}
    there = [one for one in now.values() if one is not None and one.version]
    if not rest:
        rest = team.stages[-1] if now.get(team.stages[-1]) else (there[-1].stage if there else "")
    chosen = [one for one in there if rest in (one.stage, one.version)]
    if not chosen:
        shown = ", ".join(f"version {one.version} in {one.stage}" for one in there) or "nothing"
        raise NotReady(
            f"No decision that stands let {rest or 'any version'} of {model} into a stage.",
            expected=f"By the trail there is now: {shown}.",
            next="Ask for it: `mlgov promote STAGE`.",
        )
    return chosen[-1]


def _decision(entries: tuple[AuditEntry, ...], move: Intended) -> Decision | None:
    """The newest decision that let the version in; a rollback brings back a version under the decision it once had."""
    found = [
        one for one in decisions(entries, move.model) if one.version == move.version and one.stage == move.stage and one.answer == "granted"
    ]
    return found[-1] if found else None


def _allowed(workspace: Workspace, decision: Decision | None) -> int:
    """Percent of traffic. Raises NotReady where no decision says so, it has lapsed, or allows less than one percent."""
    if decision is None:
        raise NotReady("No granted decision stands behind this version.", next="Ask for one: `mlgov promote STAGE`.")
    if decision.until and workspace.clock.now().date().isoformat() > decision.until:
        raise NotReady(f"The approval counted until {decision.until}.", next="Ask again: `mlgov promote` and `mlgov review ask`.")
    most = min([limit.most for limit in decision.limits if limit.name == "traffic"], default=1.0)
    if int(most * BUCKETS) < 1:
        raise NotReady(f"The approval allows {most:.2%} of traffic, less than a step.", next="Ask the reviewer for more.")
    return min(BUCKETS, int(most * BUCKETS + 1e-9))


def _fingerprint(entries: tuple[AuditEntry, ...], move: Intended) -> str:
    for entry in reversed(entries):
        facts = entry.payload
        mine = entry.action == "promotion.applied" and entry.subject == move.model
        if mine and facts.get("version") == move.version and isinstance(facts.get("object"), str):
            return str(facts["object"])
    raise NotReady(
        f"The trail does not say which model version {move.version} of {move.model} is.",
        next="Promote it with this version of mlgov; it keeps the model's digest.",
    )


def write(made: Rendered, folder: Path) -> tuple[Path, ...]:
    """Write the tree. Raises BadInput, before anything is written, for a file in the way that we did not write."""
    paths = {folder / name: text for name, text in made.files.items()}
    for path in paths:
        if path.is_symlink() or (path.exists() and not _ours(path)):
            raise BadInput(f"{path} is there and not written by mlgov.", next="Move it away, or choose another folder with --output.")
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tuple(paths)


def _ours(path: Path) -> bool:
    return path.is_file() and path.read_text("utf-8", "replace").startswith(HEADER)


def difference(made: Rendered, folder: Path) -> str:
    """A unified diff from what stands in `folder` to what is decided; empty where they are equal."""
    lines: list[str] = []
    top = folder / made.release.name / made.target
    there = {str(path.relative_to(folder)): path.read_text("utf-8", "replace") for path in sorted(top.rglob("*.yaml")) if path.is_file()}
    for name in sorted({*made.files, *there}):
        before, after = there.get(name, ""), made.files.get(name, "")
        lines += difflib.unified_diff(before.splitlines(), after.splitlines(), f"there/{name}", f"decided/{name}", lineterm="")
    return "\n".join(lines)


def apply(workspace: Workspace, made: Rendered, context: str, say: Callable[[str], None], *, dry_run: bool = False) -> Applied:
    """Server-side apply of every document, pods last. Stops at the first that the cluster refuses; the trail holds what was taken.

    Raises SystemUnreachable where no cluster answers. A dry run asks the cluster for its answer and changes nothing.
    """
    from jupyter_mlgov.integrations.kubernetes import Cluster

    cluster = Cluster(context)
    release = made.release
    rank = {kind: number for number, kind in enumerate(_ORDER)}
    done: list[str] = []
    problem = ""
    for document in sorted(made.found.values(), key=lambda one: rank.get(str(one["kind"]), len(rank))):
        label = f"{document['kind']} {document['metadata']['name']}"  # type: ignore[index]  # our own documents
        try:
            cluster.apply(document, release.place.namespace, dry_run=dry_run)
        except MlgovError as error:
            problem = f"{label}: {error.what}"
            break
        done.append(label)
        say(label)
    if not dry_run:
        payload = {
            "version": release.version,
            "stage": release.stage,
            "decision": release.decision,
            "namespace": release.place.namespace,
            "cluster": cluster.name,
            "manifests": Digest.of_json(dict(sorted(made.files.items()))),
            "done": done,
            "problem": problem,
        }
        workspace.record(Draft(action="rollout.applied", subject=release.model, payload=payload))
    return Applied(done=tuple(done), problem=problem)

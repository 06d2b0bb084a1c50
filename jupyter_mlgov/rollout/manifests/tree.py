"""Documents as the files of a Kustomize tree: a base, and an overlay for each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from jupyter_mlgov.pipelines.targets.quoting import slug, yaml_text
from jupyter_mlgov.rollout.manifests import argo, others, watch
from jupyter_mlgov.rollout.manifests.pods import Document, core
from jupyter_mlgov.rollout.manifests.release import Release

TARGETS = ("argo", "kserve", "seldon")
HEADER = "# Written by `mlgov rollout render`. Render again rather than edit: `mlgov rollout diff` tells edits from what is decided.\n"
_CUSTOMIZED = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_KIND = {
    "argo": ("Rollout", "/spec/replicas"),
    "kserve": ("InferenceService", "/spec/predictor/minReplicas"),
    "seldon": ("Model", "/spec/replicas"),
}


def documents(release: Release, target: str, *, share: int = 0, storage: str = "", before: str = "") -> dict[str, Document]:
    """Every object of the release by file name. `share`: where KServe or Seldon stand now; 0 is the first step."""
    now = min(share or release.shares[0], release.share)
    around = core(release)
    if target == "argo":
        return {**around, **argo.documents(release), **watch.documents(release)}
    if target == "kserve":
        own = {name: around[name] for name in ("serviceaccount", "networkpolicy")}
        return {**own, **others.kserve(release, now), **watch.documents(release)}
    return others.seldon(release, now, storage, before)


def files(release: Release, target: str, found: Mapping[str, Document], stages: Sequence[str]) -> dict[PurePosixPath, str]:
    """Path -> text, below NAME/TARGET: base/ and overlays/STAGE/, each with its kustomization.yaml."""
    top = PurePosixPath(release.name) / target
    note = HEADER + (others.SELDON_WARNING if target == "seldon" else "")
    made = {top / "base" / f"{name}.yaml": note + yaml_text(document) for name, document in found.items()}
    base: Document = {**_CUSTOMIZED, "resources": [f"{name}.yaml" for name in found]}
    made[top / "base" / "kustomization.yaml"] = HEADER + yaml_text(base)
    for stage in stages:
        made[top / "overlays" / slug(stage) / "kustomization.yaml"] = HEADER + yaml_text(_overlay(release, target, stage))
    return made


def _overlay(release: Release, target: str, stage: str) -> Document:
    """The stage's namespace, and outside the release's own stage a single replica: enough to look at, not to carry load."""
    own = stage == release.stage
    kind, path = _KIND[target]
    patch = yaml_text([{"op": "replace", "path": path, "value": 1}])
    found: Document = {
        **_CUSTOMIZED,
        "namespace": release.place.namespace if own else f"{release.place.namespace}-{slug(stage, 20)}",
        "resources": ["../../base"],
    }
    return found if own else {**found, "patches": [{"target": {"kind": kind}, "patch": patch}]}

"""Releases to render: a plain one, and one whose every free text is hostile to YAML, Kubernetes and Argo."""

from __future__ import annotations

from typing import Any

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.rollout.manifests.release import Place, Release

IMAGE = "registry.example.com/models/credit@sha256:" + "0123456789abcdef" * 4


def release(**more: Any) -> Release:
    place = Place(**{"image": IMAGE, **more.pop("place", {})})
    facts: dict[str, Any] = {
        "model": "credit-approval",
        "version": "7",
        "stage": "production",
        "decision": Digest.of_text("decision"),
        "fingerprint": Digest.of_text("model"),
    }
    return Release(**{**facts, "place": place, **more})


def looking() -> Release:
    """A Job of the same image looks."""
    return release(place={"look": "job", "every": 10})


def hostile() -> Release:
    return release(
        model='yes: "{{args.share}}" $(HOME) \u202e<script> Ω --help #\'',
        version="$$1{{x}}",
        place={"split": "request", "look": "https://mlgov.example.com/look"},
    )

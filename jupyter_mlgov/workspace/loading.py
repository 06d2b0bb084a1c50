"""Loading a registered model through the gate: decided, signed, and verified before any of its bytes are taken for code."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.promotion.intended import INTENDING, history

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model with what vouches for it: its version, the stage it is in, and the key that signed its files."""

    model: Any
    name: str
    version: str
    stage: str
    key: str


def load_model(workspace: Workspace, name: str, stage: str) -> Loaded:
    """The model that the trail says is in `stage`.

    Raises NotReady where nothing is, or the registry shows another version; Tampered (a BadInput) for files that are not what was signed.
    Only skops opens it, and only types of known libraries: a pickle is never read.
    """
    from jupyter_mlgov.integrations.mlflow.download import downloaded
    from jupyter_mlgov.integrations.model_signing import SIGNATURE, verify
    from jupyter_mlgov.workspace.model_keys import publics
    from jupyter_mlgov.workspace.models import opened

    moves = [move for move in history(workspace.journal.entries(actions=INTENDING), name) if move.stage == stage]
    if not moves or not moves[-1].version:
        raise NotReady(f"No decision let any version of {name} into {stage}.", next=f"Ask for it: `mlgov promote {stage}`.")
    version = moves[-1].version
    shows = workspace.registry.at_stage(name, stage)
    if shows is None or shows.version != version:
        there = f"version {shows.version}" if shows else "nothing"
        raise NotReady(
            f"The trail says that version {version} of {name} is in {stage}; the registry shows {there}.",
            next="Hold them against each other: `mlgov audit reconcile`.",
        )
    with tempfile.TemporaryDirectory(prefix="mlgov-load-") as folder:
        path = downloaded(workspace.tracking_uri, name, version, Path(folder))
        key = verify(path, path / SIGNATURE, publics(workspace))
        files = sorted(path.rglob("*.skops"))
        if len(files) != 1:
            raise NotReady(
                f"Version {version} of {name} holds {len(files)} skops files.", expected="Expected exactly one; a pickle is not opened."
            )
        return Loaded(model=opened(files[0]), name=name, version=version, stage=stage, key=key)

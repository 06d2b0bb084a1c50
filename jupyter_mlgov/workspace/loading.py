"""Loading a registered model through the gate: decided, signed, and verified before any of its bytes are taken for code."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.promotion.intended import INTENDING, history

if TYPE_CHECKING:
    from jupyter_mlgov.audit.entries import AuditEntry
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
    from jupyter_mlgov.workspace.models import opened

    entries = tuple(workspace.journal.entries(actions=INTENDING))
    moves = [move for move in history(entries, name) if move.stage == stage]
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
        content, key, found = sealed_model(workspace, downloaded(workspace.tracking_uri, name, version, Path(folder)))
    of_the_decision(found, _let_in(entries, name, version))
    return Loaded(model=opened(content), name=name, version=version, stage=stage, key=key)


def _let_in(entries: Sequence[AuditEntry], name: str, version: str) -> str:
    """The digest of the model that the newest granted decision on this version was about; empty where none says so."""
    for entry in reversed(entries):
        if entry.action == "promotion.decided" and entry.subject == name and entry.payload.get("answer") == "granted":
            docket = entry.payload.get("docket")
            about = docket.get("version") if isinstance(docket, Mapping) else None
            if isinstance(about, Mapping) and about.get("version") == version:
                return str(about.get("model_digest") or "")
    return ""


def sealed_model(workspace: Workspace, path: Path) -> tuple[bytes, str, str]:
    """(the one skops file, the key that signed it, the digest it is registered under) of a folder that is signed as a whole.

    Raises Tampered. What comes back are bytes that are signed, whatever happens to the folder meanwhile; nothing was opened.
    """
    from jupyter_mlgov.integrations.mlflow.download import model_named
    from jupyter_mlgov.integrations.model_signing import SIGNATURE, signed, verify
    from jupyter_mlgov.workspace.model_keys import publics

    known = publics(workspace)
    seal = (path / SIGNATURE).read_bytes() if (path / SIGNATURE).is_file() else b""
    verify(path, path / SIGNATURE, known)
    sealed = signed(seal, known)
    files = sorted(name for name in sealed.digests if name.endswith(".skops"))
    if len(files) != 1:
        raise NotReady(f"This version holds {len(files)} skops files.", expected="Expected exactly one; a pickle is not opened.")
    named = model_named(sealed.taken(path, "MLmodel")) if "MLmodel" in sealed.digests else ""
    return sealed.taken(path, files[0]), sealed.key, named


def of_the_decision(found: str, wanted: str) -> None:
    """A signature alone says that a model is ours; an older one of ours, put in the place of this one, is signed too. Raises Tampered."""
    from jupyter_mlgov.integrations.model_signing import Tampered

    if not wanted or found != wanted:
        raise Tampered(
            f"The files are signed, and they are of {f'the model {found[:19]}…' if found else 'no model that they name'}; "
            f"{f'the decision was about {wanted[:19]}…' if wanted else 'the decision does not say which model it was about'}.",
            next="Do not load it. Look who put it there, then roll back.",
        )

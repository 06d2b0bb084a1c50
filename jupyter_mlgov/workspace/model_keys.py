"""Who signs models here: the key is in the trail, its private half beside it, and only keys of the trail are believed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.promotion.rollback import Looked

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


def publics(workspace: Workspace) -> tuple[str, ...]:
    """Public halves (PEM) of the keys that may sign models, newest first; a revoked one is believed no longer."""
    made: dict[str, str] = {}
    for entry in workspace.journal.entries(actions=("model.signer.made", "model.signer.revoked")):
        named, public = str(entry.payload.get("key_id", "")), entry.payload.get("public")
        if entry.action == "model.signer.revoked":
            made.pop(named, None)
        elif isinstance(public, str):
            made[named] = public
    return tuple(reversed(made.values()))


def private_key(workspace: Workspace) -> Path:
    """The newest believed key whose private half is on this machine; one is made where there is none, and the trail says so."""
    from jupyter_mlgov.integrations.model_signing import key_id, key_path, make_key

    folder = workspace.root / ".mlgov" / "keys"
    for public in publics(workspace):
        path = key_path(folder, public)
        if path.is_file():
            return path
    path, public = make_key(folder)
    workspace.record(Draft(action="model.signer.made", subject=workspace.root.name, payload={"key_id": key_id(public), "public": public}))
    return path


def sign_folder(workspace: Workspace, folder: Path) -> None:
    """Put a signature over every file of `folder` beside them, as `model.sig`."""
    from jupyter_mlgov.integrations.model_signing import SIGNATURE, sign

    sign(folder, folder / SIGNATURE, private_key(workspace))


def sign_object(workspace: Workspace, model: Digest) -> Digest:
    """Sign one stored model; the signature is an object too, and its digest goes into the trail with the promotion."""
    from jupyter_mlgov.integrations.model_signing import sign

    with tempfile.TemporaryDirectory(prefix="mlgov-sign-") as name:
        folder = _laid_out(workspace, model, Path(name))
        signature = Path(name) / "signature.json"
        sign(folder, signature, private_key(workspace))
        return workspace.objects.put_file(signature)


def look(workspace: Workspace, signature: str, model: str) -> Looked:
    """Does the signature kept at its promotion hold for the stored model, by a key that the trail believes?"""
    from jupyter_mlgov.integrations.model_signing import Tampered, verify

    if not signature or not model:
        return Looked(name="signature", answer="unknown", said="it was not signed at its promotion")
    try:
        with tempfile.TemporaryDirectory(prefix="mlgov-sign-") as name:
            folder = _laid_out(workspace, Digest(model), Path(name))
            path = Path(name) / "signature.json"
            path.write_bytes(workspace.objects.get(Digest(signature)))
            key = verify(folder, path, publics(workspace))
    except Tampered as error:
        return Looked(name="signature", answer="failed", said=error.what)
    except MlgovError as error:
        return Looked(name="signature", answer="unknown", said=error.what)
    return Looked(name="signature", answer="ok", said=f"by key {key}")


def _laid_out(workspace: Workspace, model: Digest, under: Path) -> Path:
    """The stored model as a folder of one file: what is signed has the same names everywhere."""
    folder = under / "model"
    folder.mkdir()
    (folder / "model.skops").write_bytes(workspace.objects.get(model))
    return folder

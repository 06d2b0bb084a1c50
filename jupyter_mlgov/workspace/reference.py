"""The reference of a version in production: made once from the table it was judged on, kept by its digest, bound to it in the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.team import Roles

if TYPE_CHECKING:
    from jupyter_mlgov.lineage.facts import ObjectRef
    from jupyter_mlgov.promotion.intended import Intended
    from jupyter_mlgov.workspace.composition import Workspace

# What a profile rests on beside the table: another score, label, favourable value or cutoff needs another profile.
_RESTS_ON = ("score", "label", "outcome", "favourable", "cutoff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A kept profile: its digest in the store, the root of the table it was made of, and that table's rows."""

    profile: Digest
    table: str
    rows: int


def reference_of(workspace: Workspace, move: Intended, roles: Roles) -> Reference:
    """The profile of this version, made where there is none. Windows read it, so no reference row has to stay.

    Raises NotReady where neither a profile nor the table is kept.
    """
    rests = Digest.of_json({name: str(value) for name, value in asdict(roles).items() if name in _RESTS_ON})
    for entry in reversed(tuple(workspace.journal.entries(actions=("reference.kept",), subject=move.model))):
        if (entry.payload.get("version"), entry.payload.get("rests_on")) == (move.version, rests):
            return _read(entry.payload)
    table, stored = kept_table(workspace, move, roles)
    made = _made(workspace, move, roles, table, stored)
    payload = {"version": move.version, "profile": made.profile, "table": made.table, "rows": made.rows, "rests_on": rests}
    workspace.record(Draft(action="reference.kept", subject=move.model, payload=payload))
    return made


def path_of(workspace: Workspace, reference: Reference) -> Path:
    """The file of the profile, checked against its digest. Raises StorageProblem where it was changed or is gone."""
    return workspace.objects.path(reference.profile)


def numbers_of(workspace: Workspace, reference: Reference) -> frozenset[str]:
    """The columns that are numbers in the reference (truth values are)."""
    body = json.loads(path_of(workspace, reference).read_text("utf-8"))
    columns = body.get("columns")
    named = columns.items() if isinstance(columns, dict) else ()
    return frozenset(str(name) for name, one in named if isinstance(one, dict) and one.get("grid", {}).get("kind") == "number")


def _read(payload: Mapping[str, object]) -> Reference:
    rows = payload.get("rows")
    return Reference(
        profile=Digest(str(payload.get("profile"))), table=str(payload.get("table")), rows=rows if isinstance(rows, int) else -1
    )


def kept_table(workspace: Workspace, move: Intended, roles: Roles) -> tuple[ObjectRef, Digest]:
    """The table the version was judged on, and its name in the store. Raises NotReady where it was not kept."""
    from jupyter_mlgov.workspace.reproducing import found

    kept = found(workspace, f"{move.model}@{move.version}").recorded.last_output(roles.reference or roles.table)
    if kept is None or kept.stored is None:
        raise NotReady(
            f"The table that version {move.version} was judged on is not kept, so nothing can be held against it.",
            next="Name it as `reference` under [subject] in mlgov.toml, run the notebook and promote again.",
        )
    return kept, kept.stored


def _made(workspace: Workspace, move: Intended, roles: Roles, kept: ObjectRef, stored: Digest) -> Reference:
    from jupyter_mlgov.validation.profiling import profile_of
    from jupyter_mlgov.validation.tables import table_subject

    subject = table_subject(workspace.objects.path(stored), roles, move.model)
    text = profile_of(replace(subject, folder=workspace.root))
    root = str(kept.fingerprint.root) if kept.fingerprint else str(subject.ref.table)
    return Reference(profile=workspace.objects.put(text.encode()), table=root, rows=subject.ref.rows)

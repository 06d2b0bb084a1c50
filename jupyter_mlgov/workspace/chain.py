"""The state of the trail as validators see it. The trail itself is verified each time; witnesses outside are asked once an hour.

What a witness said of the first N entries stays said: it is taken again while those entries still have the same root, nothing was
signed or anchored since, and the same witnesses are named. `mlgov audit verify` asks them every time.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.core.restoring import Unreadable, restore
from jupyter_mlgov.validation.records import Chain

if TYPE_CHECKING:
    from jupyter_mlgov.audit.verify import Verification
    from jupyter_mlgov.workspace.composition import Workspace

_MOVES = ("checkpoint.", "key.")


def chain(workspace: Workspace, notebook: str) -> Chain:
    """Whether the trail is whole, as `mlgov audit verify` says, and who outside holds how much of it."""
    from jupyter_mlgov.workspace.trail import verify

    alone = verify(workspace, ask_anchors=False)
    if not alone.ok:
        return Chain(ok=False, problem=alone.sentence)
    return _said_before(workspace, notebook, alone) or _asked(workspace)


def _asked(workspace: Workspace) -> Chain:
    from jupyter_mlgov.workspace.trail import verify

    found = verify(workspace)
    if not found.ok:
        return Chain(ok=False, problem=found.sentence)
    held = next(workspace.journal.entries(after=found.held - 1), None) if found.held else None
    return Chain(
        ok=True,
        anchored=held.time if held else None,
        signed=found.signed,
        asked=_hour(workspace.clock.now()),
        size=found.checked,
        root=_root(workspace, found.checked),
        witnesses=_named(workspace),
        silent=found.unproven,
    )


def _said_before(workspace: Workspace, notebook: str, alone: Verification) -> Chain | None:
    """What the last validation heard of the witnesses, where that still holds."""
    told, since = None, 0
    for entry in workspace.journal.entries(actions=("validation.done",)):
        if entry.payload.get("notebook") == notebook and entry.payload.get("chain"):
            told, since = entry.payload["chain"], entry.seq
    try:
        said: Chain = restore(Chain, told, "")
    except Unreadable:
        return None
    fresh = said.ok and said.asked == _hour(workspace.clock.now()) and said.signed == alone.signed and said.witnesses == _named(workspace)
    if not fresh or not 0 < said.size <= since or _root(workspace, said.size) != said.root:
        return None
    moved = any(entry.action.startswith(_MOVES) for entry in workspace.journal.entries(after=said.size))
    return None if moved else said


def _root(workspace: Workspace, size: int) -> str:
    from jupyter_mlgov.audit.tiles import Tree

    try:
        return Tree(workspace.ledger).root(size).hex()
    except (StorageProblem, ValueError):
        return ""


def _named(workspace: Workspace) -> tuple[str, ...]:
    from jupyter_mlgov.workspace.trail import anchors

    return tuple(anchor.name for anchor in anchors(workspace))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)

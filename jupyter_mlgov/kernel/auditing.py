"""What `%mlgov audit VERB` says: the shell's verbs that make sense beside a notebook, each answered in one text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlgov.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The words after the verb. `last` 0: every entry; `output` None: named like the model."""

    model: str
    last: int = 0
    output: Path | None = None
    objects: bool = True


def _verify(workspace: Workspace, _: Asked) -> str:
    found = workspace.audit()
    return f"{'✓' if found.ok else '✕'} {found}"


def _log(workspace: Workspace, asked: Asked) -> str:
    from jupyter_mlgov.reports.clean import visible

    entries = tuple(workspace.journal.entries())
    return "\n".join(f"{entry.seq:>6}  {visible(entry)}" for entry in (entries[-asked.last :] if asked.last > 0 else entries))


def _bundle(workspace: Workspace, asked: Asked) -> str:
    from jupyter_mlgov.audit.bundle import file_name
    from jupyter_mlgov.core.errors import StorageProblem
    from jupyter_mlgov.workspace.trail import bundle

    content = bundle(workspace, asked.model, with_objects=asked.objects)
    path = asked.output or Path(file_name(asked.model))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file.") from None
    return f"Wrote {path} ({len(content):,} bytes). Anybody can check it: `mlgov audit verify {path}`."


def _replay(workspace: Workspace, _: Asked) -> str:
    from jupyter_mlgov.promotion.docket import replay
    from jupyter_mlgov.reports.clean import visible

    found = replay(tuple(workspace.journal.entries()))
    told = [f"✕ {visible(one.sentence)}" for one in found if one.outcome != "agrees"]
    agreeing = sum(one.outcome == "agrees" for one in found)
    return "\n".join([*told, f"{agreeing} of {len(found)} decisions were decided again with the same answer."])


def _reconcile(workspace: Workspace, _: Asked) -> str:
    from jupyter_mlgov.reports.clean import visible
    from jupyter_mlgov.workspace.reconciling import reconcile

    found = reconcile(workspace)
    told = [f"  {visible(item.sentence)}" for item in found.drifted]
    return "\n".join([f"{'✕' if found.drifted else '✓'} {found.sentence}", *told])


VERBS: Mapping[str, Callable[[Workspace, Asked], str]] = {
    "verify": _verify,
    "log": _log,
    "bundle": _bundle,
    "replay": _replay,
    "reconcile": _reconcile,
}

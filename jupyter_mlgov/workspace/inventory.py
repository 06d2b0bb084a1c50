"""Inventory entries that are declared, by a file, another registry or a person: each an act in the trail, all of an import or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, UsageError, unknown
from jupyter_mlgov.core.facts import fields_of, plain
from jupyter_mlgov.monitoring.portfolio.importing import Declaration, checked, problem_of, read_csv
from jupyter_mlgov.monitoring.portfolio.inventory import DECLARABLE
from jupyter_mlgov.workspace.declaring import sealed
from jupyter_mlgov.workspace.portfolio import named, point

if TYPE_CHECKING:
    from jupyter_mlgov.monitoring.portfolio.facts import Standing
    from jupyter_mlgov.workspace.composition import Workspace

LARGEST = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: models with new entries, models of which nothing changed, and what was not taken, in sentences."""

    models: int
    unchanged: int
    notes: tuple[str, ...]
    written: bool


def import_csv(workspace: Workspace, path: Path, *, dry: bool = False) -> Imported:
    """Raises BadInput, and writes nothing, where any row is wrong."""
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", expected="Expected a CSV file.") from None
    if content is None:
        raise BadInput(f"{path} is larger than {LARGEST // 1_000_000} MB.", next="Import it in parts.")
    read = read_csv(content, path.name)
    notes = (f"Not taken, because only the trail says it: {', '.join(read.left)}.",) if read.left else ()
    return _declare(workspace, read.declarations, "csv", path.name, notes, dry=dry)


def import_mlflow(workspace: Workspace, uri: str, *, dry: bool = False) -> Imported:
    """The models of another MLflow registry, which is only read. Raises SystemUnreachable where it does not answer."""
    from jupyter_mlgov.integrations.mlflow.connection import shown
    from jupyter_mlgov.integrations.mlflow.inventory import registered

    notes: list[str] = []
    found = []
    for model in registered(uri):
        fields = {"origin": f"MLflow registry {shown(uri)}", "description": model.description, "status": model.status}
        for name, text in model.tags.items():
            if name in DECLARABLE and (why := problem_of(name, text)):
                notes.append(f"{model.name}, tag {name}: {text[:40]!r} {why}; not taken.")
            elif name in DECLARABLE:
                fields[name] = text
        found.append(Declaration(model=model.name, fields={name: text for name, text in fields.items() if text}, where=model.name))
    return _declare(workspace, checked(found, shown(uri)), "mlflow", shown(uri), tuple(notes), dry=dry)


def declare(workspace: Workspace, model: str, given: Mapping[str, str]) -> Imported:
    """A person's word on some fields of one model; an empty text takes a field away. Raises UsageError for an unknown field."""
    for name in given:
        if name not in DECLARABLE:
            raise unknown("field", name, DECLARABLE, next=f"`mlgov portfolio declare {model} owner=… purpose=…`")
    if not given:
        raise UsageError(
            "Declare what?", expected=f"Fields: {', '.join(DECLARABLE)}.", next=f"`mlgov portfolio declare {model} owner=NAME`"
        )
    one = Declaration(model=model, fields={name: text for name, text in given.items() if text}, where=model)
    gone = tuple(name for name, text in given.items() if not text)
    return _declare(workspace, checked([one], model), "hand", "hand", (), gone=gone)


def _declare(
    workspace: Workspace,
    found: Sequence[Declaration],
    source: str,
    origin: str,
    notes: tuple[str, ...],
    *,
    dry: bool = False,
    gone: Sequence[str] = (),
) -> Imported:
    """One transaction: the import as a whole, then an entry for every model of which something changed."""
    at, open_name = point(workspace), named(workspace)
    drafts = []
    for one in found:
        now = at.tables.standing(one.model, at.upto)
        fields = {**{name: text for name, text in one.fields.items() if _known(now, name, open_name) != text}}
        taken = [name for name in gone if _known(now, name, open_name)]
        if fields or taken:
            payload = {**sealed(fields), **dict.fromkeys(taken)}
            version = (now.edits if now else 0) + 1
            body = {"fields": plain(payload), "names": [*fields, *taken], "source": source, "origin": origin, "version": version}
            drafts.append(Draft(action="inventory.declared", subject=one.model, payload=fields_of(body)))
    if drafts and not dry:
        whole = Draft(action="inventory.imported", subject="inventory", payload={"models": len(drafts), "source": source, "origin": origin})
        workspace.record(*([whole] if source != "hand" else []), *drafts)
    return Imported(models=len(drafts), unchanged=len(found) - len(drafts), notes=notes, written=bool(drafts) and not dry)


def _known(now: Standing | None, name: str, open_name: object) -> str:
    from typing import Any

    value: Any = now.imported.get(name) if now else None
    if isinstance(value, Mapping):
        opened: Any = open_name
        return str(opened(str(value.get("id"))))
    return "" if value is None else str(value)

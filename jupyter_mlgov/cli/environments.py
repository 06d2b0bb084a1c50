"""`mlgov doctor --against`: this environment, or a recorded one, beside another, and what of the differences matters."""

from __future__ import annotations

import json
from pathlib import Path

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.errors import BadInput, NotReady, UsageError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.lineage.comparison import Difference, compare
from jupyter_mlgov.lineage.environment import described, read_environment, read_lock
from jupyter_mlgov.lineage.facts import Environment
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.arriving import LOCKS

HERE = "here"
SHORTEST_ID = 6


def environment_of(word: str, workspace: Workspace | None) -> tuple[str, Environment]:
    """(what it is, the environment) that a word names: `here`, `lock`, a file, a session's id, or a notebook's last session.

    Raises UsageError for a word that names nothing, NotReady for a notebook that never ran, BadInput for a file that is no environment.
    """
    if word == HERE:
        return "this environment", described()
    if word == "lock":
        return _lock(workspace.root if workspace else Path.cwd())
    path = Path(word)
    if path.is_file() and path.suffix != ".ipynb":
        return str(path), _read(path)
    if workspace is None:
        raise UsageError(
            f"{word} is no file, and there is no workspace here whose sessions could be looked up.", next="Name a --workspace."
        )
    return _recorded(word, workspace)


def _lock(folder: Path) -> tuple[str, Environment]:
    path = next((folder / name for name in LOCKS if (folder / name).is_file()), None)
    if path is None:
        raise NotReady(f"There is no lock in {folder}.", expected=f"Expected one of {', '.join(LOCKS)}.", next="Name the file.")
    return path.name, _read(path)


def _read(path: Path) -> Environment:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as text: {type(error).__name__}.") from None
    if path.suffix != ".json":
        return read_lock(text, path.name)
    try:
        return read_environment(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"{path} is no environment.", expected="Expected what `mlgov doctor --write FILE.json` writes.") from None


def _recorded(word: str, workspace: Workspace) -> tuple[str, Environment]:
    from jupyter_mlgov.lineage.fold import fold

    notebook = ""
    chosen: list[AuditEntry] = []
    for entry in workspace.journal.entries(actions=("session.started", "session.described")):
        owner = str(entry.payload.get("id") if entry.action == "session.started" else entry.payload.get("session"))
        if len(word) >= SHORTEST_ID and owner.startswith(word):
            notebook, chosen = entry.subject, [*chosen, entry]
    if len({str(entry.payload.get("id")) for entry in chosen if entry.action == "session.started"}) > 1:
        raise UsageError(f"More than one session begins with {word}.", next="Write more of its id.")
    notebook = notebook or workspace.notebook(word)
    session = (fold(chosen, notebook) if chosen else workspace.lineage(notebook)).session
    if session is None:
        raise NotReady(f"{notebook} has no recorded session.", next=f"Run it: `mlgov run {notebook}`.")
    return f"{notebook}, session {session.id[:8]} of {session.started:%Y-%m-%d %H:%M}", session.environment


def report(one: tuple[str, Environment], other: tuple[str, Environment]) -> tuple[dict[str, object], str, int]:
    """(JSON, text, exit code): 0 nothing that matters differs, 1 something does, 3 something that matters is not known."""
    found = compare(one[1], other[1])
    mattering = [each for each in found if each.matters and each.known]
    unknown = [each for each in found if each.matters and not each.known]
    code = 1 if mattering else 3 if unknown else 0
    body = {"one": one[0], "other": other[0], "exit_code": code, "differences": [plain(each) for each in found]}
    return body, _text(one[0], other[0], found, mattering, unknown), code


def _text(one: str, other: str, found: tuple[Difference, ...], mattering: list[Difference], unknown: list[Difference]) -> str:
    rest = [each for each in found if not each.matters]
    lines = [f"{one}  →  {other}", ""]
    lines += _part("✕ Can change numbers:", mattering) + _part("? Not known on one side, so not judged:", unknown)
    if not mattering and not unknown:
        lines += ["✓ Nothing that can change numbers differs."]
    return "\n".join(lines + _part("  Other differences:", rest))


def _part(title: str, found: list[Difference]) -> list[str]:
    return [title, *(f"    {each}" for each in found)] if found else []

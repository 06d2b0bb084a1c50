"""What was not committed when a version was made, kept beside the trail: code as text, and nothing that looks like a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.canonical import canonical_json
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.lineage.facts import CodeState, Lineage

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

SCHEMA = "mlgov-uncommitted-1"
MOST = 4_000_000  # bytes of text in all; what is more is named and not kept
# Code and settings. Tables are data: they have fingerprints, and objects cannot be erased.
_CODE = frozenset({".py", ".pyi", ".pyx", ".ipynb", ".toml", ".cfg", ".ini", ".sql", ".sh", ".r", ".yaml", ".yml", ".lock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Changed files by path from the repository's top, as they were; None: deleted. `left_out` says of each other one why.

    `problem` says why nothing is kept.
    """

    files: Mapping[str, str | None]
    left_out: Mapping[str, str]
    problem: str = ""


def keep(workspace: Workspace, notebook: str, session: str) -> None:
    """Keep what the commit of this session does not say, once for each state of it, with an entry `code.kept`.

    Raises nothing for what cannot be kept: the entry says it.
    """
    lineage = workspace.lineage(notebook)
    found = lineage.session
    if found is None or found.id != session or not found.code.commit or not found.code.dirty:
        return
    try:
        kept, stored = _stored(workspace, lineage, found.code)
    except (MlgovError, OSError) as error:
        kept, stored = Kept(files={}, left_out={}, problem=str(getattr(error, "what", error))), None
    told = f"{len(kept.files)} files kept" if stored else f"nothing was kept: {kept.problem or 'none of it is code'}"
    more = f", {len(kept.left_out)} left out" if kept.left_out else ""
    payload: dict[str, object] = {"session": session, "commit": found.code.commit, "files": sorted(kept.files), "problem": kept.problem}
    payload |= {"left_out": dict(sorted(kept.left_out.items())), "outcome": f"{told}{more}", **({"stored": stored} if stored else {})}
    before = [entry.payload for entry in workspace.journal.entries(actions=("code.kept",), subject=notebook)]
    if not any(one.get("session") == session and one.get("stored") == payload.get("stored") for one in before):
        workspace.record(Draft(action="code.kept", subject=notebook, payload=payload))


def _stored(workspace: Workspace, lineage: Lineage, code: CodeState) -> tuple[Kept, Digest | None]:
    kept = _gathered(workspace, lineage, code)
    problem = _secret(workspace, kept)
    if problem or not kept.files:
        return Kept(files={}, left_out=kept.left_out, problem=problem), None
    content = {"schema": SCHEMA, "commit": code.commit, "files": dict(kept.files), "left_out": dict(kept.left_out)}
    return kept, workspace.objects.put(canonical_json(content))


def _gathered(workspace: Workspace, lineage: Lineage, code: CodeState) -> Kept:
    """Files as they are now, where that is what ran: nothing moved since the session began, or the record has the very content."""
    from jupyter_mlgov.integrations.git import code_state, top_of

    top, now = top_of(workspace.root), code_state(workspace.root)
    if top is None or now.commit != code.commit:
        return Kept(files={}, left_out=dict.fromkeys(code.dirty, "the commit is another one by now"))
    same = code.diff is not None and now.diff == code.diff
    prefix = _prefix(workspace.root, top)
    read = {f"{prefix}{ref.path}": ref.digest for run in lineage.runs for ref in run.files_read}
    files: dict[str, str | None] = {}
    left: dict[str, str] = {}
    budget = MOST
    for name in sorted({*code.dirty, *now.dirty}):
        path = top / name
        mine = name == f"{prefix}{lineage.notebook}"
        if PurePosixPath(name).suffix.lower() not in _CODE:
            left[name] = "it is no code"
        elif not same and not mine and (read.get(name) is None or not path.is_file() or read[name] != Digest.of_file(path)):
            left[name] = "it changed since it ran"
        elif not path.exists() and not path.is_symlink():
            files[name] = None
        else:
            text, why = _text(path, budget)
            budget -= len(text.encode())
            files |= {} if why else {name: text}
            left |= {name: why} if why else {}
    return Kept(files=files, left_out=left)


def _text(path: Path, budget: int) -> tuple[str, str]:
    """(the text of a file, why it cannot be kept). A notebook goes without its outputs: they may show rows."""
    if path.is_symlink() or not path.is_file():
        return "", "it is no plain file"
    if path.stat().st_size > 10 * MOST:
        return "", "it is too large"
    try:
        text = path.read_text("utf-8")
        if path.suffix.lower() == ".ipynb":
            text = _bare(json.loads(text))
    except (UnicodeDecodeError, ValueError, AttributeError, TypeError):
        return "", "it cannot be read as what its name says"
    return (text, "") if len(text.encode()) <= budget else ("", f"all that is kept may have {MOST // 1_000_000} MB")


def _bare(document: Any) -> str:
    cells = [{**cell, "outputs": [], "execution_count": None} if cell.get("cell_type") == "code" else cell for cell in document["cells"]]
    return json.dumps({**document, "cells": cells}, ensure_ascii=False, indent=1) + "\n"


def _secret(workspace: Workspace, kept: Kept) -> str:
    """Where one of these texts holds what looks like a secret, or why nobody could look; empty where they are clean."""
    from jupyter_mlgov.workspace.scanning import scan

    texts = {f"{name} (not committed)": text for name, text in kept.files.items() if text is not None}
    if not texts:
        return ""
    found = scan(tuple(texts), lambda name: texts[name].encode(), workspace.root, only=("code.sast",))
    if found.unread:
        return f"{found.unread[0][0]}: {found.unread[0][1]}"
    result = next((one for one in found.report.results if one.validator == "code.sast"), None)
    if result is None or result.verdict not in (Verdict.PASS, Verdict.WARN, Verdict.FAIL):
        return f"nobody could look for secrets in it ({result.summary if result else 'code.sast is not installed'})"
    bad = next((one for one in result.findings if one.verdict is not Verdict.PASS), None)
    return f"{bad.where or 'a file'} {bad.message}" if bad is not None else "" if result.verdict is Verdict.PASS else result.summary


# -- and back ---------------------------------------------------------------------------------------------------------


def kept_for(workspace: Workspace, lineage: Lineage, sessions: frozenset[str]) -> Kept | None:
    """What was kept of one of these sessions, the newest; None where nobody tried. Raises StorageProblem for an object that was changed."""
    found = [
        entry.payload
        for entry in workspace.journal.entries(actions=("code.kept",), subject=lineage.notebook)
        if entry.payload.get("session") in sessions
    ]
    if not found:
        return None
    whole = [one for one in found if isinstance(one.get("stored"), str)]
    if not whole:
        return Kept(files={}, left_out={}, problem=str(found[-1].get("problem", "")))
    content = json.loads(workspace.objects.get(Digest(str(whole[-1]["stored"]))))
    return Kept(files=content["files"], left_out=content["left_out"])


def put_back(kept: Kept, top: Path) -> None:
    """Write the kept files into the clone at `top`; a name that would lead out of it is passed over."""
    for name, text in _inside(kept.files):
        target = top / name
        if target.is_symlink() or text is None:
            target.unlink(missing_ok=True)
        if text is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8", newline="")


def _inside(files: Mapping[str, str | None]) -> Iterator[tuple[str, str | None]]:
    for name, text in files.items():
        parts = PurePosixPath(name).parts
        if parts and not PurePosixPath(name).is_absolute() and not {"..", ".git"} & {part.lower() for part in parts}:
            yield name, text


def _prefix(root: Path, top: Path) -> str:
    below = root.resolve().relative_to(top.resolve()).as_posix()
    return "" if below == "." else f"{below}/"

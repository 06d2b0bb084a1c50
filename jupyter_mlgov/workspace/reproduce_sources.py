"""The code and data of a recorded session, fetched into a folder of their own; nothing of the user's is written."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.core.team import TEAM_FILE
from jupyter_mlgov.lineage.facts import CodeState, FileRef, Lineage, Outcome, SourceRef
from jupyter_mlgov.pipelines.documents import INJECTED, Notebook, notebook_of, notebook_text
from jupyter_mlgov.pipelines.plan import spills
from jupyter_mlgov.pipelines.reproduce import last_runs
from jupyter_mlgov.workspace.reproduce_snowflake import snowflake_plan

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.uncommitted import Kept

# What Python imports from files that the record may not name, because it read their compiled form.
_VERBS = ("%mlgov", "%load_ext jupyter_mlgov", "#")
_MODULES = (".py", ".pyx", ".pyd", ".so", ".pth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A folder with what a session ran on. `limits` say what of it could not be had, `changed` are files with other content than then.

    `surroundings` are environment variables that its run needs.
    """

    root: Path
    notebook: Notebook
    limits: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    surroundings: Mapping[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """The same in sentences."""
        return tuple(f"{path} has other content than it had, and the former one is not kept." for path in self.changed)


def fetched(workspace: Workspace, recorded: Lineage, folder: Path) -> Fetched:
    """Fill `folder` with code at its commit and data at its versions.

    Raises NotReady, with what is lost, where running again would show nothing.
    """
    assert recorded.session is not None  # noqa: S101  # its caller asked
    _refuse_spills(recorded)
    limits: list[str] = []
    changed: list[str] = []
    document, notebook = _document(workspace, recorded)
    root = _code(workspace, recorded, folder, limits)
    place = root / PurePosixPath(recorded.notebook)
    place.parent.mkdir(parents=True, exist_ok=True)
    _team(workspace, recorded.notebook, root)
    for ref in _read_files(recorded):
        _data(workspace, root, ref, limits, changed)
    sources = tuple({(one.system, one.name, one.version): one for run in recorded.runs for one in run.sources_read}.values())
    for source in sources:
        _delta(workspace, root, source)
    plan = snowflake_plan(workspace, recorded, tuple(one for one in sources if one.system == "snowflake"), limits)
    around = {}
    if plan:
        from jupyter_mlgov.integrations.snowflake import PLAN

        (folder / "snowflake.json").write_text(json.dumps(plan), "utf-8")
        around = {PLAN: str(folder / "snowflake.json")}
    place.write_text(json.dumps(_without_verbs(document), ensure_ascii=False), "utf-8")
    return Fetched(root=root, notebook=notebook, limits=tuple(limits), changed=tuple(changed), surroundings=around)


# -- the notebook -----------------------------------------------------------------------------------------------------


def _document(workspace: Workspace, recorded: Lineage) -> tuple[Mapping[str, object], Notebook]:
    """The version of the notebook whose cells say what ran: the recorded commit's, today's file, or another commit's."""
    path = workspace.path_of(recorded.notebook)
    problem = ""
    for text in _versions(workspace, recorded):
        try:
            document = notebook_text(text, path)
            notebook = notebook_of(document, path)
        except MlgovError as error:
            problem = problem or error.what
            continue
        missing = _missing(recorded, notebook)
        if not missing:
            _refuse_own_paths(workspace, notebook)
            return document, notebook
        problem = problem or f"cell {missing} ran with another text"
    why = f" ({problem})" if problem else ""
    raise NotReady(
        f"No version of {recorded.notebook}, in git or as a file, says what ran{why}.",
        next="Commit notebooks when a model is registered; then its code can be fetched.",
    )


def _versions(workspace: Workspace, recorded: Lineage) -> Iterator[str]:
    from jupyter_mlgov.integrations.git import file_at, file_versions

    assert recorded.session is not None  # noqa: S101  # its caller asked
    commit = recorded.session.code.commit
    if commit:
        text = file_at(workspace.root, commit, recorded.notebook)
        if text is not None:
            yield text
        yield from _kept_notebook(workspace, recorded)
    with contextlib.suppress(OSError, UnicodeDecodeError):  # deleted or damaged since: git may have it
        yield workspace.path_of(recorded.notebook).read_text("utf-8")
    if commit:
        yield from file_versions(workspace.root, recorded.notebook)


def _kept_notebook(workspace: Workspace, recorded: Lineage) -> Iterator[str]:
    from jupyter_mlgov.integrations.git import top_of

    top, kept = top_of(workspace.root), _kept(workspace, recorded)
    if top is not None and kept is not None:
        name = (workspace.root.relative_to(top.resolve()) / PurePosixPath(recorded.notebook)).as_posix()
        text = kept.files.get(name)
        if text:
            yield text


def _kept(workspace: Workspace, recorded: Lineage) -> Kept | None:
    """What was kept of the recorded session, or of those of a run by steps. Raises StorageProblem for an object that was changed."""
    from jupyter_mlgov.workspace.uncommitted import kept_for

    assert recorded.session is not None  # noqa: S101  # its caller asked
    return kept_for(workspace, recorded, frozenset({recorded.session.id, *(run.session for run in recorded.runs)}))


def _missing(recorded: Lineage, notebook: Notebook) -> str:
    """A cell that ran well and whose text is not in `notebook`; empty when all are. Cells that were deleted meanwhile are passed over."""
    deleted = {cell for run in recorded.runs for cell in run.deleted}
    there = {(cell.id, Digest.of_text(cell.source)) for cell in notebook.cells if cell.type == "code"}
    if recorded.session is not None and recorded.session.pipeline:
        there |= _pieces(notebook)
    for cell, run in last_runs(recorded).items():
        counts = run.outcome is Outcome.OK and cell != INJECTED and cell not in deleted
        if counts and (cell, run.source_digest) not in there:
            return cell
    return ""


def _pieces(notebook: Notebook) -> set[tuple[str, Digest]]:
    """The texts that a run by steps makes of the notebook's cells."""
    from jupyter_mlgov.pipelines.plan import graph_or_refuse
    from jupyter_mlgov.pipelines.runnable import parameters_of

    graph = graph_or_refuse(notebook, parameters_of(notebook), notebook.path.name)
    return {(piece.cell, Digest.of_text(piece.source)) for step in graph.steps for piece in step.pieces}


def _refuse_spills(recorded: Lineage) -> None:
    outside = spills(recorded)
    if outside:
        raise NotReady(
            f"The recorded run wrote {', '.join(outside[:3])}, outside the workspace, and a second run would overwrite it.",
            next="Write below the workspace, run it again, then reproduce.",
        )


def _refuse_own_paths(workspace: Workspace, notebook: Notebook) -> None:
    own = re.compile(rf"{re.escape(str(workspace.root))}(?![\w.-])")  # /srv/w is no part of /srv/warehouse
    for cell in notebook.cells:
        if cell.type == "code" and own.search(cell.source):
            raise NotReady(
                f"Cell [{cell.index}] names the workspace by its full path, so a second run would read and write there.",
                next="Use paths relative to the notebook.",
            )


def _without_verbs(document: Mapping[str, object]) -> dict[str, object]:
    """The notebook without cells that only ask us something (`%mlgov validate`): they make nothing."""
    cells = []
    for raw in cast("list[dict[str, Any]]", document["cells"]):
        source = raw.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        lines = [line for line in text.splitlines() if line.strip()]
        asks = any(line.startswith("%mlgov") for line in lines) and all(line.startswith(_VERBS) for line in lines)
        verbs = raw.get("cell_type") == "code" and asks
        cells.append({**raw, "source": ""} if verbs else raw)
    return {**document, "cells": cells}


# -- code -------------------------------------------------------------------------------------------------------------


def _code(workspace: Workspace, recorded: Lineage, folder: Path, limits: list[str]) -> Path:
    from jupyter_mlgov.integrations.git import checked_out

    assert recorded.session is not None  # noqa: S101  # its caller asked
    code = recorded.session.code
    if not code.commit:
        if code.problem:
            limits.append(f"The commit is not known: {code.problem}.")
        root = folder / "workspace"
        root.mkdir()
        return root
    root = checked_out(workspace.root, code.commit, folder / "workspace")
    root.mkdir(parents=True, exist_ok=True)
    if code.dirty:
        _uncommitted(workspace, recorded, code, root, limits)
    return root


def _uncommitted(workspace: Workspace, recorded: Lineage, code: CodeState, root: Path, limits: list[str]) -> None:
    """What was changed beside the commit: from the working tree while it is still the same, else what was kept, else said."""
    from jupyter_mlgov.integrations.git import code_state, top_of
    from jupyter_mlgov.workspace.uncommitted import put_back

    now, top = code_state(workspace.root), top_of(workspace.root)
    inside = root
    for _ in workspace.root.relative_to(top.resolve()).parts if top is not None else ():
        inside = inside.parent
    if top is not None and code.diff is not None and (now.commit, now.diff) == (code.commit, code.diff):
        for name in code.dirty:
            _take(top / name, inside / name)
        return
    kept = _kept(workspace, recorded)
    if kept is not None:
        put_back(kept, inside)
    below = workspace.root.relative_to(top.resolve()).as_posix() if top is not None else "."
    prefix = "" if below == "." else f"{below}/"
    read = {ref.path for run in recorded.runs for ref in run.files_read} | {recorded.notebook}
    back = set(kept.files) if kept is not None else set()
    lost = [name for name in code.dirty if name.endswith(_MODULES) and name.removeprefix(prefix) not in read and name not in back]
    if lost:
        shown = ", ".join(lost[:3])
        limits.append(f"{shown} had changes that were not committed, and they are not kept: commit {code.commit[:7]} is not what ran.")
    if kept is not None and kept.problem:
        limits.append(f"What was not committed is not kept: {kept.problem.rstrip('.')}.")


def _take(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    elif not source.exists():
        target.unlink(missing_ok=True)


def _team(workspace: Workspace, notebook: str, root: Path) -> None:
    """Where the commit has no team file, today's says which tables are kept."""
    for folder in PurePosixPath(notebook).parents:
        source, target = workspace.root / folder / TEAM_FILE, root / folder / TEAM_FILE
        if source.is_file() and not target.exists():
            _take(source, target)


# -- data -------------------------------------------------------------------------------------------------------------


def _read_files(recorded: Lineage) -> Iterator[FileRef]:
    """Files that cells read before any cell wrote them, each once."""
    written: set[str] = set()
    seen: set[str] = set()
    for run in recorded.runs:
        for ref in run.files_read:
            if ref.path not in written and ref.path not in seen and ref.path != recorded.notebook:
                seen.add(ref.path)
                yield ref
        written |= {ref.path for ref in run.files_written}


def _data(workspace: Workspace, root: Path, ref: FileRef, limits: list[str], changed: list[str]) -> None:
    """Put the recorded content of `ref` into its place below `root`; a file elsewhere is only looked at."""
    path = PurePosixPath(ref.path)
    here, there = root / path, workspace.root / path
    if ref.digest is None:
        limits.append(f"{ref.path} was read, and what it held then is not known.")
    for candidate in (here, there):
        if candidate.is_file() and ref.digest in (None, Digest.of_file(candidate)):
            if candidate is there and not path.is_absolute():
                _take(there, here)
            return
    if not path.is_absolute() and _from_dvc(workspace, root, ref, here):
        return
    if ref.path.endswith(_MODULES):
        limits.append(f"{ref.path} had changes that were not committed, and they are not kept.")
        return
    if not there.is_file():
        raise NotReady(f"{ref.path}, which was read, is no longer there.", next="Bring it back, or keep data under DVC: `mlgov track`.")
    changed.append(ref.path)
    if not path.is_absolute():
        _take(there, here)


def _from_dvc(workspace: Workspace, root: Path, ref: FileRef, target: Path) -> bool:
    """Fetch it from DVC. False where DVC did not track it; raises NotReady where DVC should have it and has not."""
    from jupyter_mlgov.integrations.dvc.fetching import fetch, hashes

    if not hashes(workspace.root, root, ref.path):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    fetch(workspace.root, root, ref.path, target)
    if ref.digest is not None and Digest.of_file(target) != ref.digest:
        raise NotReady(
            f"{ref.path} is not what was read: the commit's DVC file names other content.", next="Look at its history: `dvc diff`."
        )
    return True


def _delta(workspace: Workspace, root: Path, source: SourceRef) -> None:
    if source.system == "delta":
        from jupyter_mlgov.integrations.delta import travelled

        travelled(source, workspace.root, root)

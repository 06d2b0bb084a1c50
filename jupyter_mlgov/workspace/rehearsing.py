"""`mlgov run --dry-run`: what would run, with which parameters, what would be kept, and what would follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.workspace.afterwards import Act
from jupyter_mlgov.workspace.exported import exported_pipeline
from jupyter_mlgov.workspace.jobs import existing, parameters_given, values_for
from jupyter_mlgov.workspace.pipelines import run_folder, still_right
from jupyter_mlgov.workspace.stepping import StepBook, step_book

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person named to be run: a notebook in one kernel (no `book`), or steps. `then` is what an exported job does behind them."""

    name: str
    path: Path
    book: StepBook | None = None
    then: str = ""


def asked_for(workspace: Workspace, named: Path, *, stepwise: bool) -> Asked:
    """Raises BadInput for what is neither a notebook nor a folder of exported steps, or cannot be cut into steps where that is asked."""
    for folder in (named, workspace.root / named):
        if folder.is_dir():
            found = exported_pipeline(workspace, folder)
            then = f"validate,promote={found.stage}" if found.stage else "validate"
            return Asked(name=found.book.name, path=folder, book=found.book, then=then)
    path = existing(workspace, named)
    name = workspace.name_of(path)
    return Asked(name=name, path=path, book=step_book(path, name) if stepwise else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A run that was not made. `steps` is empty for a notebook in one kernel; of a secret only its name is told."""

    notebook: str
    parameters: Mapping[str, str]
    steps: tuple[str, ...]
    kept: tuple[str, ...]
    then: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One paragraph for a person."""
        given = ", ".join(f"{name} = {value}" for name, value in self.parameters.items()) or "none"
        how = f"as the steps {', '.join(self.steps)}" if self.steps else "in one kernel" if not self.kept else "without a step"
        kept = f" Kept from before: {', '.join(self.kept)}." if self.kept else ""
        then = f" Then: {', '.join(self.then)}." if self.then else ""
        return f"{self.notebook} would run {how}. Parameters: {given}.{kept}{then} Nothing ran."

    def as_json(self) -> dict[str, object]:
        """The same as JSON."""
        told = {"steps": list(self.steps), "kept": list(self.kept), "then": list(self.then)}
        return {"notebook": self.notebook, "parameters": dict(self.parameters), **told}


def rehearsal(
    workspace: Workspace,
    asked: Asked,
    given: Sequence[str],
    params_file: Path | None,
    *,
    token: str,
    resume: bool,  # what a person asked for, as in run_pipeline()
    acts: Sequence[Act],
) -> Rehearsal:
    """Check all that a run checks before its first cell. Raises what it raises: an unknown parameter, a notebook that cannot run."""
    from jupyter_mlgov.integrations.notebooks import check_runnable, read_notebook
    from jupyter_mlgov.pipelines.runnable import parameters_of

    if asked.book is None:
        notebook = read_notebook(asked.path)
        check_runnable(notebook)
        known, values = parameters_of(notebook), parameters_given(asked.path, given, params_file)
    else:
        known, values = asked.book.parameters, values_for(asked.book.parameters, given, params_file)
    told = {one.name: repr(values.get(one.name, one.default)) for one in known if one.literal or one.name in values}
    told |= {one.name: "(secret)" for one in known if one.secret}
    names = [one.name for one in asked.book.graph.steps] if asked.book is not None else []
    kept = _kept(workspace, asked.book, values, token) if asked.book is not None and resume and token else ()
    then = tuple(f"{one.name} {one.stage}".strip() for one in acts)
    return Rehearsal(notebook=asked.name, parameters=told, steps=tuple(one for one in names if one not in kept), kept=kept, then=then)


def _kept(workspace: Workspace, book: StepBook, values: Mapping[str, object], token: str) -> tuple[str, ...]:
    """The steps that a resumed run would keep; what comes behind one that runs anew runs too."""
    kept: list[str] = []
    anew: set[str] = set()
    for step in book.graph.steps:
        if still_right(book, step, run_folder(workspace, token), values, anew):
            kept.append(step.name)
        else:
            anew.add(step.name)
    return tuple(kept)

"""One step of a notebook in a kernel of its own: values taken up, cells recorded, values left (`mlgov run-step`)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput, MlgovError, NotReady, UsageError, unknown
from jupyter_mlgov.pipelines.steps import Graph, PlannedStep

if TYPE_CHECKING:
    from jupyter_mlgov.integrations.papermill.client import Stepping
    from jupyter_mlgov.pipelines.documents import Notebook
    from jupyter_mlgov.pipelines.parameters import Parameter
    from jupyter_mlgov.workspace.composition import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBook:
    """A notebook cut into steps, known by the `digest` of its file."""

    path: Path
    name: str
    digest: Digest
    document: Mapping[str, object]
    notebook: Notebook
    parameters: tuple[Parameter, ...]
    graph: Graph

    def step(self, name: str) -> PlannedStep:
        """The step of that name or label. Raises UsageError naming the steps."""
        for one in self.graph.steps:
            if name in (one.name, one.label, str(one.step)):
                return one
        raise unknown(
            "step", name, [one.name for one in self.graph.steps], next=f"See them: `mlgov export --notebook {self.name} --dry-run`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """How a step ended. `folder` holds its values when `outcome` is ok; `memory` in bytes, -1 where it is not known."""

    step: str
    outcome: str
    sentence: str
    folder: Path
    output: Path
    seconds: float
    memory: int = -1
    made: Mapping[str, str | None] = field(default_factory=dict)
    pickled: tuple[str, ...] = ()
    snapshots: Mapping[int, Mapping[str, str | None]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "folder": str(self.folder),
            "notebook": str(self.output),
            "seconds": round(self.seconds, 3),
            "memory_bytes": self.memory,
            "made": dict(self.made),
            "pickled": list(self.pickled),
        }


def step_book(path: Path, name: str) -> StepBook:
    """Raises BadInput for a file that is no notebook, or one that cannot be cut into steps, with every reason."""
    from jupyter_mlgov.pipelines.documents import notebook_of, notebook_text
    from jupyter_mlgov.pipelines.plan import graph_or_refuse
    from jupyter_mlgov.pipelines.runnable import check_language, check_tags, parameters_of

    content = _bytes(path)
    document = notebook_text(content.decode("utf-8", "replace"), path)
    notebook = notebook_of(document, path)
    check_language(notebook)
    check_tags(notebook)
    parameters = parameters_of(notebook)
    graph = graph_or_refuse(notebook, parameters, name)
    return StepBook(
        path=path, name=name, digest=Digest.of_bytes(content), document=document, notebook=notebook, parameters=parameters, graph=graph
    )


def _bytes(path: Path) -> bytes:
    from jupyter_mlgov.pipelines.documents import load

    load(path)  # its sentences for what is no notebook
    return path.read_bytes()


def run_step(
    workspace: Workspace,
    book: StepBook,
    step: PlannedStep,
    inputs: Sequence[Path],
    folder: Path,
    values: Mapping[str, object],
    *,
    token: str = "",
    recorded: bool = True,
    snapshots: Mapping[int, tuple[str, ...]] | None = None,
    timeout: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> StepDone:
    """Run one step and leave its values in `folder`, with the executed notebook beside them whatever happens.

    Raises NotReady for a value that no folder holds, BadInput for one that was changed, UsageError for parameters that do not fit; then
    no cell ran, and the trail says that it was refused. `token` names the pipeline run; `recorded=False` is a rehearsal, which may ask
    for `snapshots`: the roots of these names behind the cell of that number.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="mlgov-step-") as place:
            return _run(
                workspace, book, step, inputs, folder.resolve(), values, Path(place), token, recorded, snapshots or {}, timeout, progress
            )
    except MlgovError as error:
        if recorded:
            payload = {"step": step.name, "pipeline": token, "problem": str(error)}
            workspace.record(Draft(action="run.refused", subject=book.name, payload=payload))
        raise


def _run(
    workspace: Workspace,
    book: StepBook,
    step: PlannedStep,
    inputs: Sequence[Path],
    folder: Path,
    values: Mapping[str, object],
    scratch: Path,
    token: str,
    recorded: bool,  # a fact, not a mode: the record is what makes a run a run
    snapshots: Mapping[int, tuple[str, ...]],
    timeout: int | None,
    progress: Callable[[int, int, str], None] | None,
) -> StepDone:
    from jupyter_mlgov.integrations.papermill import run_notebook
    from jupyter_mlgov.integrations.papermill.client import NotHandedOver
    from jupyter_mlgov.integrations.papermill.places import Place
    from jupyter_mlgov.pipelines.parameters import check
    from jupyter_mlgov.pipelines.stepbook import step_document

    check(values, book.parameters)
    takes, taken = _sources(book, step, inputs, values)
    _emptied(folder)
    source = scratch / PurePosixPath(book.name).name
    source.write_text(json.dumps(step_document(book.notebook, book.document, step)), "utf-8")
    asked = Rehearsed(recorded=recorded, snapshots=snapshots, timeout=timeout)
    stepping = _stepping(workspace, book, step, takes, folder, scratch / "report.json", asked)
    output = folder / f"{step.name}.ipynb"
    try:
        result = run_notebook(
            source,
            output,
            {name: value for name, value in values.items() if any(piece.parameters for piece in step.pieces)},
            cwd=book.path.parent,
            progress=progress,
            place=Place(name=book.name, told=book.name, workspace=workspace.root),
            stepping=stepping,
            environment={"MLGOV_PIPELINE": token, "MLGOV_STEP": step.name, "MLGOV_WORKSPACE": str(workspace.root)},
        )
    except NotHandedOver as error:
        raise BadInput(f"Step {step.name} of {book.name} did not end well: {error}") from None
    if str(result.outcome) != "ok":
        sentence = result.error or f"Step {step.name} of {book.name} ended: {result.outcome}."
        return StepDone(
            step=step.name, outcome=str(result.outcome), sentence=sentence, folder=folder, output=output, seconds=result.seconds
        )
    return _finished(workspace, book, step, stepping, folder, output, values, taken, token, result.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Whether a run counts (`recorded`), what is looked at on the way, and how many seconds it may take (None: as the team says)."""

    recorded: bool
    snapshots: Mapping[int, tuple[str, ...]]
    timeout: int | None


def _stepping(
    workspace: Workspace, book: StepBook, step: PlannedStep, takes: Mapping[str, Path], folder: Path, report: Path, asked: Rehearsed
) -> Stepping:
    """What the kernel of this step is told: where its values lie and go to, and the team's rules."""
    from jupyter_mlgov.integrations.papermill.client import Stepping
    from jupyter_mlgov.pipelines.handover import Handover
    from jupyter_mlgov.pipelines.rules import rules_of

    rules = rules_of(workspace.team_for(book.name))
    return Stepping(
        handover=Handover(
            step=step.name,
            takes={name: str(place) for name, place in takes.items()},
            gives=step.gives,
            made=step.made,
            folder=str(folder),
            allow_pickle=rules.allow_pickle,
        ),
        report=str(report),
        recorded=asked.recorded,
        snapshots=asked.snapshots,
        limit=rules.of(step.label, step.name).timeout if asked.timeout is None else asked.timeout,
    )


def _finished(
    workspace: Workspace,
    book: StepBook,
    step: PlannedStep,
    stepping: Stepping,
    folder: Path,
    output: Path,
    values: Mapping[str, object],
    taken: Mapping[str, object],
    token: str,
    seconds: float,
) -> StepDone:
    from jupyter_mlgov.pipelines.crossing import Crossed, write_manifest
    from jupyter_mlgov.pipelines.stepbook import step_digest

    report = json.loads(Path(stepping.report).read_text("utf-8"))
    written = [Crossed(**one) for one in report["values"]]
    known = shown(values, book)
    about = {
        "step": step.name,
        "notebook": book.name,
        "notebook_digest": str(book.digest),
        "code": str(step_digest(step, known)),
        "pipeline": token,
        "parameters": {name: repr(value) for name, value in known.items() if name in step.parameters},
        "takes": dict(taken),
        "made": report["made"],
        "seconds": round(seconds, 3),
        "memory_bytes": report["memory"],
    }
    digest = write_manifest(folder, about, written)
    pickled = tuple(one.name for one in written if one.pickled)
    if stepping.recorded:
        payload = {
            **{name: about[name] for name in ("step", "pipeline", "code", "seconds", "memory_bytes", "takes", "made")},
            "manifest": digest,
        }
        workspace.record(Draft(action="step.finished", subject=book.name, payload={**payload, "pickled": list(pickled)}))
    return StepDone(
        step=step.name,
        outcome="ok",
        sentence=f"Step {step.name} of {book.name} ran in {seconds:.1f} s. Its values: {folder}",
        folder=folder,
        output=output,
        seconds=seconds,
        memory=report["memory"],
        made=report["made"],
        pickled=pickled,
        snapshots=stepping.seen,
    )


def shown(values: Mapping[str, object], book: StepBook) -> dict[str, object]:
    """Parameters as they were in this run, given or default; secrets are left out."""
    defaults = {one.name: one.default for one in book.parameters if one.literal}
    secret = {one.name for one in book.parameters if one.secret}
    return {name: value for name, value in {**defaults, **values}.items() if name not in secret}


def _sources(
    book: StepBook, step: PlannedStep, inputs: Sequence[Path], values: Mapping[str, object]
) -> tuple[dict[str, Path], dict[str, object]]:
    """Which folder each value comes from, and what is written down of it. Raises NotReady for a step that left no values."""
    from jupyter_mlgov.pipelines.crossing import find_steps, read_manifest

    there = find_steps([one.resolve() for one in inputs])
    missing = sorted({maker for maker in step.takes.values() if maker not in there})
    if missing:
        wanted = ", ".join(f"`{name}` of {maker}" for name, maker in step.takes.items() if maker in missing)
        raise NotReady(
            f"Step {step.name} of {book.name} needs {wanted}, and no --in folder holds a finished {' or '.join(missing)}.",
            next=f"Run it first: `mlgov run-step {book.name} {missing[0]} --out DIR`, and name that DIR with --in.",
        )
    known = shown(values, book)
    taken: dict[str, object] = {}
    for maker in sorted(set(step.takes.values())):
        manifest = read_manifest(there[maker])
        _same_run(book, manifest, known, there[maker])
        for name in (name for name, one in step.takes.items() if one == maker):
            taken[name] = {"step": maker, "root": manifest["values"].get(name, {}).get("root")}
    return {name: there[maker] for name, maker in step.takes.items()}, taken


def _same_run(book: StepBook, manifest: Mapping[str, Any], known: Mapping[str, object], folder: Path) -> None:
    """Values of another notebook, or made with other parameters or code, do not mix with these."""
    from jupyter_mlgov.pipelines.stepbook import step_digest

    if manifest.get("notebook") != book.name:
        raise BadInput(
            f"{folder} holds values of {manifest.get('notebook')}, not of {book.name}.", next="Name the folder of this notebook."
        )
    for name, text in manifest.get("parameters", {}).items():
        if name in known and repr(known[name]) != text:
            raise UsageError(
                f"{folder} was made with {name} = {text}, and this step is to run with {name} = {known[name]!r}.",
                next="Run the earlier steps with the same parameters.",
            )
    maker = book.step(str(manifest["step"]))
    if manifest.get("code") != step_digest(maker, known):
        raise BadInput(f"{folder} was made by another text of step {maker.name} than {book.name} has now.", next="Run that step again.")


def _emptied(folder: Path) -> None:
    """A folder for a step's values: new, empty, or one of ours, whose old values go away first so that none is taken for new."""
    from jupyter_mlgov.pipelines.crossing import MANIFEST

    folder.mkdir(parents=True, exist_ok=True)
    inside = list(folder.iterdir())
    if inside and not (folder / MANIFEST).is_file() and not all(one.suffix in _OURS for one in inside):
        raise UsageError(f"{folder} holds other files.", expected="Expected an empty folder.", next="Name another with --out.")
    (folder / MANIFEST).unlink(missing_ok=True)
    for one in inside:
        if one.is_file() and one.name != MANIFEST:
            one.unlink()


_OURS = {".parquet", ".arrow", ".npy", ".npz", ".skops", ".json", ".pickle", ".ipynb"}

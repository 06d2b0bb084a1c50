"""A notebook as a governed job: refused or run, recorded, projected; and written out as one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import BadInput, MlgovError, StorageProblem, UsageError
from jupyter_mlgov.lineage.facts import Lineage
from jupyter_mlgov.workspace.tracking import track_named

if TYPE_CHECKING:
    from jupyter_mlgov.pipelines.export import Draft as ExportDraft
    from jupyter_mlgov.pipelines.parameters import Parameter
    from jupyter_mlgov.pipelines.plan import Deployment
    from jupyter_mlgov.workspace.composition import Workspace
    from jupyter_mlgov.workspace.stepping import StepBook, StepDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a job ended. `problems` are things to know that did not stop it (MLflow did not answer, …)."""

    notebook: str
    output: Path
    outcome: str
    sentence: str
    seconds: float
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "notebook": self.notebook,
            "output": str(self.output),
            "outcome": self.outcome,
            "sentence": self.sentence,
            "seconds": round(self.seconds, 3),
            "problems": list(self.problems),
        }


def run_governed(
    workspace: Workspace,
    notebook: Path,
    *,
    output: Path | None = None,
    given: Sequence[str] = (),
    params_file: Path | None = None,
    metrics: Path | None = None,
    timeout: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Done:
    """Run `notebook` in a kernel of its own, with its record, and tell MLflow.

    Raises UsageError for an unknown or mistyped parameter, BadInput for a file that is no runnable notebook; nothing has run then,
    and the trail says that it was refused.
    """
    from jupyter_mlgov.integrations.papermill import run_notebook

    path = existing(workspace, notebook)
    name = workspace.name_of(path)
    target = (output or workspace.root / "runs" / PurePosixPath(name)).resolve()
    before, _ = workspace.journal.head()
    try:
        values = parameters_given(path, given, params_file)
        track_named(workspace, name)
        with _delivered_here():
            result = run_notebook(path, target, values, cwd=path.parent, progress=_per_cell(say), notebook_name=name, timeout=timeout)
    except MlgovError as error:
        workspace.record(Draft(action="run.refused", subject=name, payload={"problem": str(error)}))
        raise
    workspace.project(name)
    problems = (*_gaps(workspace, before), *workspace.deliver(say))
    if say:
        say("")
    lineage = workspace.lineage(name)
    if metrics is not None:
        _write_metrics(metrics, lineage)
    sentence = result.error or f"{name} ran in {result.seconds:.1f} s. Executed notebook: {_near(target, workspace.root)}"
    return Done(notebook=name, output=target, outcome=str(result.outcome), sentence=sentence, seconds=result.seconds, problems=problems)


def run_stepwise(
    workspace: Workspace,
    book: StepBook,
    *,
    token: str = "",
    resume: bool = False,  # as in run_pipeline()
    output: Path | None = None,
    given: Sequence[str] = (),
    params_file: Path | None = None,
    metrics: Path | None = None,
    timeout: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Done:
    """Run the steps of `book` as one run under `token`, and tell MLflow. Raises as run_pipeline() does."""
    from jupyter_mlgov.workspace.pipelines import new_token, run_pipeline

    if output is not None or timeout is not None:
        raise UsageError("--output and --timeout are for a run in one kernel.", next="Steps take `timeout` from [pipelines] of mlgov.toml.")
    name = book.name
    before, _ = workspace.journal.head()
    values = values_for(book.parameters, given, params_file)
    track_named(workspace, name)
    with _delivered_here():
        done = run_pipeline(workspace, book, values, token=token or new_token(name), resume=resume, say=say)
    workspace.project(name)
    problems = (*_pickled(done.steps), *_gaps(workspace, before), *workspace.deliver(say))
    if say:
        say("")
    if metrics is not None:
        _write_metrics(metrics, workspace.lineage(name))
    return Done(notebook=name, output=done.folder, outcome=done.outcome, sentence=done.sentence, seconds=done.seconds, problems=problems)


def _pickled(steps: Sequence[StepDone]) -> tuple[str, ...]:
    return tuple(f"`{name}` of step {one.step} crossed as a pickle, which mlgov.toml allows." for one in steps for name in one.pickled)


@contextmanager
def _delivered_here() -> Iterator[None]:
    """The kernel leaves deliveries to us, who send them when it ended."""
    before = os.environ.get("MLGOV_DELIVER")
    os.environ["MLGOV_DELIVER"] = "manual"
    try:
        yield
    finally:
        if before is None:
            del os.environ["MLGOV_DELIVER"]
        else:
            os.environ["MLGOV_DELIVER"] = before


def _gaps(workspace: Workspace, after: int) -> tuple[str, ...]:
    """What the recorder says it could not record since entry `after`."""
    return tuple(str(entry) for entry in workspace.journal.entries(after=after, actions=("recording.gap",)))


def existing(workspace: Workspace, notebook: Path) -> Path:
    """The notebook's file, named from here or from the workspace. Raises BadInput naming those that are there."""
    for candidate in (notebook, workspace.root / notebook):
        if candidate.is_file():
            return candidate.resolve()
    near = ", ".join(sorted(path.name for path in workspace.root.glob("*.ipynb"))) or "none"
    raise BadInput(f"There is no notebook {notebook}.", expected=f"Notebooks in the workspace: {near}.", next="`mlgov run NOTEBOOK`.")


def parameters_given(path: Path, given: Sequence[str], params_file: Path | None) -> Mapping[str, object]:
    """Values from the environment (secrets), a file, and `NAME=VALUE` texts, which win, known to fit. Raises UsageError, BadInput."""
    from jupyter_mlgov.integrations.notebooks import read_notebook
    from jupyter_mlgov.pipelines.runnable import parameters_of

    return values_for(parameters_of(read_notebook(path)), given, params_file)


def values_for(known: Sequence[Parameter], given: Sequence[str], params_file: Path | None) -> Mapping[str, object]:
    """parameters_given() where the declarations are known."""
    from jupyter_mlgov.pipelines.parameters import check, parse_values
    from jupyter_mlgov.pipelines.secrets import from_environment

    values: dict[str, object] = from_environment(known, os.environ)
    if params_file is not None:
        values.update(check(_read_parameters(params_file), known))
    values.update(parse_values(list(given), known))
    return values


def _read_parameters(path: Path) -> dict[str, object]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be read as parameters: {error}.", expected="YAML or JSON: one `name: value` a line.") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path} holds no parameters.", expected="YAML or JSON: one `name: value` a line.")
    return {str(name): value for name, value in content.items()}


def _per_cell(say: Callable[[str], None] | None) -> Callable[[int, int, str], None] | None:
    if say is None:
        return None

    def told(done: int, total: int, what: str) -> None:
        say(f"cell {done} of {total} {what}")

    return told


def _write_metrics(path: Path, lineage: Lineage) -> None:
    try:
        path.write_text(json.dumps(lineage.metrics, indent=2, sort_keys=True) + "\n", "utf-8")
    except OSError as error:
        raise StorageProblem(f"{path} cannot be written: {error.strerror or error}.", next="Name another file with --metrics.") from None


def _near(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def drafted(
    workspace: Workspace, notebook: str, targets: tuple[str, ...], out: Path | None, deployment: Deployment | None = None
) -> ExportDraft:
    """What an export would write; nothing is. Raises UsageError for an unknown target."""
    from jupyter_mlgov.pipelines.export import draft
    from jupyter_mlgov.pipelines.target import known_targets

    if not targets:
        raise UsageError(
            "No target was named.", expected=f"Known: {', '.join(known_targets())}.", next="`mlgov export --to papermill,dvc`."
        )
    folder = (out or workspace.root).resolve()
    return draft(workspace.root, notebook, workspace.team_for(notebook), workspace.lineage(notebook), targets, folder, deployment)


def export_notebook(
    workspace: Workspace,
    notebook: str,
    targets: tuple[str, ...],
    out: Path | None,
    *,
    deployment: Deployment | None = None,
    unproven: bool = False,  # what a person takes upon himself; it is recorded
    say: Callable[[str], None] | None = None,
) -> tuple[Path, ...]:
    """Write `notebook` for each target and say so in the trail; a target that runs it step by step is proven first.

    Raises UsageError for an unknown target, NotEquivalent and CannotCross where the steps do not give what the notebook gives.
    """
    from jupyter_mlgov.pipelines.export import write

    made = drafted(workspace, notebook, targets, out, deployment)
    if made.by_step and not unproven:
        _proven(workspace, notebook, say)
    written = write(made)
    payload = {"targets": list(targets), "files": [_near(path, workspace.root) for path in written], "digests": made.plan.digests.told()}
    if made.by_step and unproven:
        workspace.record(Draft(action="export.unproven", subject=notebook, payload={"targets": list(made.by_step)}))
    workspace.record(Draft(action="export.written", subject=notebook, payload=payload))
    return written


def _proven(workspace: Workspace, notebook: str, say: Callable[[str], None] | None) -> None:
    """Prove the steps, unless the trail holds a proof of the same cells, parameters, data and environment."""
    from jupyter_mlgov.core.digests import Digest
    from jupyter_mlgov.workspace.proving import proof_subject, prove
    from jupyter_mlgov.workspace.stepping import step_book

    book = step_book(workspace.path_of(notebook), notebook)
    lineage = workspace.lineage(notebook)
    subject = proof_subject(workspace, book, lineage)
    known = workspace.journal.entries(actions=("export.proven",))
    if subject is not None and any(one.subject == notebook and one.payload.get("of") == subject for one in known):
        return
    proof = prove(workspace, book, lineage, say)
    payload = {
        "of": subject or Digest.of_text("not to be used again"),
        "sentence": proof.sentence,
        "equal": list(proof.equal),
        "unknown": list(proof.unknown),
        "recorded": list(proof.recorded),
    }
    workspace.record(Draft(action="export.proven", subject=notebook, payload=payload))

"""run_notebook(): what `mlgov run` and `mlgov demo` call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from jupyter_mlgov.core.errors import BadInput, StorageProblem, UsageError
from jupyter_mlgov.integrations.papermill.results import RunResult
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.pipelines.documents import load, notebook_of
from jupyter_mlgov.pipelines.parameters import check
from jupyter_mlgov.pipelines.runnable import parameters_of

if TYPE_CHECKING:
    from nbformat import NotebookNode


def run_notebook(
    source: Path,
    output: Path,
    parameters: Mapping[str, object],
    *,
    cwd: Path,
    progress: Callable[[int, int, str], None] | None = None,
    notebook_name: str = "",
    timeout: int | None = None,
    **stepping: object,
) -> RunResult:
    """Run `source` in a kernel of its own with the current folder `cwd`, and save it as `output` whatever happens.

    Raises UsageError for parameters that do not fit, BadInput for a file that is no runnable notebook, NotReady for a kernel that
    cannot record, StorageProblem for an output that cannot be written; no cell has run then. A cell that fails does not raise: see
    RunResult. `timeout` is in seconds, for each cell; `progress` hears (cell, of how many, step). `stepping` are governing.execute()'s
    own words for the run of one step; then it also raises NotHandedOver.
    """
    document = load(source)
    for key, empty in (("metadata", "{}"), ("nbformat_minor", "5")):
        if key not in document:
            raise BadInput(
                f"{source} has no `{key}`, and no kernel's client opens such a notebook.",
                expected="Expected a notebook as Jupyter saves it.",
                next=f'Write `"{key}": {empty}` beside `"cells"`, or make a new notebook of its cells.',
            )
    notebook = notebook_of(document, source)
    check(parameters, parameters_of(notebook))
    _make_place(source, output)
    begun = monotonic()
    found = _execute(source, output, parameters, cwd=cwd, progress=progress, notebook_name=notebook_name, timeout=timeout, **stepping)
    mark = found.metadata["mlgov"]
    return RunResult(outcome=Outcome(mark["outcome"]), failed_cell=mark["failed_cell"], error=mark["error"], seconds=monotonic() - begun)


def _make_place(source: Path, output: Path) -> None:
    if output.resolve() == source.resolve():
        raise UsageError(
            f"The executed notebook would overwrite {source}.", expected="Expected another file.", next="Name one with --output."
        )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageProblem(f"{output.parent} cannot be made: {error.strerror or error}.", next="Name another --output.") from None


def _execute(
    source: Path, output: Path, parameters: Mapping[str, object], *, cwd: Path, timeout: int | None, **hooks: object
) -> NotebookNode:
    """The executed notebook. How it ended stands in its metadata."""
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    from jupyter_mlgov.integrations.papermill.engine import GovernedEngine

    papermill_engines.register("mlgov", GovernedEngine)  # also where the project is not installed but on the path
    logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it warns of, we refuse or say ourselves
    try:
        return execute_notebook(
            _literal(source),
            _literal(output),
            dict(parameters),
            engine_name="mlgov",
            progress_bar=False,
            execution_timeout=timeout,
            resources={"metadata": {"path": str(cwd)}},
            **hooks,
        )
    except (PapermillExecutionError, DeadKernelError, CellTimeoutError):
        return nbformat.read(output, as_version=4)


def _literal(path: Path) -> str:
    """papermill fills `{name}` in paths with parameters; a file may be called so."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")

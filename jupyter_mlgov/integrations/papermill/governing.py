"""One governed execution: refuse what cannot be right, run, save, and mark the notebook with how it ended."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import ERROR_MARKER_TAG, raise_for_execution_errors
from papermill.log import logger
from traitlets.config import Config

from jupyter_mlgov.core.errors import MlgovError
from jupyter_mlgov.core.settings import QUIET
from jupyter_mlgov.integrations.papermill.client import GovernedClient, NotHandedOver, Stepping
from jupyter_mlgov.integrations.papermill.exported import exported_step
from jupyter_mlgov.integrations.papermill.manager import GovernedManager, Progress
from jupyter_mlgov.integrations.papermill.places import Place, local_path, place_of
from jupyter_mlgov.lineage.facts import Outcome
from jupyter_mlgov.lineage.fold import REPEATED
from jupyter_mlgov.pipelines.documents import INJECTED, Notebook, is_parameters, load, notebook_of
from jupyter_mlgov.pipelines.parameters import check, hidden
from jupyter_mlgov.pipelines.runnable import check_runnable, parameters_of
from jupyter_mlgov.pipelines.secrets import from_environment, without

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Where the kernel is reached by TCP, what travels is encrypted if the kernel can, which jupyter_client 8.10 leaves off by default.
_ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
_PATHS = {"PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"}  # papermill --inject-paths


def execute(nb: NotebookNode, kernel_name: str, output_path: str | None = None, **options: Any) -> NotebookNode:
    """What papermill calls. `options` are those of _execute(); others go to nbclient's client, as with papermill's own engine."""
    with tempfile.TemporaryDirectory(prefix="mlgov-step-") as scratch:
        return _execute(nb, kernel_name, output_path, scratch=Path(scratch), **options)


def _execute(
    nb: NotebookNode,
    kernel_name: str,
    output_path: str | None = None,
    *,
    scratch: Path,
    input_path: object = None,
    notebook_name: str = "",
    progress: Progress | None = None,
    progress_bar: bool | dict[str, Any] = True,
    log_output: bool = False,
    autosave_cell_every: int = 30,
    start_timeout: int = 60,
    execution_timeout: int | None = None,
    place: Place | None = None,
    stepping: Stepping | None = None,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> NotebookNode:
    """`options` go to nbclient's client. A step's kernel leaves its report in `scratch`.

    `stepping` makes it the run of one step of the notebook at `place`, with more `environment` for its kernel.
    """
    source = local_path(input_path)
    _place(nb, source or Path("notebook"))
    where = _identify(nb, source)
    secrets = _refuse(nb, source or Path("notebook"), kernel_name)
    place = place or place_of(source, notebook_name, input_path)
    own = exported_step(nb, source, place, scratch) if stepping is None else None
    if own is not None:
        stepping, place, environment = own.stepping, own.place, own.environment
    manager = GovernedManager(
        nb,
        progress=progress,
        output_path=output_path,
        log_output=log_output,
        progress_bar=progress_bar,
        autosave_cell_every=autosave_cell_every,
    )
    limit = execution_timeout or options.pop("timeout", None)
    client = GovernedClient(
        manager,
        place=place,
        where=where,
        scratch=scratch,
        stepping=stepping,
        secrets=secrets,
        timeout=limit,
        startup_timeout=options.pop("startup_timeout", start_timeout),
        kernel_name=kernel_name,
        log=logger,
        log_output=log_output,
        **{"config": _ENCRYPTED, **{key: value for key, value in options.items() if key != "timeout"}},
    )
    manager.notebook_start()
    try:
        client.execute(env={**_environment(source, place), **(environment or {})})
        if own is not None and client.result.outcome is Outcome.OK:
            own.finish()
    except (DeadKernelError, CellTimeoutError, NotHandedOver):
        _finish(manager, client)
        _mark_errors(nb, output_path)
        raise
    finally:
        _finish(manager, client)
    return nb


def kernel_of(nb: NotebookNode, name: str | None) -> str:
    """The kernel's name, known to be installed and to run Python."""
    return check_runnable(_facts(nb, Path(str(nb.metadata.get("papermill", {}).get("input_path", "notebook")))), _installed(), name or "")


def _installed() -> dict[str, str]:
    from jupyter_client.kernelspec import KernelSpecManager

    found: dict[str, Mapping[str, Any]] = KernelSpecManager().get_all_specs()
    return {name: str(about.get("spec", {}).get("language", "")) for name, about in found.items()}


def _facts(nb: NotebookNode, path: Path) -> Notebook:
    return notebook_of(nb, path)


def _refuse(nb: NotebookNode, path: Path, kernel: str) -> dict[str, object]:
    """The values of secret parameters, taken out of the notebook, which is saved.

    Raises UsageError for parameters that the notebook does not declare, or that are of another type.
    """
    notebook = _facts(nb, path)
    check_runnable(notebook, _installed(), kernel)
    given: Mapping[str, object] = nb.metadata.get("papermill", {}).get("parameters", {})
    known = parameters_of(notebook)
    told = from_environment(known, os.environ)
    secrets = told | hidden(check({name: value for name, value in given.items() if name not in _PATHS}, known), known)
    if secrets and given:
        _take_out(nb, secrets)
    return secrets


def _take_out(nb: NotebookNode, secrets: Mapping[str, object]) -> None:
    """The injected cell again without the secrets, whose values only the kernel hears."""
    from papermill.translators import papermill_translators

    given = {name: value for name, value in nb.metadata["papermill"]["parameters"].items() if name not in secrets}
    nb.metadata["papermill"]["parameters"] = given
    for cell in nb.cells:
        if INJECTED in cell.metadata.get("tags", []):
            text = papermill_translators.find_translator("python3", "python").codify(
                given, f"Parameters; not written here: {', '.join(secrets)}"
            )
            cell.source = text


def _place(nb: NotebookNode, path: Path) -> None:
    """Put the cell with the given values behind the parameters, where papermill put it before them.

    papermill looks for its own tag on the first cell of any type: it finds none in a notebook of Kale's, and text that carries the tag.
    """
    cells = _facts(nb, path).cells
    given = next((place for place, cell in enumerate(cells) if INJECTED in cell.tags), None)
    declared = next((place for place, cell in enumerate(cells) if is_parameters(cell)), None)
    if given is not None and declared is not None and given < declared:
        nb.cells.insert(declared, nb.cells.pop(given))


def _identify(nb: NotebookNode, source: Path | None) -> dict[int, int]:
    """Give each cell the id that its file has for us, and return the file's cell number by the cell's place in `nb`.

    papermill makes up random ids for files of nbformat 4.4; lineage needs the same ids in every run.
    """
    own = [(index, cell) for index, cell in enumerate(nb.cells) if INJECTED not in cell.metadata.get("tags", [])]
    for index, cell in enumerate(nb.cells):
        if INJECTED in cell.metadata.get("tags", []) and all(one.get("id") != INJECTED for _, one in own):
            nb.cells[index].id = INJECTED
            if index and REPEATED in nb.cells[index - 1].metadata.get("tags", []):
                cell.metadata["tags"] = [*cell.metadata["tags"], REPEATED]
    try:
        cells = notebook_of(load(source), source).cells if source is not None else ()
    except MlgovError:
        cells = ()
    kept = [cell for cell in cells if not {INJECTED, ERROR_MARKER_TAG} & set(cell.tags)]
    told = [cell.metadata.get("mlgov", {}).get("index") for _, cell in own]
    if own and all(isinstance(number, int) for number in told):  # a step's notebook: cells are numbered as in the whole one
        return {index: int(number) for (index, _), number in zip(own, told, strict=True)}
    if len(kept) != len(own):
        return {index: number for number, (index, _) in enumerate(own, 1)}
    for (index, _), fact in zip(own, kept, strict=True):
        nb.cells[index].id = fact.id
    return {index: fact.index for (index, _), fact in zip(own, kept, strict=True)}


def _environment(source: Path | None, place: Place) -> dict[str, str]:
    """The kernel's environment: no telemetry, the notebook's place as Jupyter Server tells it, and the workspace to record in."""
    where = {"JPY_SESSION_NAME": str(source.resolve())} if source is not None else {}
    if place.workspace is not None:
        where["MLGOV_WORKSPACE"] = str(place.workspace)
    return {**QUIET, **without(os.environ), "MLGOV_PIPELINE": "", "MLGOV_STEP": "", **where}


def _finish(manager: GovernedManager, client: GovernedClient) -> None:
    """Write the mark and the last state, once; a run that was refused before its first cell is not written."""
    if manager.end_time is not None:
        return
    result = replace(client.result, seconds=(manager.now() - manager.start_time).total_seconds())
    mark = {"outcome": str(result.outcome), "notebook": client.place.name, "failed_cell": result.failed_cell, "error": result.error}
    manager.nb.metadata["mlgov"] = {**manager.nb.metadata.get("mlgov", {}), **mark, "seconds": round(result.seconds, 3)}
    manager.cleanup_pbar()
    manager.notebook_complete()


def _mark_errors(nb: NotebookNode, output_path: str | None) -> None:
    """papermill's red note on top, which it writes itself only when the kernel lives."""
    if output_path is None:
        return
    try:
        raise_for_execution_errors(nb, output_path)
    except PapermillExecutionError:
        return

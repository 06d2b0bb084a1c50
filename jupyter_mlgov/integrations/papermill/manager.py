"""papermill's bookkeeping of a run, saving every few seconds instead of twice a cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from papermill.engines import NotebookExecutionManager

from jupyter_mlgov.core.errors import StorageProblem
from jupyter_mlgov.integrations.papermill.places import local_path
from jupyter_mlgov.pipelines.files import replace_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

INTERVAL = 5.0
_SHARE = 20  # a save that took t is followed by none for 20 t: large notebooks spend at most 5 % on saving

Progress = Callable[[int, int, str], None]


class GovernedManager(NotebookExecutionManager):  # type: ignore[misc]  # papermill ships no types
    """Keeps papermill's metadata and progress bar. Nothing is written before ready(), so a refused run leaves no file."""

    def __init__(self, nb: NotebookNode, *, progress: Progress | None = None, **options: Any) -> None:
        super().__init__(nb, **options)
        self.progress = progress
        self._due = math.inf

    def ready(self) -> None:
        """The kernel is up and records: from here on there is something to save."""
        self._due = -math.inf
        self.save()

    def save(self, **_: object) -> None:
        if monotonic() >= self._due:
            begun = monotonic()
            self._write()
            self._due = monotonic() + max(INTERVAL, _SHARE * (monotonic() - begun))

    def autosave_cell(self, **_: object) -> None:
        if self.autosave_cell_every:
            self.save()

    def cell_complete(self, cell: NotebookNode, cell_index: int | None = None, **options: Any) -> None:
        super().cell_complete(cell, cell_index=cell_index, **options)
        if self.progress is not None and cell_index is not None:
            self.progress(cell_index + 1, len(self.nb.cells), _label(cell))

    def notebook_complete(self, **options: Any) -> None:
        """Always writes, unless the run never became ready."""
        self._due = self._due if self._due == math.inf else -math.inf
        super().notebook_complete(**options)

    def _write(self) -> None:
        import nbformat
        from papermill.iorw import write_ipynb

        path = local_path(self.output_path)
        if path is None:
            write_ipynb(self.nb, self.output_path)  # s3://, gs:// and so on are papermill's own; None is not written
            return
        try:
            replace_file(path, nbformat.writes(self.nb).encode("utf-8"))
        except OSError as error:
            raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> StorageProblem:
    return StorageProblem(
        f"The executed notebook {path} cannot be written: {error.strerror or error}.", next="Make its folder, or name another output."
    )


def _label(cell: NotebookNode) -> str:
    """`train`, for a cell tagged `mlgov:train`."""
    labels = [tag.partition(":")[2] for tag in cell.metadata.get("tags", []) if tag.startswith("mlgov:")]
    return labels[0] if labels else ""

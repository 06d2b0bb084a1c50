"""What papermill loads for `--engine mlgov`. Light: papermill loads every engine each time it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode


class GovernedEngine:
    """A papermill engine whose kernel records what each cell read and made.

    papermill asks an engine for these three class methods only; its base class would import papermill while papermill imports us.
    """

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, output_path: str | None = None, **options: Any) -> NotebookNode:
        """Run `nb` as papermill's own engine does, with its options. Raises UsageError and BadInput before any kernel starts."""
        from jupyter_mlgov.integrations.papermill.governing import execute

        return execute(nb, kernel_name, output_path, **options)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel that was asked for, else the notebook's. Raises BadInput that says how to set one."""
        from jupyter_mlgov.integrations.papermill.governing import kernel_of

        return kernel_of(nb, name)

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """The language that was asked for, else the notebook's, else Python: only Python kernels are recorded."""
        metadata = nb.metadata
        found = language or metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
        return str(found or "python")

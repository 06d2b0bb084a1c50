"""Whether a notebook can run as a governed job: its kernel, its language, its tags, its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlgov.core.errors import BadInput, unknown
from jupyter_mlgov.lineage.tags import step_of
from jupyter_mlgov.pipelines.documents import Notebook
from jupyter_mlgov.pipelines.parameters import Parameter, declared


def check_runnable(notebook: Notebook, installed: Mapping[str, str], kernel: str = "") -> str:
    """The name of the kernel that will run `notebook`. `installed` maps kernels to languages; `kernel`, when given, goes first.

    Raises BadInput for no kernel, one that is not installed, a language that is not Python, a tag in a wrong grammar, or two
    cells tagged `parameters`.
    """
    name = kernel or notebook.kernel
    if not name:
        raise BadInput(
            f"{notebook.path} does not say which kernel runs it.",
            expected='Expected metadata like {"kernelspec": {"name": "python3"}}.',
            next="Open it in JupyterLab, choose Kernel > Change Kernel, and save.",
        )
    if name not in installed:
        raise _not_installed(notebook, name, installed)
    for language in (installed[name], "" if kernel else notebook.language):
        _check_language(notebook, language)
    check_tags(notebook)
    parameters_of(notebook)
    return name


def _not_installed(notebook: Notebook, name: str, installed: Mapping[str, str]) -> BadInput:
    hint = unknown("kernel", name, sorted(installed))
    return BadInput(
        hint.what.replace(f'No kernel "{name}".', f'{notebook.path} asks for the kernel "{name}", which is not installed.'),
        expected=hint.expected.replace("Known:", "Installed:"),
        next="Choose one of them in JupyterLab (Kernel > Change Kernel), or install it: `python -m ipykernel install --user --name NAME`.",
    )


def _check_language(notebook: Notebook, language: str) -> None:
    if language and language.lower() not in ("python", "ipython", "python3"):
        raise BadInput(
            f"{notebook.path} is written in {language}, which is not supported.",
            expected="jupyter_mlgov records Python kernels only.",
            next="Run it with plain papermill; nothing about it will be recorded.",
        )


def check_language(notebook: Notebook) -> None:
    """Raises BadInput for a notebook that says it is not Python; one that says nothing is taken for Python."""
    _check_language(notebook, notebook.language)


def check_tags(notebook: Notebook) -> None:
    """Raises BadInput (lineage.tags.BadTag) for the first `mlgov:` tag in a wrong grammar, with its cell number."""
    for cell in notebook.cells:
        step_of(cell.tags, f"cell [{cell.index}]")


def parameters_of(notebook: Notebook) -> tuple[Parameter, ...]:
    """What the notebook's `parameters` cell declares; empty when it has none. Raises BadInput when it has two."""
    cells = notebook.parameters_cells
    if len(cells) > 1:
        raise BadInput(
            f"{notebook.path} has {len(cells)} cells tagged `parameters`: {', '.join(f'[{cell.index}]' for cell in cells)}.",
            expected="Expected one: values are put behind the first, and the next would overwrite them.",
            next="Move the assignments into one cell, or take the tag from the others.",
        )
    return declared(cells[0].source) if cells else ()

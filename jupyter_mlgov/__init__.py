"""Model governance inside JupyterLab. This file holds the Jupyter hooks and `load_model`; each imports lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from jupyter_server.serverapp import ServerApp

__all__ = ["__version__", "load_model"]


def load_model(model: str, stage: str, *, workspace: str = "") -> Any:
    """The estimator that the trail says is in `stage`, with decision, registry and signature checked before it is opened.

    `workspace` is a folder; default: MLGOV_WORKSPACE, or the nearest one above the current folder. Raises NotReady where no decision
    put a version there or the registry shows another one, BadInput (Tampered) for files that are not what was signed.
    """
    import os
    from pathlib import Path

    from jupyter_mlgov.core.settings import Settings
    from jupyter_mlgov.workspace.composition import open_workspace
    from jupyter_mlgov.workspace.loading import load_model as load

    found = open_workspace(Path(workspace) if workspace else None, Settings.from_environment(os.environ), Path.cwd())
    return load(found, model, stage).model


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext jupyter_mlgov`: start the recorder and register the magics."""
    from jupyter_mlgov.kernel import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext jupyter_mlgov`: stop recording; what was recorded stays."""
    from jupyter_mlgov.kernel import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mlgov"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_mlgov.server import GovernanceApp

    return [{"module": "jupyter_mlgov", "app": GovernanceApp}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    from jupyter_mlgov.server import GovernanceApp

    GovernanceApp.load_classic_server_extension(server)  # type: ignore[no-untyped-call]  # jupyter_server's has no annotations

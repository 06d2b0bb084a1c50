"""Model governance inside JupyterLab. This file holds the Jupyter hooks only; each imports lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlgov._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from jupyter_server.serverapp import ServerApp

__all__ = ["__version__"]


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

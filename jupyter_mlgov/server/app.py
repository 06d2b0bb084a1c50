"""The Jupyter Server extension: the operator's traits and the table of routes."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode, default

from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.settings import Settings
from jupyter_mlgov.server.handlers import ROUTES
from jupyter_mlgov.server.queries import Desk


class GovernanceApp(ExtensionApp):
    """Serves `/mlgov/api/`. Configured by `c.GovernanceApp…` in `jupyter_mlgov_config.py`, by flags, or by `MLGOV_*`."""

    name = "mlgov"
    extension_url = "/mlgov/api/status"
    load_other_extensions = True

    tracking_uri = Unicode(help="MLflow tracking server; empty means the embedded one. Default: MLGOV_TRACKING_URI.").tag(config=True)
    actor = Unicode(help="Who acts, in place of every other source; shown as declared, not proven. Default: MLGOV_ACTOR.").tag(config=True)
    workspace = Unicode(help="Folder that holds `.mlgov/`; empty means the nearest parent that has one. Default: MLGOV_WORKSPACE.").tag(
        config=True
    )

    openlineage = Unicode(help="Where OpenLineage events go: file:PATH, a URL, auto, or empty for none. Default: MLGOV_OPENLINEAGE.").tag(
        config=True
    )

    @default("tracking_uri")
    def _default_tracking_uri(self) -> str:
        return Settings.from_environment(os.environ).tracking_uri

    @default("actor")
    def _default_actor(self) -> str:
        return Settings.from_environment(os.environ).actor

    @default("workspace")
    def _default_workspace(self) -> str:
        return Settings.from_environment(os.environ).workspace

    @default("openlineage")
    def _default_openlineage(self) -> str:
        return Settings.from_environment(os.environ).openlineage

    @property
    def operator_settings(self) -> Settings:
        """The traits as the frozen fact that all other rooms know."""
        return Settings(tracking_uri=self.tracking_uri, actor=self.actor, workspace=self.workspace, openlineage=self.openlineage)

    def initialize_settings(self) -> None:
        """Put the desk that answers all requests where the handlers find it."""
        if self.serverapp is None:
            raise NotReady("The governance extension runs inside a Jupyter server only.", next="Start `jupyter lab`.")
        root = Path(self.serverapp.root_dir).expanduser()
        self.settings["mlgov_desk"] = Desk(root=root, settings=self.operator_settings)

    def initialize_handlers(self) -> None:
        """Register every route of ROUTES under `/mlgov/api/`; the server puts its base URL before it."""
        self.handlers.extend((f"/mlgov/api/{path}", handler) for path, handler in ROUTES)

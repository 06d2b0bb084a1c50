"""What the operator decides: where the workspace, MLflow and DVC are. It can never weaken a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Every tool we start obeys at least one of these; see docs/operators/privacy.md.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Deployment facts, from traits, flags or `MLGOV_*`. Empty means the embedded default.

    `deliver` is `auto` (what MLflow must be told is sent in the background) or `manual` (`mlgov sync` sends it).
    `openlineage` is where events go: `file:PATH`, an http(s) address, `auto` (what OpenLineage's own settings say), or empty for none.
    `database_url` puts the trail into PostgreSQL; `anchors` are the places where checkpoints are left, `tsa_roots` the certificates of one.
    `notify` is whom to tell of reviews that come due and of alarms, as apprise's addresses; `notify_allow` the hosts it may lead to.
    """

    tracking_uri: str = ""
    actor: str = ""
    workspace: str = ""
    deliver: str = "auto"
    openlineage: str = ""
    database_url: str = ""
    anchors: str = ""
    tsa_roots: str = ""
    notify: str = ""
    notify_allow: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        return cls(
            tracking_uri=environ.get("MLGOV_TRACKING_URI", ""),
            actor=environ.get("MLGOV_ACTOR", ""),
            workspace=environ.get("MLGOV_WORKSPACE", ""),
            deliver=environ.get("MLGOV_DELIVER", "") or "auto",
            openlineage=environ.get("MLGOV_OPENLINEAGE", ""),
            database_url=environ.get("MLGOV_DATABASE_URL", ""),
            anchors=environ.get("MLGOV_ANCHORS", ""),
            tsa_roots=environ.get("MLGOV_TSA_ROOTS", ""),
            notify=environ.get("MLGOV_NOTIFY", ""),
            notify_allow=environ.get("MLGOV_NOTIFY_ALLOW", ""),
        )

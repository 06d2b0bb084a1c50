"""What MLflow is told about a session: a pure function from lineage to a parcel for the outbox."""

from __future__ import annotations

import json
import math

from jupyter_mlgov.audit.journal import Parcel
from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import NotReady
from jupyter_mlgov.core.team import Team
from jupyter_mlgov.integrations.mlflow.inputs import described
from jupyter_mlgov.lineage.facts import CodeState, Lineage, Session, StepState

# What a stored scikit-learn model may need again, pinned to what the session had installed.
_REQUIRED = ("scikit-learn", "skops")
_WANTED = ("numpy", "scipy", "pandas", "joblib", "polars", "pyarrow", "lightgbm", "xgboost", "catboost", "statsmodels")


def run_parcel(lineage: Lineage, team: Team, code: CodeState | None = None) -> Parcel:
    """One MLflow run for the last session. The same facts give the same key, so telling twice is one deed.

    The payload is JSON: texts, finite numbers, digests; no row of any table. Raises NotReady when nothing has run.
    """
    session = lineage.session
    if session is None:
        raise NotReady(f"{lineage.notebook or 'This notebook'} has not run here, so there is nothing to tell MLflow.", next="Run it first.")
    finite = {name: float(value) for name, value in lineage.metrics.items() if math.isfinite(value)}
    undefined = sorted(set(lineage.metrics) - set(finite))
    model = lineage.model
    body: dict[str, object] = {
        "model": team.model,
        "session": session.id,
        "notebook": lineage.notebook,
        "started": stamp(session.started),
        "parameters": {name: _text(value) for name, value in lineage.parameters.items()},
        "metrics": finite,
        "tags": _tags(lineage, session, code or session.code, undefined),
        "model_digest": model.fingerprint.root if model and model.fingerprint else "",
        "model_object": model.stored if model and model.stored else "",
        "model_note": _model_note(lineage),
        "inputs": described(lineage),
        "status": _status(lineage),
        "requirements": requirements(lineage),
    }
    return Parcel(key=f"run:{session.id}:{Digest.of_json(body).hex}", target="mlflow", kind="run", payload=body)


def _tags(lineage: Lineage, session: Session, code: CodeState, undefined: list[str]) -> dict[str, str]:
    model = lineage.model
    tags = {
        "mlgov.session": session.id,
        "mlgov.notebook": lineage.notebook,
        "mlgov.host": session.host,
        "mlgov.slice": _slice(lineage),
        "mlgov.inputs": _text(lineage.data),
        "mlgov.environment": session.environment.digest,
        "mlgov.commit": code.commit + ("+dirty" if code.dirty else ""),
        "mlgov.model": model.fingerprint.root if model and model.fingerprint else "",
        "mlgov.metrics.undefined": ", ".join(undefined),
    }
    return {name: value for name, value in tags.items() if value}


def _slice(lineage: Lineage) -> str:
    try:
        return lineage.slice or ""
    except ValueError:
        return ""  # a parameter that has no canonical form; the report's subject will say so


def _model_note(lineage: Lineage) -> str:
    model = lineage.model
    if model is None:
        return "no step made a model"
    return "" if model.stored else model.note or f"the model `{model.name}` could not be stored"


def _status(lineage: Lineage) -> str:
    """MLflow's word for how the session's steps stand: FAILED when the last run of one of them failed or died."""
    bad = (StepState.FAILED, StepState.KILLED)
    return "FAILED" if any(item.state in bad for item in lineage.steps) else "FINISHED"


def close_parcel(session: str, notebook: str) -> Parcel:
    """Runs that the scientist's own code left open when the kernel of `session` died are to be ended as failed."""
    return Parcel(key=f"close:{session}", target="mlflow", kind="close", payload={"session": session, "notebook": notebook})


def requirements(lineage: Lineage) -> list[str]:
    """What loading the model again needs, pinned to what its session had installed: `scikit-learn==1.9.1`, …"""
    session = lineage.session
    if session is None:
        return []
    packages = {name.lower(): version for name, version in session.environment.packages.items()}
    used = {name.lower() for run in lineage.runs for name in run.distributions}
    names = [*_REQUIRED, *(name for name in _WANTED if name in used)]
    return [f"{name}=={packages[name]}" for name in names if name in packages]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)

"""A version that may answer: let in by decision, signed, in the environment it was let in with, and giving its golden answers here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import MlgovError, NotReady
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.promotion.fold import decisions
from jupyter_mlgov.promotion.rollback import Looked

if TYPE_CHECKING:
    from jupyter_mlgov.rollout.serving.arms import Arm
    from jupyter_mlgov.workspace.composition import Workspace

VOUCHING = ("promotion.decided", "promotion.applied", "evidence.refuted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A version to be loaded, and the columns that may come along with its rows."""

    model: str
    version: str
    stage: str
    favourable: str
    also: tuple[str, ...] = ()
    cacheable: bool = True


def vouched_arm(workspace: Workspace, wanted: Wanted) -> Arm:
    """The version, loaded and tried. Nothing of it is opened before its decision and its signature were looked at.

    Raises NotReady where no decision stands behind it, its evidence was refuted, its environment does not match or nobody recorded it,
    or it does not give its golden answers; Tampered for files that are not what was signed.
    """
    from jupyter_mlgov.integrations.estimators.model import estimator
    from jupyter_mlgov.rollout.serving.arms import Arm, Vouched

    entries = tuple(workspace.personal.entries(actions=VOUCHING, subject=wanted.model))
    entry, decision = granted(entries, wanted.model, wanted.version, wanted.stage, workspace.clock.now().date().isoformat())
    facts = _facts(entries, wanted)
    looked = [Looked(name="decision", answer="ok", said=f"granted for {decision.stage} (entry {entry.seq})"), _environment(facts)]
    _refuse(wanted, looked[-1], unknown_too=True)
    model, key = _opened(workspace, wanted, entry)
    looked.append(Looked(name="signature", answer="ok", said=f"by key {key}"))
    sample, golden = _kept(workspace, facts)
    made = estimator(model, sample, wanted.favourable, also=wanted.also, cacheable=wanted.cacheable)
    looked.append(_golden(made, golden))
    _refuse(wanted, looked[-1], unknown_too=False)
    limits = {limit.name: limit.most for limit in decision.limits}
    vouched = Vouched(
        model=wanted.model,
        version=wanted.version,
        stage=wanted.stage,
        decision=entry.digest,
        fingerprint=_fingerprint(entry, facts),
        key=key,
        looked=tuple(str(one) for one in looked),
        traffic=limits.get("traffic", 1.0),
    )
    return Arm(vouched, made)


def granted(entries: tuple[AuditEntry, ...], model: str, version: str, stage: str, today: str) -> tuple[AuditEntry, Any]:
    """The newest granted decision about the version; for `stage` before any other. Raises NotReady where none lets it answer (any more)."""
    found = [
        (decision.stage == stage, entry.seq, entry, decision)
        for entry in entries
        for decision in decisions([entry], model)
        if decision.answer is Answer.GRANTED and decision.version == version
    ]
    name = f"version {version} of {model}"
    if not found:
        raise NotReady(f"No decision let {name} into any stage, so it answers nobody.", next=f"Ask for it: `mlgov promote {stage}`.")
    against = [one for one in entries if one.action == "evidence.refuted" and one.payload.get("version") == version]
    if any(one.payload.get("serving") != "keep" for one in against):
        raise NotReady(f"What {name} rests on was refuted since, so it answers nobody.", next="See `mlgov audit log`.")
    _, _, entry, decision = max(found, key=lambda item: item[:2])
    if decision.until and decision.until < today:
        raise NotReady(f"The approval of {name} ended on {decision.until}.", next="Ask a reviewer for another: `mlgov review ask`.")
    return entry, decision


def _facts(entries: tuple[AuditEntry, ...], wanted: Wanted) -> Mapping[str, object]:
    """What was kept when the version was last applied anywhere."""
    found = [entry.payload for entry in entries if entry.action == "promotion.applied" and entry.payload.get("version") == wanted.version]
    return found[-1] if found else {}


def _environment(facts: Mapping[str, object]) -> Looked:
    from jupyter_mlgov.workspace.rollback import environment

    return environment(facts)


def _refuse(wanted: Wanted, looked: Looked, *, unknown_too: bool) -> None:
    if looked.answer == "failed" or (unknown_too and looked.answer == "unknown"):
        raise NotReady(
            f"Version {wanted.version} of {wanted.model} is not served here: {looked.name}: {looked.said}.",
            next="Serve it where it was let in to run, or promote it again from here.",
        )


def _opened(workspace: Workspace, wanted: Wanted, entry: AuditEntry) -> tuple[Any, str]:
    """(the estimator, the key that signed its files)."""
    from jupyter_mlgov.integrations.mlflow.download import downloaded
    from jupyter_mlgov.validation.subjects import Missing
    from jupyter_mlgov.workspace.loading import of_the_decision, sealed_model
    from jupyter_mlgov.workspace.models import opened

    with tempfile.TemporaryDirectory(prefix="mlgov-serve-") as folder:
        path = downloaded(workspace.tracking_uri, wanted.model, wanted.version, Path(folder))
        content, key, found = sealed_model(workspace, path)
    of_the_decision(found, _fingerprint(entry, {}))
    try:
        return opened(content), key
    except Missing as error:
        raise NotReady(f"Version {wanted.version} of {wanted.model} is not opened: {error}") from None
    except MlgovError:
        raise
    except Exception as error:  # noqa: BLE001 # skops and the model's library raise whatever a file makes them raise
        raise NotReady(f"Version {wanted.version} of {wanted.model} cannot be opened: {type(error).__name__}.") from None


def _kept(workspace: Workspace, facts: Mapping[str, object]) -> tuple[Any, tuple[Any, list[float]] | None]:
    """(rows it was judged on, golden rows with their scores). What was kept and cannot be read is a StorageProblem."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    golden = None
    if isinstance(facts.get("golden"), str):
        body = json.loads(workspace.objects.get(Digest(str(facts["golden"]))))
        rows = pa.ipc.open_stream(workspace.objects.get(Digest(body["rows"]))).read_all()
        golden = rows, [float.fromhex(score) for score in body["scores"]]
    if isinstance(facts.get("table"), str):
        return pq.read_table(workspace.objects.path(Digest(str(facts["table"])))), golden
    return (golden[0] if golden else None), golden


def _golden(made: Any, golden: tuple[Any, list[float]] | None) -> Looked:
    """The very object that will answer, held against what its version answered at its promotion."""
    from jupyter_mlgov.workspace.golden import TOLERANCE

    name = "golden predictions"
    if golden is None:
        return Looked(name=name, answer="unknown", said="none were kept at its promotion")
    try:
        now = made.compute(as_rows(golden[0], made.contract.names)).scores.tolist()
        worst = max((abs(one - other) for one, other in zip(now, golden[1], strict=True)), default=0.0)
    except Exception as error:  # noqa: BLE001 # whatever stops it, the model does not answer as it did
        return Looked(name=name, answer="failed", said=f"the model does not answer: {type(error).__name__}")
    if not worst <= TOLERANCE:
        return Looked(name=name, answer="failed", said=f"scores differ by up to {worst:.3g} from those at its promotion")
    return Looked(name=name, answer="ok", said=f"{len(now)} rows scored as at its promotion")


def as_rows(table: Any, names: tuple[str, ...]) -> Any:
    """Rows of a pyarrow table, as a request would bring them: numbers as float64, text as objects."""
    import numpy as np

    from jupyter_mlgov.rollout.serving.inputs import Rows

    frame = table.select(list(names)).to_pandas()
    columns = {name: frame[name].to_numpy(np.float64 if frame[name].dtype.kind in "fiub" else object) for name in names}
    return Rows(n=len(frame), columns=columns)


def _fingerprint(entry: AuditEntry, facts: Mapping[str, object]) -> str:
    docket = entry.payload.get("docket")
    version = docket.get("version") if isinstance(docket, Mapping) else None
    digest = version.get("model_digest") if isinstance(version, Mapping) else None
    return str(digest or facts.get("object") or "")

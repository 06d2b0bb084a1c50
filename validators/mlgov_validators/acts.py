"""Acts of the trail that validators read: each with the keys of its payload; the rooms that write them are others."""

from __future__ import annotations

from jupyter_mlgov.sdk import Act, Missing, Records, Subject

ACTS: dict[str, tuple[str, ...]] = {
    "canary.judged": ("srm_p", "traffic", "harm_p", "guardrail", "noninferior", "final", "requests"),
    "limits.set": ("limits",),
    "limits.breached": ("limit", "value", "allowed"),
    "rollout.started": ("version",),
    "breaker.switched": ("now", "why", "version", "baseline"),
    "rollback.drilled": ("seconds", "outcome", "to", "before"),
    "rollback.done": ("seconds", "outcome", "to", "before"),
    "rollback.failed": ("problem",),
    "rollback.refused": ("problem",),
    "registry.reconciled": ("drifted", "compared"),
    "killswitch.drilled": ("open", "cancelled", "alert_seconds", "out_of_band"),
    "reproduce.done": ("grade", "why", "model_digest", "equal", "difference", "auc_difference", "device", "out_of_order", "parted"),
    "endpoint.serving": ("endpoint",),
}


def last(subject: Subject, action: str) -> Act | None:
    """The newest act of a kind about the model; None where there is none."""
    found = records_of(subject).about(action)
    return found[-1] if found else None


def records_of(subject: Subject) -> Records:
    """What the trail tells. Raises Missing where there is no trail."""
    if subject.records is None:
        raise Missing("There is no trail to read.", next="Validate in a workspace (`mlgov init`).")
    return subject.records


def days_since(subject: Subject, act: Act) -> float:
    """Days from an act to the moment of asking."""
    return (records_of(subject).now - act.time).total_seconds() / 86400

"""What Prometheus and Alertmanager found enters the trail: once for each alert, its start, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.monitoring.received import Received, read

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

SENDER = Actor(id="alertmanager", source="declared", name="Alertmanager")
NOBODY = "prometheus"  # what an alert is about that names no model on record


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many alerts of a message are new in the trail, and how many it had."""

    recorded: int
    known: int


class Desk:
    """Takes messages for one workspace. What it read of the trail is kept, so that a message costs what is new."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._keys: set[str] = set()
        self._models: set[str] = set()
        self._seq = 0
        self._lock = Lock()

    def take(self, document: object) -> Taken:
        """Write what is new. Raises BadInput for a message that is none of Alertmanager's, StorageProblem where nothing can be written.

        A message told twice, also to two receivers at once, is one entry an alert.
        """
        from jupyter_mlgov.workspace.delivery import alone

        message = read(document)
        alerts = message.alerts
        with self._lock, alone(self._workspace, "alerts"):
            self._look()
            new = {one.key: one for one in alerts if one.key not in self._keys}
            drafts = [self._draft(one) for one in new.values()]
            if message.left_out > 0:
                problem = f"Alertmanager left {message.left_out:,} alerts out of a message (max_alerts)"
                drafts.append(Draft(action="recording.gap", subject=NOBODY, payload={"problem": problem}))
            if drafts:
                self._workspace.journal.append(drafts, actor=SENDER)
                self._keys.update(new)
        return Taken(recorded=len(new), known=len(alerts) - len(new))

    def _look(self) -> None:
        seen = self._seq
        for entry in self._workspace.database.entries(after=seen, actions=("alert.received", "promotion.decided", "validation.done")):
            self._seq = entry.seq
            if entry.action == "alert.received":
                self._keys.add(str(entry.payload.get("key", "")))
            else:
                self._models.add(entry.subject)

    def _draft(self, one: Received) -> Draft:
        payload = {
            "alert": one.name,
            "status": one.status,
            "severity": one.labels.get("severity", ""),
            "summary": one.annotations.get("summary", ""),
            "started": one.started,
            "ended": one.ended,
            "fingerprint": one.fingerprint,
            "labels": [f"{name}={value}" for name, value in one.labels.items()],  # a list: no name of theirs is a name of ours
            "annotations": [f"{name}={value}" for name, value in one.annotations.items()],
            "key": one.key,
        }
        return Draft(action="alert.received", subject=one.model if one.model in self._models else NOBODY, payload=payload)

"""What Alertmanager tells us (its webhook, version 4), read as hostile text: bounded, and believed only to have been said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.errors import BadInput

MOST = 1000  # alerts in one message
LABELS = 32  # labels or annotations that are kept
LONG = 300  # characters of each
_NEXT = "It is to be sent by Alertmanager's `webhook_configs`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One alert as it was told. `key` is the same for the same alert, start and status, however often it is told."""

    name: str
    status: Literal["firing", "resolved"]
    fingerprint: str
    started: str
    ended: str = ""
    model: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return str(Digest.of_json([self.fingerprint, self.started, self.status]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The alerts of one message, in order, and how many Alertmanager left out of it (`max_alerts`)."""

    alerts: tuple[Received, ...]
    left_out: int = 0


def read(document: object) -> Message:
    """The message. Raises BadInput, before anything is kept, for what Alertmanager does not send."""
    body = _mapping(document, "the message")
    if body.get("version") != "4":
        raise BadInput(f"The message has version {str(body.get('version'))[:20]!r}, and 4 is known.", next=_NEXT)
    alerts = body.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > MOST:
        raise BadInput(f"The message has no list of at most {MOST:,} alerts.", next=_NEXT)
    left_out = body.get("truncatedAlerts", 0)
    return Message(alerts=tuple(_alert(item) for item in alerts), left_out=left_out if isinstance(left_out, int) else 0)


def _alert(item: object) -> Received:
    one = _mapping(item, "an alert")
    status = one.get("status")
    if status not in ("firing", "resolved"):
        raise BadInput(f"An alert is {str(status)[:40]!r}, neither firing nor resolved.", next=_NEXT)
    labels, started = _texts(one.get("labels")), _moment(one.get("startsAt"))
    if not started:
        raise BadInput("An alert does not say when it started.", next=_NEXT)
    said = one.get("fingerprint")
    fingerprint = said[:64] if isinstance(said, str) and said else str(Digest.of_json(dict(sorted(labels.items()))))
    return Received(
        name=labels.get("alertname", "an alert without a name"),
        status=status,
        fingerprint=_clean(fingerprint),
        started=started,
        ended=_moment(one.get("endsAt")) if status == "resolved" else "",
        model=labels.get("model", ""),
        labels=labels,
        annotations=_texts(one.get("annotations")),
    )


def _texts(value: object) -> dict[str, str]:
    """The first labels in order of their names, each cut; the alert's own name and model are among them whatever else there is."""
    found = _mapping({} if value is None else value, "labels or annotations")
    first = sorted(found, key=lambda name: (name not in ("alertname", "model", "severity", "summary", "runbook_url"), name))
    return {_clean(name)[:LONG]: _clean(str(found[name]))[:LONG] for name in first[:LABELS]}


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{what[0].upper()}{what[1:]} is no object.", next=_NEXT)
    return value


def _moment(value: object) -> str:
    """RFC 3339 in our spelling; empty for Go's zero time and for what is no moment."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 64 else None
    except ValueError:
        return ""
    if found is None or found.tzinfo is None or found.year < 1970:
        return ""
    return stamp(found.astimezone(UTC))


def _clean(text: str) -> str:
    """Text that canonical JSON can hold: a lone surrogate is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")

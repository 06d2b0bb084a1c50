"""A silent monitor in a real workspace: a real Prometheus scrapes and fires, a real Alertmanager calls, and the trail has it once."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import timedelta

import pytest

from jupyter_mlgov.audit.entries import AuditEntry
from jupyter_mlgov.workspace.monitoring import look
from jupyter_mlgov.workspace.trail import verify
from tests.monitoring.live import Live, serve, until
from tests.workspace.watched import window

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("checks_here")]


def firing(live: Live) -> set[str]:
    """The names of the alerts that fire by Prometheus."""
    try:
        with urllib.request.urlopen(f"{live.prometheus}/api/v1/rules?type=alert", timeout=10) as answer:
            groups = json.load(answer)["data"]["groups"]
    except OSError:
        return set()
    alerts = [alert for group in groups for rule in group["rules"] for alert in rule["alerts"] if alert["state"] == "firing"]
    return {str(alert["labels"]["alertname"]) for alert in alerts}


def test_a_silent_monitor_reaches_the_trail_once_and_its_end_as_well(live: Live) -> None:
    said = {"alert": "MlgovMonitorSilent", "status": "firing"}
    until(lambda: len(about_credit(live, **said)) == 4, "an entry for each silent thing")
    watched = {label for one in about_credit(live, **said) for label in one.payload["labels"] if label.startswith("watched=")}
    assert watched == {"watched=quality", "watched=drift", "watched=performance", "watched=fairness"}
    first = about_credit(live, **said)[0]
    assert (first.subject, first.payload["severity"], first.actor.id) == ("credit", "critical", "alertmanager")
    assert first.payload["summary"].endswith("of credit was due and is not measured.")
    assert str(first) == "Alertmanager told of MlgovMonitorSilent about credit: firing"

    live.workspace.clock.advance(timedelta(days=10))
    tick = look(live.workspace, "credit", window(live.workspace, "w2"))
    assert set(tick.measured) == {"quality", "drift", "performance", "fairness"}
    ended = {"alert": "MlgovMonitorSilent", "status": "resolved"}
    until(lambda: len(about_credit(live, **ended)) == 4, "an entry for the end of each")
    assert all(one.payload["ended"] > one.payload["started"] for one in about_credit(live, **ended))
    # Alertmanager repeats what fires every two seconds here: nothing of it is written twice.
    until(lambda: notifications(live) > len(live.received()) + 2, "more messages than there are entries")
    keys = [(one.payload["fingerprint"], one.payload["started"], one.payload["status"]) for one in live.received()]
    assert len(keys) == len(set(keys))
    assert len(live.received(alert="MlgovReviewOverdue", status="firing")) == 1
    assert verify(live.workspace, ask_anchors=False).ok


def about_credit(live: Live, **said: str) -> list[AuditEntry]:
    return [one for one in live.received(**said) if one.subject == "credit"]


def notifications(live: Live) -> float:
    """How many messages Alertmanager has sent to the webhook, by its own count."""
    with urllib.request.urlopen(f"{live.alertmanager}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith('alertmanager_notifications_total{integration="webhook"}')))


def test_what_was_planted_fires_and_what_was_not_does_not(live: Live) -> None:
    planted = {"MlgovReviewOverdue", "MlgovCanaryUndecided"}
    until(lambda: planted <= firing(live), "what was planted")
    found = firing(live)
    assert found.isdisjoint({"MlgovKilled", "MlgovTrailBroken", "MlgovRecordUnreadable", "MlgovExporterStale", "MlgovNotReady"})


@pytest.mark.parametrize(("shown", "status"), [("", 401), ("Bearer wrong", 401), ("Basic x", 401)])
def test_who_shows_no_secret_writes_nothing(live: Live, shown: str, status: int) -> None:
    before = live.workspace.database.head()[0]
    request = urllib.request.Request(
        live.webhook, data=b'{"version": "4", "alerts": []}', headers={"authorization": shown} if shown else {}
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    assert error.value.code == status
    error.value.close()
    assert live.workspace.database.head()[0] == before


def test_serving_is_scraped_beside_the_record(live: Live) -> None:
    serve(live.meters)
    until(lambda: live.ask('mlgov_ready{model_name="credit"}'), "the replica's own figures")
    assert until(lambda: live.ask("mlgov:model_killed:max"), "the joined switch")[0]["metric"]["model"] == "credit"

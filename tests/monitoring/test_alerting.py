"""What Alertmanager says is hostile text: bounded, shown as text, written once, and never half."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, StorageProblem
from jupyter_mlgov.integrations.serving.bodies import Refused, body_of
from jupyter_mlgov.integrations.serving.telling import MOST, alerts_app
from jupyter_mlgov.monitoring.received import LABELS, LONG, read
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.workspace import Workspace
from jupyter_mlgov.workspace.alerting import Desk, Taken
from jupyter_mlgov.workspace.trail import verify
from tests.loops import in_a_loop_of_its_own
from tests.workspace.gated import Gated
from tests.workspace.watched import house

SECRET = "0123456789abcdef-secret"
START = "2026-11-24T08:00:00.123456789Z"


def alert(**more: Any) -> dict[str, Any]:
    labels = {"alertname": "MlgovMonitorSilent", "model": "credit", "severity": "critical", "watched": "drift"}
    one = {"status": "firing", "labels": labels, "annotations": {"summary": "s"}, "startsAt": START, "endsAt": "0001-01-01T00:00:00Z"}
    return {**one, "generatorURL": "http://p", "fingerprint": "c0ffee", **more}


def message(*alerts: Any, **more: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "trail", "alerts": list(alerts), "truncatedAlerts": 0, **more}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Gated]:
    made = house(tmp_path)
    yield made
    made.close()


def received(workspace: Workspace) -> list[Any]:
    return list(workspace.journal.entries(actions=("alert.received",)))


def test_an_alert_is_one_entry_however_often_it_is_told_and_its_end_another(workspace: Gated) -> None:
    desk = Desk(workspace)
    assert desk.take(message(alert(), alert())) == Taken(recorded=1, known=1)
    assert desk.take(message(alert())) == Taken(recorded=0, known=1)
    assert Desk(workspace).take(message(alert())) == Taken(recorded=0, known=1), "also after a restart"
    ended = alert(status="resolved", endsAt="2026-11-24T09:00:00Z")
    assert desk.take(message(ended, status="resolved")) == Taken(recorded=1, known=0)
    again = alert(startsAt="2026-11-25T08:00:00Z")
    assert desk.take(message(again)) == Taken(recorded=1, known=0)
    other = alert(fingerprint="beef")
    assert desk.take(message(again, other)) == Taken(recorded=1, known=1)
    told = [(one.subject, one.payload["status"], one.payload["ended"]) for one in received(workspace)]
    assert told[:2] == [("credit", "firing", ""), ("credit", "resolved", "2026-11-24T09:00:00.000000Z")]
    assert len(told) == 4
    assert verify(workspace, ask_anchors=False).ok


def test_two_receivers_at_once_write_it_once(workspace: Gated) -> None:
    desks = [Desk(workspace.acting("ana@firm.example")) for _ in range(6)]
    threads = [threading.Thread(target=desk.take, args=(message(alert(), alert(fingerprint="beef")),)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(received(workspace)) == 2


def test_what_it_is_told_moves_no_gate_and_no_traffic(workspace: Gated) -> None:
    from jupyter_mlgov.rollout.serving.field import field

    before = field(workspace.journal.entries(), "credit", "production"), workspace.why("staging", "n.ipynb")
    Desk(workspace).take(message(alert(labels={"alertname": "drift", "model": "credit", "kind": "drift"})))
    assert (field(workspace.journal.entries(), "credit", "production"), workspace.why("staging", "n.ipynb")) == before


def test_what_alertmanager_left_out_is_a_gap_in_the_record(workspace: Gated) -> None:
    Desk(workspace).take(message(alert(), truncatedAlerts=7))
    gaps = [entry.payload["problem"] for entry in workspace.journal.entries(actions=("recording.gap",))]
    assert gaps == ["Alertmanager left 7 alerts out of a message (max_alerts)"]


def test_hostile_labels_are_text(workspace: Gated) -> None:
    bad = "<img src=x onerror=alert(1)>\n'; DROP TABLE log; --\x1b[2J\u202e{actor}%s{{x}}"
    labels = {"alertname": bad, "model": "../../etc", "id": "x", "name": "y", "source": "git", "comment": bad, bad: bad, "lone": "\ud800"}
    Desk(workspace).take(message(alert(labels=labels, fingerprint="\ud800")))
    entry = received(workspace)[0]
    assert entry.subject == "prometheus", "a model that is not on record is nobody's subject"
    assert entry.payload["alert"] == bad
    assert f"comment={bad}" in entry.payload["labels"], "nothing is sealed, filled in or dropped by its name"
    assert "lone=?" in entry.payload["labels"]
    assert "\x1b" not in visible(str(entry))
    assert verify(workspace, ask_anchors=False).ok


def test_there_is_a_most_of_everything(workspace: Gated) -> None:
    labels = {f"l{n}": "x" * 5000 for n in range(500)} | {"alertname": "A" * 5000, "model": "credit"}
    one = read(message(alert(labels=labels))).alerts[0]
    assert (len(one.labels), {len(value) for value in one.labels.values()}) == (LABELS, {LONG, 6})
    assert (one.name, one.model) == ("A" * LONG, "credit")
    with pytest.raises(BadInput, match="at most 1,000"):
        read(message(*[alert()] * 1001))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        {"version": "3", "alerts": []},
        {"version": "4"},
        {"version": "4", "alerts": {}},
        message(None),
        message({"status": "firing"}),
        message(alert(status="maybe")),
        message(alert(startsAt="yesterday")),
        message(alert(startsAt="2026-11-24T08:00:00")),
        message(alert(startsAt=7)),
        message(alert(labels=[])),
        message(alert(), alert(annotations="x")),
    ],
)
def test_what_alertmanager_does_not_send_writes_nothing(workspace: Gated, document: Any) -> None:
    with pytest.raises(BadInput):
        Desk(workspace).take(document)
    assert received(workspace) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from([*alert(), *message()]), inner, max_size=6),
    max_leaves=20,
)


@given(json_values, st.dictionaries(st.sampled_from(list(alert())), json_values))
def test_any_json_is_read_or_refused(document: Any, more: dict[str, Any]) -> None:
    for one in (document, message(document), message(alert(**more))):
        with suppress(BadInput):
            assert all(item.started and item.key for item in read(one).alerts)


# -- the door ---------------------------------------------------------------------------------------------------------


async def _nothing() -> None:
    """No beginning and no end."""


@contextmanager
def door(take: Any) -> Iterator[Any]:
    from starlette.testclient import TestClient

    app = alerts_app(take, secret=SECRET, begin=_nothing, end=_nothing)
    with TestClient(app, headers={"authorization": f"Bearer {SECRET}"}) as client:
        yield client


def test_the_door_answers_each_problem_with_its_status() -> None:
    taken: list[Any] = []

    def take(document: Any) -> dict[str, int]:
        if document == "full":
            raise StorageProblem("The disk is full.")
        if document == "odd":
            raise BadInput("That is odd.")
        taken.append(document)
        return {"recorded": 1, "known": 0}

    with door(take) as client:
        assert client.post("/alerts", json={"a": 1}).json() == {"recorded": 1, "known": 0}
        assert client.post("/alerts", content=b"{").status_code == 400
        assert client.post("/alerts", json="odd").json() == {"error": "That is odd."}
        assert client.post("/alerts", json="full").status_code == 503, "Alertmanager tells again what met a 5xx"
        assert client.post("/alerts", content=b" " * (MOST + 1)).status_code == 413
        assert client.post("/alerts", content=b"x", headers={"content-encoding": "br"}).status_code == 415
        bomb = gzip.compress(b" " * (MOST + 1))
        assert client.post("/alerts", content=bomb, headers={"content-encoding": "gzip"}).status_code == 413
        assert client.post("/alerts", json={}, headers={"authorization": "Bearer no"}).status_code == 401
        assert client.get("/alerts").status_code == 405
        assert client.get("/metrics").status_code == 404
    assert taken == [{"a": 1}]


def test_who_is_not_let_in_is_not_read() -> None:
    """A stranger's body is not even waited for: it could be a long one."""
    with door(lambda _: {}) as client:
        answer = client.post("/alerts", content=b" " * (MOST + 1), headers={"authorization": ""})
    assert answer.status_code == 401


def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    from starlette.requests import Request

    chunks = [{"type": "http.request", "body": b"x" * 600, "more_body": True}] * 3

    async def receive() -> Any:
        return chunks.pop()

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(Refused) as error:
        in_a_loop_of_its_own(body_of(request, 1000))
    assert (error.value.status, len(chunks)) == (413, 1)


def test_a_message_of_a_real_alertmanager_is_read() -> None:
    """As version 0.25 sends it; numbers and names are its own."""
    sent = json.loads(
        '{"receiver":"trail","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"MlgovDrift","model":"credit"},'
        '"annotations":{},"startsAt":"2026-11-24T13:37:39.52Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://h:9090/graph?g0.expr=x",'
        '"fingerprint":"8f2a"}],"groupLabels":{"alertname":"MlgovDrift"},"commonLabels":{"alertname":"MlgovDrift"},"commonAnnotations":{},'
        '"externalURL":"http://h:9093","version":"4","groupKey":"{}:{alertname=\\"MlgovDrift\\"}","truncatedAlerts":0}'
    )
    one = read(sent).alerts[0]
    assert (one.name, one.model, one.started, one.ended) == ("MlgovDrift", "credit", "2026-11-24T13:37:39.520000Z", "")

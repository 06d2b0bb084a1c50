"""Telling people through apprise: a real receiver on loopback, once each, again until taken, and never inside the house unlisted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.core.errors import SystemUnreachable, UsageError
from jupyter_mlgov.integrations.notify import Place, check, places
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace import reviewing
from jupyter_mlgov.workspace.alarms import watch
from tests.workspace.gated import NOTEBOOK, Gated, gated, validated


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent; answers with `status`."""

    taken: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 200
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked.append(self.path)
        if self.status == 200:
            type(self).taken.append(json.loads(body))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]  # an HTTPServer
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def port() -> Iterator[int]:
    Receiver.taken, Receiver.asked, Receiver.status = [], [], 200
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def house(tmp_path: Path, clock: FixedClock, port: int) -> Gated:
    made = gated(tmp_path, clock)
    validated(made)
    clock.advance(timedelta(days=30))  # past the day on which the folder was really made
    return made.acting("ana@firm.example", notify=f"json://127.0.0.1:{port}/secret-path", notify_allow=f"json://127.0.0.1:{port}")


def titles() -> list[str]:
    return [str(one["title"]) for one in Receiver.taken]


def test_warning_alarm_and_escalation_are_told_once_each(house: Gated, clock: FixedClock) -> None:
    number = reviewing.ask(house, NOTEBOOK, "staging").case.number
    for hours, told in ((0, 0), (19, 0), (1, 1), (0, 1), (4, 2), (24, 3), (99, 3)):
        clock.advance(timedelta(hours=hours))
        found = watch(house)
        assert found.problems == ()
        assert len(Receiver.taken) == told
    assert titles() == [f"Review {number} of credit for staging {what}" for what in ("is due soon", "is overdue", "is still not answered")]
    assert "ana" not in str(Receiver.taken)


def test_an_answered_review_is_told_nobody(house: Gated, clock: FixedClock) -> None:
    reviewing.ask(house, NOTEBOOK, "staging")
    house.acting("bob@firm.example").review(NOTEBOOK, "approve", "fine", attests_unchecked=True)
    clock.advance(timedelta(days=9))
    assert watch(house).due == ()
    assert Receiver.taken == []


def test_what_was_not_taken_is_told_again_by_another_process_and_the_address_stands_nowhere(house: Gated, clock: FixedClock) -> None:
    reviewing.ask(house, NOTEBOOK, "staging")
    clock.advance(timedelta(hours=21))
    Receiver.status = 500
    assert len(watch(house).problems) == 1
    house.close()
    Receiver.status = 200
    again = house.acting("ana@firm.example")  # what a later process would open
    assert watch(again).posted == 0
    assert titles() == [t for t in titles() if "is due soon" in t]
    assert len(Receiver.taken) == 1
    assert again.journal.pending() == ()
    assert "secret-path" not in "".join(str(entry.payload) for entry in again.journal.entries())


def test_an_alarm_is_put_into_the_outbox_with_the_act_that_raised_it(house: Gated) -> None:
    house.record(Draft(action="alarm.raised", subject="credit", payload={"kind": "rollback", "problem": "production went back"}))
    assert [parcel.kind for parcel in house.journal.pending()] == ["alarm raised"]
    assert watch(house).problems == ()
    assert titles() == ["rollback: credit"]
    watch(house)
    assert len(Receiver.taken) == 1


def test_one_place_that_is_down_keeps_no_other_waiting(house: Gated, port: int) -> None:
    down = "json://127.0.0.1:1/x"
    both = house.acting("ana", notify=f"{down} json://127.0.0.1:{port}/y", notify_allow="127.0.0.1")
    both.record(Draft(action="alarm.raised", subject="credit", payload={"problem": "p"}))
    assert len(watch(both).problems) == 1
    assert len(Receiver.taken) == 1
    assert [str(parcel.payload["place"]) for parcel in both.journal.pending()] == ["json://127.0.0.1#1"]


def test_a_redirect_is_not_followed(house: Gated) -> None:
    Receiver.status = 302
    house.record(Draft(action="alarm.raised", subject="credit", payload={"problem": "p"}))
    assert len(watch(house).problems) == 1
    assert Receiver.asked == ["/secret-path"]


def test_an_unlisted_loopback_is_refused_and_nothing_is_sent(house: Gated, port: int) -> None:
    other = house.acting("ana", notify=f"json://127.0.0.1:{port}/x", notify_allow="")
    other.record(Draft(action="alarm.raised", subject="credit", payload={"problem": "p"}))
    (problem,) = watch(other).problems
    assert "inside the house" in problem
    assert Receiver.asked == []


@pytest.mark.parametrize(
    ("url", "allow", "addresses", "good"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "", [], True),
        ("jsons://hooks.firm.example/x", "", ["93.184.216.34"], True),
        ("jsons://hooks.firm.example/x", "", ["93.184.216.34", "10.0.0.8"], False),
        ("jsons://hooks.firm.example/x", "", ["169.254.169.254"], False),
        ("jsons://hooks.firm.example/x", "", ["::1"], False),
        ("jsons://hooks.firm.example/x", "", ["::ffff:10.0.0.8"], False),
        ("jsons://hooks.firm.example/x", "jsons://hooks.firm.example", ["10.0.0.8"], True),
        ("jsons://hooks.firm.example/x", "jsons://other.firm.example", ["93.184.216.34"], False),
        ("json://hooks.firm.example/x", "jsons://hooks.firm.example", ["93.184.216.34"], False),
        ("json://hooks.firm.example:8080/x", "json://hooks.firm.example:8081", ["93.184.216.34"], False),
        ("json://0x7f000001/x", "", ["127.0.0.1"], False),
        ("mailto://user:pw@smtp.firm.example", "", ["10.0.0.1"], False),
        ("mailtos://user:pw@mail.firm.example?smtp=127.0.0.1", "", ["127.0.0.1"], False),
        ("syslog://", "", [], False),
        ("json://hooks.firm.example/x?redirect=yes", "hooks.firm.example", [], True),
    ],
)
def test_where_a_message_may_go(url: str, allow: str, addresses: list[str], good: bool) -> None:
    (place,) = places(url)
    if good:
        check(place, allow, lambda _: addresses)
        return
    with pytest.raises(UsageError):
        check(place, allow, lambda _: addresses)


def test_names_hide_what_is_secret_and_count_what_is_alike() -> None:
    found = places("jsons://user:secret@h.example/token, jsons://h.example/other mailto://a:pw@m.example")
    assert [place.name for place in found] == ["jsons://h.example#1", "jsons://h.example#2", "mailto://m.example#1"]
    with pytest.raises(UsageError, match="none that apprise knows"):
        places("carrierpigeon://loft")
    with pytest.raises(SystemUnreachable, match="has no address"):
        check(Place(name="jsons://h.example#1", url="jsons://h.example/x"), "", lambda _: ["not an address"])

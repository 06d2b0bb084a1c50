"""Hostile text, written through every verb that takes words and looked for on every surface: kept as written, shown without effect."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.core.verdicts import Severity
from jupyter_mlgov.reports.html import page
from jupyter_mlgov.reports.why import decision_html, decision_text
from jupyter_mlgov.testing import FixedClock
from jupyter_mlgov.workspace import reviewing, waiving
from jupyter_mlgov.workspace.rollback import Order, roll_back
from jupyter_mlgov.workspace.waiving import Wish
from tests.workspace.gated import NOTEBOOK, Gated, Registry, gated, validated

BOB, CONTROL = "bob@firm.example", "SR26-2.V.2"
TEXTS = {
    "html": "<img src=x onerror=alert(1)><script>hacked()</script><svg/onload=x()>",
    "sql": "x'); DROP TABLE log; UPDATE people SET key = ''; --",
    "formula": '=HYPERLINK("http://evil.example","x")|cmd',
    "yaml": "a: &x [*x]\n--- !!python/object/apply:os.system ['true']",
    "escape": "a\x1b[2J\x1b]0;owned\x07\x9b31mb\x08\x7f",
    "reorder": "abc\u202egnp.exe\u2066\u200b\ufeff\u2028d",
    "markdown": "[x](javascript:alert(1)) `$(touch owned)` **b** | c |\r\n# head",
    "nul": "a\x00b\x00",
}


class Tagged(Registry):
    """Remembers the tags it was given."""

    seen: list[Mapping[str, str]] = []  # noqa: RUF012 # one list for all that act in the folder

    def point(self, model: str, stage: str, version: str, tags: Mapping[str, str]) -> None:
        self.seen.append(tags)
        super().point(model, stage, version, tags)


class Tags(HTMLParser):
    """The elements of a page, and the handlers among their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.handlers += [name for name, value in attrs if name.startswith("on") or (value or "").strip().lower().startswith("javascript:")]


def unseen(text: str) -> list[str]:
    """What a terminal would obey or hide."""
    return [f"{ord(letter):x}" for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def written(house: Gated, text: str) -> None:
    """The text as every word that people can write."""
    number = reviewing.ask(house, NOTEBOOK, "staging").case.number
    bob = house.acting(BOB)
    reviewing.claim(bob, number)
    reviewing.say(bob, number, "question", text)
    reviewing.say(house, number, "answer", text)
    bob.review(NOTEBOOK, "refuse", text, attests_unchecked=False)
    asked = waiving.ask(house, NOTEBOOK, Wish(waives="fair.air", reason=text, limit=text, until="2026-12-24"))
    waiving.answer(bob, NOTEBOOK, asked.number, "approve", text)
    other = waiving.ask(house, NOTEBOOK, Wish(waives="perf.discrim", reason=text, limit=text, until="2026-12-24"))
    waiving.answer(bob, NOTEBOOK, other.number, "refuse", text)
    questions = [one.id for one in house.questions(CONTROL, NOTEBOOK).questions]
    house.answer(CONTROL, {name: "yes" if name == "holds" else f"{text} is what we did about {name}" for name in questions}, NOTEBOOK)
    assert reviewing.find(house, number).case.talk[0].text == text, "kept as it was written"


def shown(house: Gated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a verb prints, on both streams."""
    from jupyter_mlgov.cli import main

    monkeypatch.setattr(sys, "argv", ["mlgov", *words, "--workspace", str(house.root)])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return told.out + told.err


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_text_is_kept_as_written_and_has_no_effect_anywhere(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXTS[kind]
    monkeypatch.setattr("tests.workspace.gated.Registry", Tagged)
    house = gated(tmp_path, FixedClock())
    validated(house, Severity.HIGH)
    written(house, text)
    decision = house.promote("staging", NOTEBOOK)
    assert "refused" in [reason.code for reason in decision.reasons]
    report = house.report(NOTEBOOK)
    assert report

    def told(*words: str) -> str:
        return shown(house, monkeypatch, capsys, *words)

    terminal = [told("review", "queue", "--all"), told("waive"), told("status"), told("why"), told("report"), told("audit", "log")]
    terminal += [told("audit", "replay"), told("answer", CONTROL, "--show"), decision_text(decision), str(house.audit())]
    terminal += [told("rollback", text.replace("\x00", ""), "-m", "x"), told("audit", "bundle", text.replace("\x00", ""))]
    for output in terminal:
        assert unseen(output) == []
    for words in (("review", "queue", "--all"), ("waive",), ("status",), ("audit", "log")):
        output = told(*words, "--format", "json")
        json.loads(output)
        assert unseen(output) == []
    pages = [page(report, house.context(report, NOTEBOOK)), decision_html(decision)]
    pages += [told("report", "credit@1", "--for", "validator", "--format", "html")]
    for body in pages:
        tags = Tags()
        tags.feed(body)
        assert not tags.names & {"img", "script", "iframe"}, tags.names
        assert tags.handlers == []
    rows = list(csv.reader(io.StringIO(told("report", "credit@1", "--document", "matrix", "--format", "csv"))))
    assert [item for row in rows for item in row if item.lstrip()[:1] in tuple("=+-@\t\r")] == []
    assert "[x](javascript:" not in told("report", "credit@1", "--for", "validator", "--format", "md")
    assert house.audit().ok, "no statement in a text was ever run"


@pytest.mark.parametrize("kind", TEXTS)
def test_the_reason_of_a_rollback_reaches_mlflow_as_one_plain_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.promotion.test_intended import decided

    monkeypatch.setattr("tests.workspace.gated.Registry", Tagged)
    Tagged.seen.clear()
    house = gated(tmp_path, FixedClock())
    house.record(decided("1"), decided("2"))
    receipt = roll_back(house, Order(model="credit", stage="production", reason=TEXTS[kind]))
    assert (receipt.outcome, receipt.reason) == ("done", TEXTS[kind])
    (tags,) = Tagged.seen
    assert tags["mlgov.production.why"]
    assert [unseen(value) for value in tags.values()] == [[]] * len(tags)
    with pytest.raises(UsageError, match="says nothing"):
        roll_back(house, Order(model="credit", stage="production", reason=" \u202e "))

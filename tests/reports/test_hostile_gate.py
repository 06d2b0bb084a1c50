"""Hostile text in every field of a gate's answer is text on the page: no element of its own, no handler, nothing left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.promotion.facts import Answer, Decision, Reason
from jupyter_mlgov.reports.why import decision_html, why_html
from jupyter_mlgov.testing import digest

EVIL = "<b onclick=steal()>x</b><script>hacked()</script>"
REASON = Reason(code="approvals", sentence="one is missing", next="ask somebody")
PLAIN = Decision(
    model="credit",
    version="1",
    stage="staging",
    answer=Answer.REFUSED,
    reasons=(REASON,),
    report=digest("r"),
    team=digest("t"),
    asked_by=Actor(id="ana", source="git"),
)


class Page(HTMLParser):
    """Elements with their attributes, and the text a reader sees."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def whole(decision: Decision) -> str:
    return decision_html(decision)


def listed(decision: Decision) -> str:
    return why_html(decision, decision.reasons)


@pytest.mark.parametrize(
    ("field", "view"),
    [
        (replace(PLAIN, model=EVIL), whole),
        (replace(PLAIN, model=EVIL), listed),
        (replace(PLAIN, stage=EVIL), whole),
        (replace(PLAIN, stage=EVIL), listed),
        (replace(PLAIN, reasons=(replace(REASON, sentence=EVIL),)), whole),
        (replace(PLAIN, reasons=(replace(REASON, sentence=EVIL),)), listed),
        (replace(PLAIN, reasons=(replace(REASON, next=EVIL),)), whole),
        (replace(PLAIN, reasons=(replace(REASON, next=EVIL),)), listed),
        (replace(PLAIN, notes=(EVIL,)), whole),
        (replace(PLAIN, asked_by=Actor(id="ana", source="git", name=EVIL)), whole),
    ],
    ids=lambda value: "" if isinstance(value, Decision) else value.__name__,
)
def test_what_people_wrote_is_shown_as_they_wrote_it_and_is_no_markup(field: Decision, view: Callable[[Decision], str]) -> None:
    clean, page = Page(view(PLAIN)), Page(view(field))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in clean.elements} | {"p", "code"}
    assert not [name for _, names in page.elements for name in names if name.startswith("on")]
    assert "hacked()" in page.text, "a field that is left out would pass, too"
    assert "<script>" in page.text

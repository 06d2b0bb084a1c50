"""The model card: a YAML head that parses, Markdown in which foreign text is text, no names, and what is missing said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.reports.machine.card import md, model_card


def head(card: str) -> Any:
    _, yaml_, rest = card.split("---\n", 2)
    assert rest
    return yaml.safe_load(yaml_)


def test_the_head_says_what_hugging_face_reads(made: SimpleNamespace) -> None:
    found = head(model_card(made.dossier_facts()))
    assert found["model_name"] == "credit-approval@3"
    (index,) = found["model-index"]
    (result,) = index["results"]
    assert set(result) == {"task", "dataset", "metrics"}
    assert result["metrics"] == [{"type": "auc", "value": 0.7841}]


def test_the_card_says_what_failed_what_is_missing_and_names_nobody(made: SimpleNamespace) -> None:
    card = model_card(made.dossier_facts())
    assert "| Adverse impact ratio | failed |" in card
    assert "Missing: nobody wrote it" in card
    assert r"- SR26\-2\.III\.3" in card
    assert "Ada" not in card
    assert "No report on this version" in model_card(replace(made.dossier_facts(), report=None))


def test_a_hostile_name_breaks_neither_head_nor_text(made: SimpleNamespace) -> None:
    card = model_card(made.dossier_facts(made.hostile(), model=f"---\n{made.NASTY}\n---", version=""))
    assert head(card)["model_name"].startswith("--- <script>")
    body = card.split("---\n", 2)[2]
    assert "<script" not in body
    assert "![" not in body


@pytest.mark.parametrize(
    "text", ["[a](javascript:alert(1))", "![x](http://x)", "# head", "<b>", "&lt;", "a|b", "`code`", "http://x", "**b**", "- a"]
)
def test_nothing_is_read_as_markdown(text: str) -> None:
    made = md(text)
    assert "<" not in made
    for sign in "[](){}`*#|!:-":
        assert made.count(sign) == made.count("\\" + sign)


@given(text=st.text(max_size=60))
def test_any_text_stays_on_its_line(text: str) -> None:
    assert "\n" not in md(text)

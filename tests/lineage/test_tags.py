"""The grammar of step tags: what it takes, what it refuses, and what its sentence says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.lineage.facts import KINDS, Step
from jupyter_mlgov.lineage.tags import BadTag, parse_tag, step_of

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@given(st.sampled_from(KINDS), st.one_of(st.just(""), NAMES))
def test_a_step_and_its_tag_say_the_same(kind: str, name: str) -> None:
    step = Step(kind=kind, name=name)
    assert parse_tag(str(step)) == step


@given(st.text())
def test_any_text_is_a_step_foreign_or_a_bad_tag_and_nothing_else(text: str) -> None:
    try:
        step = parse_tag(text)
    except BadTag:
        assert text.lower().strip().startswith("mlgov")
    else:
        assert step is None or str(step) == text


@pytest.mark.parametrize("tag", ["parameters", "hide-input", "", "raises-exception", "mlgovernance", "x:mlgov:train", "mlgov-train"])
def test_tags_of_others_are_left_alone(tag: str) -> None:
    assert parse_tag(tag) is None


@pytest.mark.parametrize(
    "tag",
    [
        "mlgov:",
        "mlgov:trian",
        "mlgov:Train",
        "mlgov:train:",
        "mlgov:train:a b",
        "mlgov:train:a:b",
        "mlgov",
        "MLGOV:train",
        "mlgov :train",
        "mlgov:train:" + "x" * 65,
    ],
)
def test_a_wrong_grammar_says_which_cell_and_what_was_expected(tag: str) -> None:
    with pytest.raises(BadTag) as refused:
        step_of(["parameters", tag], "cell [4]")
    assert str(refused.value).startswith("Cell [4] has the tag")
    assert "mlgov:KIND" in str(refused.value) and "evaluate" in str(refused.value)


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(BadTag, match="Did you mean `mlgov:train`"):
        parse_tag("mlgov:trian")


def test_a_cell_is_one_step() -> None:
    assert step_of(["mlgov:train", "x", "mlgov:train"]) == Step(kind="train")
    with pytest.raises(BadTag, match="two step tags"):
        step_of(["mlgov:train", "mlgov:data"], "cell [2]")

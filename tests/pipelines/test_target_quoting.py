"""Words that nobody has chosen come out of shells, cron, Kubernetes, Argo, Jinja, GitHub and YAML as they went in."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.pipelines.targets import quoting

HOSTILE = (
    'it\'s 100% "ok" $(touch x) `id` ${{ secrets.X }} {{workflow.uid}} {% if %} {# ü \\ $$ \\% -n',
    "yes",
    "1e3",
    "-p",
    "",
    "é\u2028x",
    "null",
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
signs = st.text("{}%#$()`'\"\\ \n=a&|;<>*?~!", max_size=12)
words = st.lists(st.one_of(texts, signs), min_size=1, max_size=4)


def read_by_sh(line: str) -> list[str]:
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=60, deadline=None)
@given(words)
@example(list(HOSTILE))
def test_a_templated_line_has_nothing_to_fill_in_and_the_same_words(words: list[str]) -> None:
    line = quoting.templated_shell(words)
    assert not re.search(r"\{[{%#]", line)
    assert read_by_sh(line) == words


def expanded_by_kubernetes(text: str) -> str:
    """third_party/forked/golang/expansion of Kubernetes, with every name known."""
    found, place = "", 0
    while place < len(text):
        if text[place] == "$" and place + 1 < len(text):
            following = text[place + 1]
            if following == "$":
                found, place = found + "$", place + 2
                continue
            if following == "(" and ")" in text[place:]:
                found, place = found + "EXPANDED", text.index(")", place) + 1
                continue
        found, place = found + text[place], place + 1
    return found


@given(st.one_of(texts, signs))
@example("$(MLGOV_DATABASE_URL) $$ $")
def test_kubernetes_fills_in_nothing(text: str) -> None:
    assert expanded_by_kubernetes(quoting.kubernetes(text)) == text


@given(st.one_of(texts, st.text("${} '", max_size=12)))
@example("${{ secrets.MLGOV_DATABASE_URL }} ${{${{")
def test_github_evaluates_nothing_but_our_openers(text: str) -> None:
    quoted = quoting.github(text)
    assert "${{" not in quoted.replace("${{ '${{' }}", "\x00")
    assert re.sub(r"\$\{\{ '(\$\{\{)' \}\}", r"\1", quoted) == text


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts, st.one_of(texts, st.integers(-(2**53), 2**53), st.booleans(), st.none()), min_size=1, max_size=4))
@example(dict.fromkeys(HOSTILE, "off") | {"on": "0o7", "x": "12:30:45", "y": "=", "z": "line\nline\n", "w": " a\n\tb", "v": "2026-01-01"})
def test_old_and_new_yaml_read_what_was_put_in(value: dict[str, object]) -> None:
    from ruamel.yaml import YAML

    text = quoting.yaml_text(value)
    assert yaml.safe_load(text) == value
    assert YAML(typ="safe", pure=True).load(text) == value


@given(st.one_of(st.lists(texts, max_size=4), st.dictionaries(texts, texts, max_size=3)))
@example(list(HOSTILE))
def test_words_in_json_hide_from_every_template(value: object) -> None:
    text = quoting.as_json(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not re.search(r"[{}$%]", text[1:-1])


@given(names, names)
@example("a b", "a-b")
@example("Train", "train")
@example("x" * 80, "x" * 81)
def test_a_slug_is_a_dns_label_and_different_names_stay_different(one: str, other: str) -> None:
    for name in (one, other):
        assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", quoting.slug(name))
        assert len(quoting.slug(name)) <= 40
    assert (quoting.slug(one) == quoting.slug(other)) == (one == other)


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\x1b[0m", "\udc80", "a\x7f"])
def test_a_name_with_control_characters_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="cannot carry"):
        quoting.check_text("The notebook", text)


def test_a_long_word_with_an_odd_end_is_read_once() -> None:
    """Not once for each way to cut it into words: of forty letters there are half a billion."""
    assert yaml.safe_load(quoting.yaml_text({"name": "a" * 5000 + "."})) == {"name": "a" * 5000 + "."}

"""priv.special beyond columns: what features give away, notes, outputs, source and names of files."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.sdk import Subject, Text, Verdict
from mlgov_validators.special import special_categories
from mlgov_validators.special_phrases import PHRASES, said

from .conftest import Make, judged

TELLS = [
    ("religion: catholic", "religious or philosophical beliefs"),
    ('{"race": "black"}', "racial or ethnic origin"),
    ("ethnicity = 'Hispanic'", "racial or ethnic origin"),
    ("Diagnosis F32.1", "health"),
    ("ICD-10: E11.9", "health"),
    ("HIV-positive", "health"),
    ("leidet an Asthma", "health"),
    ("Konfession: evangelisch", "religious or philosophical beliefs"),
    ("Partei = SPD", "political opinions"),
    ("sexual orientation: gay", "sex life or sexual orientation"),
    ("union member: yes", "trade union membership"),
    ("previously convicted", "criminal convictions"),
]
SAYS_NOTHING = [
    "religion", 'df[df.race == "black"]', "race: 5 km", "the race was won by a black horse", "protected=('race', 'white')",
    "party: 12 people", "health score 0.9", "diagnosis of the model: overfitting", "union of sets", "dtype: float32 F32",
    "orientation: left", "black: formatter", "religion: unknown", "race condition", "conservative estimate: liberal limits",
]  # fmt: skip


@pytest.mark.parametrize(("text", "category"), TELLS)
def test_a_category_beside_a_value_is_told(text: str, category: str) -> None:
    assert [found for found, _ in said(f"note: {text}; end")] == [category]


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_a_word_alone_or_a_comparison_is_not(text: str) -> None:
    assert said(text) == []


@given(st.sampled_from([text for text, _ in TELLS] + SAYS_NOTHING), st.text(max_size=6), st.text(max_size=6))
def test_the_datas_engine_sees_what_python_sees(text: str, before: str, after: str) -> None:
    whole = f"{before}{text}{after}"
    if whole.isprintable():
        engine = any(pc.match_substring_regex(pa.array([whole]), pattern)[0].as_py() for pattern in PHRASES.values())
        assert engine == bool(said(whole))


def features(table: Make, **more: object) -> Subject:
    groups = ["a", "b"] * 200
    columns = {"religion": groups, "x": [float(one == "a") + number % 3 for number, one in enumerate(groups)], "noise": list(range(400))}
    columns["tells"] = [f"shop {one}" for one in groups]
    return replace(table(columns, features=("x", "noise", "tells"), protected=()), **more)  # type: ignore[arg-type]  # fields by name


def test_a_feature_that_gives_a_special_column_away_is_named_until_somebody_speaks(table: Make) -> None:
    result = judged(special_categories, features(table))
    (found,) = [one for one in result.findings if one.where == "tells"]
    assert (found.verdict, found.measured) == (Verdict.WARN, 1.0)
    assert "personal.inferred" in found.fix
    assert not any(one.where == "noise" for one in result.findings)
    spoken = features(table, register={"personal": {"not_special": {"tells": "the branch, looked at by compliance on 2 November"}}})
    assert not any(one.where == "tells" for one in judged(special_categories, spoken).findings)
    declared = features(table, register={"personal": {"inferred": {"tells": "religious or philosophical beliefs"}}})
    assert judged(special_categories, declared).verdict is Verdict.FAIL, "an inferred category among the features needs its ground"


def test_notes_are_counted_with_an_interval_and_never_shown(table: Make) -> None:
    notes = [f"called {number}" for number in range(300)]
    notes[:3] = ["diagnosis F32.1", "religion: muslim", "Diagnose: E11"]
    (found, other) = [
        one
        for one in judged(special_categories, table({"memo": notes, "x": list(range(300))}, features=("x",))).findings
        if one.where == "memo"
    ]
    assert {found.measured, other.measured} == {2 / 300, 1 / 300}
    assert found.interval is not None
    assert "F32" not in found.message + other.message


def test_outputs_source_and_names_of_files_are_looked_at(table: Make) -> None:
    texts = (
        Text(where="output of cell [3]", content="row 1\nreligion: catholic", kind="output", path="n.ipynb", cell=3),
        Text(where="cell [4]", content="x = 1", kind="code", path="hiv positive.ipynb", cell=4),
    )
    given_ = replace(table({"x": [1, 2]}, features=("x",)), texts=texts)
    given_ = replace(given_, ref=replace(given_.ref, kind="model", notebook="n.ipynb"))
    result = judged(special_categories, given_)
    told = [one.message for one in result.findings if one.verdict is Verdict.WARN]
    assert told == [
        "Output of cell [3], line 2 tells once of a person's religious or philosophical beliefs. Clear it.",
        "The name of a file tells of a person's health. Rename it.",
    ]

"""What a `parameters` cell declares, and what may be given for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.pipelines.declarations import Declaration
from jupyter_mlgov.pipelines.parameters import Parameter, check, declared, parse_values

CELL = """\
%matplotlib inline
data_file: str = "data/loanapp.parquet"
folds: int = 5  # 2..20
strength: float = 1.0
fast = False
protected: list[str] = ["white"]
limit: int | None = None
when: "Optional[str]" = None
home = os.environ["HOME"]  # computed
a, b = 1, "two"
"""


def test_names_defaults_types_and_comments_are_read() -> None:
    found = {one.name: one for one in declared(CELL)}
    assert list(found) == ["data_file", "folds", "strength", "fast", "protected", "limit", "when", "home", "a", "b"]
    assert found["folds"] == Parameter(name="folds", default=5, kinds=("int",), comment="2..20", declares=Declaration(low=2, high=20))
    assert found["fast"].kinds == ("bool",)
    assert found["protected"].kinds == ("list",)
    assert found["limit"].kinds == ("int", "None")
    assert found["when"].kinds == ("str", "None")
    assert found["home"] == Parameter(name="home", literal=False, comment="computed")
    assert (found["a"].default, found["b"].default) == (1, "two")


def test_a_name_assigned_twice_counts_as_it_ends() -> None:
    assert declared("x = 1\ny = 2\nx = 'three'") == (
        Parameter(name="y", default=2, kinds=("int",)),
        Parameter(name="x", default="three", kinds=("str",)),
    )


def test_a_parameters_cell_that_is_not_python_is_said_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"not valid Python \(line 2"):
        declared("x = 1\ny = = 2")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'No parameter "fold". Did you mean "folds"[?] Known: .*folds'):
        check({"fold": 3}, declared(CELL))


def test_without_a_parameters_cell_every_name_is_unknown() -> None:
    with pytest.raises(UsageError, match=r'No parameter "x". Known: none. .*tagged `parameters`'):
        check({"x": 3}, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("folds", 5.0),
        ("folds", True),
        ("folds", "5"),
        ("folds", None),
        ("strength", "1"),
        ("strength", True),
        ("fast", 1),
        ("data_file", 3),
        ("protected", "white"),
        ("limit", "x"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    expected = {"folds": "int", "strength": "float", "fast": "bool", "data_file": "str", "protected": "list", "limit": "int or None"}[name]
    with pytest.raises(UsageError, match=f'"{name}" cannot be .* Expected {expected}'):
        check({name: value}, declared(CELL))


@pytest.mark.parametrize(
    ("name", "value"), [("strength", 2), ("limit", None), ("limit", 4), ("when", None), ("home", object), ("protected", ("a", "b"))]
)
def test_what_fits_is_taken_as_it_is(name: str, value: object) -> None:
    assert check({name: value}, declared(CELL)) == {name: value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("folds=7", 7),
        ("strength=2", 2.0),
        ("strength=1e-3", 0.001),
        ("fast=true", True),
        ("fast=No", False),
        ("data_file=7", "7"),
        ("data_file=a=b", "a=b"),
        ('protected=["a", "b"]', ["a", "b"]),
        ("protected=['a']", ["a"]),
        ("limit=none", None),
        ("limit=3", 3),
        ("when=null", None),
        ("when=today", "today"),
        ("home=/tmp", "/tmp"),
    ],
)
def test_text_is_read_by_the_declared_type(text: str, value: object) -> None:
    found = parse_values([text], declared(CELL))
    assert list(found.values()) == [value]
    assert type(next(iter(found.values()))) is type(value)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["folds"], "sets no parameter. Expected NAME=VALUE"),
        (["=3"], "sets no parameter"),
        (["folds=3", "folds=2"], "given twice"),
        (["folds=many"], "\"folds\" cannot be 'many' .*Expected int from 2 to 20, for instance 5"),
        (["folds=5.5"], "Expected int"),
        (["fast=2"], "Expected bool"),
        (["protected=white"], "Expected list"),
        (["fold=3"], 'Did you mean "folds"'),
        (["strength=-1e400"], "\"strength\" cannot be '-1e400'"),
    ],
)
def test_text_that_cannot_be_read_is_refused(texts: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        parse_values(texts, declared(CELL))


def test_a_dict_as_a_saved_notebook_holds_it_is_a_dict() -> None:
    """papermill keeps given values in the notebook, whose dicts are of a kind of their own: every run with one was refused."""
    given = {"options": NotebookNode({"a": NotebookNode({"b": [1, 2]})})}
    assert check(given, declared('options = {"a": 1}')) == given


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(default=json_values)
def test_a_default_always_fits_its_own_declaration(default: object) -> None:
    found = declared(f"x = {default!r}".replace("inf", "1e999"))
    assert check({"x": default}, found) == {"x": default}


@given(st.text())
def test_any_source_is_declared_or_refused_with_a_sentence(source: str) -> None:
    try:
        declared(source)
    except BadInput as error:
        assert "`parameters` cell" in str(error)  # noqa: PT017  # either answer is right; only a traceback is wrong


@pytest.mark.parametrize(
    ("line", "good", "bad", "told"),
    [
        ("n: int = 100  # 1..1000", ("1", "1000"), ("0", "1001"), "int from 1 to 1000"),
        ("share = 0.5  # of the rows, > 0, <= 1", ("1", "1e-9"), ("0", "1.1", "nan"), "float above 0 to 1"),
        ("wait = 3  # 0.. [s]", ("0", "10"), ("-1",), "int of 0 or more in s"),
        ('kind: Literal["a", "b"] = "a"', ("b",), ("c", "A"), "str: 'a' or 'b'"),
        ('loss = "l1"  # l1|l2', ("l2",), ("l3",), "str: 'l1' or 'l2'"),
        ("depth = 4  # 1|2|4", ("2",), ("3",), "int: 1 or 2 or 4"),
        ("sizes = [1, 2]  # 1..9", ("[9]",), ("[1, 10]",), "list from 1 to 9"),
    ],
)
def test_bounds_choices_and_units_are_declared_beside_a_parameter(
    line: str, good: tuple[str, ...], bad: tuple[str, ...], told: str
) -> None:
    (one,) = declared(line)
    assert one.expected == told
    for text in good:
        parse_values([f"{one.name}={text}"], [one])
    for text in bad:
        with pytest.raises(UsageError, match="cannot be"):
            parse_values([f"{one.name}={text}"], [one])


@pytest.mark.parametrize(
    "line",
    ["n = 2  # keep > 3 months of history", "n = 5  # see 1..3 of the manual, please", "s = 'x'  # a|b or so", "n = 5  # and so on..."],
)
def test_prose_declares_nothing(line: str) -> None:
    assert not declared(line)[0].declares.bounded


def test_a_default_outside_of_its_own_bounds_is_refused() -> None:
    with pytest.raises(BadInput, match=r"`n` has the default 0, which its own declaration \(`1\.\.9`\) does not allow"):
        declared("n = 0  # 1..9")


def test_a_secret_is_marked_and_never_shown() -> None:
    marked, named, plain = declared("key: str = ''  # secret\napi_token = ''\nn = 1")
    assert marked.secret and named.secret and not plain.secret
    with pytest.raises(UsageError) as told:
        check({"key": 12345}, [marked])
    assert "12345" not in str(told.value)

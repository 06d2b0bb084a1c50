"""Our canonical JSON against the `rfc8785` package, byte for byte."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.canonical import NotCanonical, canonical_json

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


@settings(max_examples=500, deadline=None)
@given(values)
def test_every_value_has_the_bytes_that_rfc8785_gives_it(value: object) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON values by construction


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(
        st.text("ab\u00e9\ue000\U0001f600", max_size=3),
        st.floats(1e-7, 1e22) | st.sampled_from([1e-4, 9.9e-5, 1e16, 1e15 + 0.5, 1.0, -0.0, 0.1]),
    )
)
def test_the_quick_writer_takes_over_nowhere_it_would_differ(value: dict[str, float]) -> None:
    """Keys that sort differently as UTF-16, and floats around every border of the two notations."""
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {"a": {1: 2}}, {"a": "\ud800"}, b"x", {1, 2}])
def test_what_neither_can_carry_is_refused(value: object) -> None:
    if value == 2**53:  # a double carries it, and ECMAScript writes it so; rfc8785 is stricter than the RFC
        assert canonical_json(value) == b"9007199254740992"
        return
    with pytest.raises(NotCanonical):
        canonical_json(value)

"""The backward slice of a value: the cells it rests on, no others, and a digest that knows a comment from a constant."""

from __future__ import annotations

import pytest

from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.lineage.slices import backward_slice

CELLS = [
    ("imports", "import math"),
    ("limit", "LIMIT = 2"),
    ("other", "colour = 'red'"),
    ("f", "def clip(x):\n    return min(x, LIMIT)"),
    ("data", "xs = [1, 2, 3]\nunused = 7"),
    ("grow", "ys = xs\nys.append(4)"),
    ("use", "total = sum(clip(x) for x in xs)"),
    ("shown", "print(colour)"),
]


def edited(cell: str, source: str) -> list[tuple[str, str]]:
    return [(one, source if one == cell else text) for one, text in CELLS]


def test_a_slice_has_the_cells_it_rests_on_through_functions_and_aliases() -> None:
    assert backward_slice(CELLS, "total").cells == ("limit", "f", "data", "grow", "use")
    assert backward_slice(CELLS, "colour").cells == ("other",)


@pytest.mark.parametrize(
    ("cell", "source", "same"),
    [
        ("limit", "LIMIT = 2  # at most", True),
        ("f", "def clip( x ):\n\n  return min( x,\n LIMIT )", True),
        ("data", "xs = [1, 2, 3]\nunused = 8", True),
        ("other", "colour = 'blue'", True),
        ("limit", "LIMIT = 3", False),
        ("f", "def clip(x):\n    return max(x, LIMIT)", False),
        ("grow", "ys = xs\nys.append(5)", False),
    ],
)
def test_a_comment_or_layout_keeps_the_digest_and_a_constant_changes_it(cell: str, source: str, same: bool) -> None:
    before, after = backward_slice(CELLS, "total"), backward_slice(edited(cell, source), "total")
    assert (before.digest == after.digest) is same
    assert before.digest.startswith("sha256:")


def test_a_name_nobody_makes_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "total"'):
        backward_slice(CELLS, "totl")

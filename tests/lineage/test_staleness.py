"""Edited notebook pairs, each really run: the cells told are exactly those whose output or values differ, and no needless "all"."""

from __future__ import annotations

import contextlib
import io
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlgov.lineage.staleness import Because, cells_to_rerun


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An edit. Cells are separated by lines of `---`; `to` maps a cell's number (from 1) to its new text, None deletes it.

    `changed`, `restore`: the cells told. `spare`: cells told though they give the same, which the source alone cannot show.
    """

    story: str
    cells: str
    to: dict[int, str | None]
    changed: set[int]
    restore: set[int] = frozenset()  # type: ignore[assignment]  # a set that nobody changes
    spare: set[int] = frozenset()  # type: ignore[assignment]  # as above
    before: dict[int, str] = None  # type: ignore[assignment]  # new cells: number -> text, put above that cell


TABLE = """import pandas as pd
---
df = pd.DataFrame({'a': [3, 1, 2], 'b': [1.0, None, 3.0]})
---
df['c'] = df['a'] * 2
---
print(df['b'].isna().sum())
---
print(df['c'].sum())
---
total = df['c'].max() + df['a'].min()
---
print(total)
---
print(df.shape)"""

FUNCTIONS = """LIMIT = 2
---
def clip(x):
    return min(x, LIMIT)
---
def twice(x):
    return 2 * clip(x)
---
small = [clip(v) for v in range(4)]
---
print(small)
---
print(twice(9))
---
print('nothing to do with it')"""

PAIRS = [
    Pair(story="a comment and another layout", cells=TABLE, to={3: "# twice\ndf['c'] = (df[ \"a\" ]\n   * 2)"}, changed=set()),
    Pair(story="a changed constant in one column", cells=TABLE, to={3: "df['c'] = df['a'] * 3"}, changed={3, 5, 6, 7, 8}, spare={8}),
    Pair(
        story="a changed table",
        cells=TABLE,
        to={2: "df = pd.DataFrame({'a': [3, 1, 9], 'b': [1.0, None, None]})"},
        changed={2, 3, 4, 5, 6, 7, 8},
        spare={8},
    ),
    Pair(story="a cell that only prints", cells=TABLE, to={5: "print('c', df['c'].sum())"}, changed={5}),
    Pair(story="a deleted column cell", cells=TABLE, to={3: None, 5: None, 6: None, 7: None}, changed={4}, restore={2}),
    Pair(story="a function is defined anew", cells=FUNCTIONS, to={2: "def clip(x):\n    return max(x, LIMIT)"}, changed={2, 4, 5, 6}),
    Pair(
        story="a docstring's indentation",
        cells="def f():\n    '''Does\n      it.'''\n    return 1\n---\nprint(f())",
        to={1: "def f():\n    '''Does it.'''\n    return 1"},
        changed=set(),
    ),
    Pair(story="a constant that a function reads when it is called", cells=FUNCTIONS, to={1: "LIMIT = 1"}, changed={1, 4, 5, 6}),
    Pair(story="a function calls another, which changes", cells=FUNCTIONS, to={3: "def twice(x):\n    return 3 * clip(x)"}, changed={3, 6}),
    Pair(
        story="another import under the same name",
        cells="from math import floor as r\n---\nprint(r(2.5))\n---\nprint(1)",
        to={1: "from math import ceil as r"},
        changed={1, 2},
    ),
    Pair(story="an import more", cells="import math\n---\nprint(math.pi)", to={1: "import math\nimport json"}, changed={1}),
    Pair(
        story="a shadowed built-in",
        cells="x = [1, 2]\n---\nprint(len(x))\n---\nprint(sum(x))",
        to={},
        before={2: "len = sum"},
        changed={2, 3},
    ),
    Pair(
        story="a name bound again between",
        cells="x = 1\n---\ny = x\n---\nx = 5\n---\nprint(x)\n---\nprint(y)",
        to={1: "x = 2"},
        changed={1, 2, 5},
        restore={3},
    ),
    Pair(
        story="a deleted cell had hidden an earlier value",
        cells="x = 1\n---\nx = 2\n---\nprint(x)\n---\nprint('z')",
        to={2: None},
        changed={2},
        restore={1},
    ),
    Pair(
        story="a list is changed in place through another name",
        cells="a = [1]\n---\nb = a\n---\nb.append(2)\n---\nprint(a)\n---\nprint(7)",
        to={3: "b.append(3)"},
        changed={3, 4},
        restore={1, 2},
    ),
    Pair(
        story="a chain of changes in place",
        cells="a = []\n---\na.append(1)\n---\na.append(2)\n---\nprint(a)",
        to={3: "a.append(9)"},
        changed={3, 4},
        restore={1, 2},
    ),
    Pair(
        story="sorted in place below a reader",
        cells="a = [2, 1]\n---\nprint(a)\n---\na.sort()\n---\nprint(a[0])",
        to={2: "print(a, len(a))"},
        changed={2},
        restore={1, 3},
    ),
    Pair(story="a renamed variable", cells="n = 3\n---\nprint(n)\n---\nprint(4)", to={1: "count = 3", 2: "print(count)"}, changed={1, 2}),
    Pair(
        story="an inserted cell that changes a table",
        cells=TABLE,
        to={},
        before={4: "df = df.dropna()"},
        changed={4, 5, 6, 7, 8, 9},
    ),
    Pair(story="an inserted cell that only looks", cells=TABLE, to={}, before={4: "df.describe()"}, changed={4}),
    Pair(
        story="a seed is changed",
        cells="import random\n---\nrandom.seed(1)\n---\nxs = [random.random() for _ in range(3)]\n---\nprint(xs)\n---\nprint('else')",
        to={2: "random.seed(2)"},
        changed={2, 3, 4},
    ),
    Pair(
        story="one more draw between",
        cells="import numpy as np\nnp.random.seed(0)\n---\na = np.random.rand()\n---\nb = np.random.rand()\n---\nprint(a)\n---\nprint(b)",
        to={2: "a = np.random.rand(2)"},
        changed={2, 3, 4, 5},
        restore={1},
    ),
    Pair(
        story="a file that one cell writes and another reads",
        cells="with open('made.txt', 'w') as f:\n    _ = f.write('1')\n---\n"
        "with open('made.txt') as g:\n    text = g.read()\n---\nprint(text)\n---\n"
        "with open('other.txt', 'w') as h:\n    print(h.write('x'))",
        to={1: "with open('made.txt', 'w') as f:\n    _ = f.write('2')"},
        changed={1, 2, 3},
    ),
    Pair(
        story="a file through a path that has a name",
        cells="from pathlib import Path\nwhere = Path('named.txt')\n---\n"
        "_ = where.write_text('1')\n---\nprint(Path('named.txt').read_text())\n---\nprint(3)",
        to={2: "_ = where.write_text('2')"},
        changed={2, 3},
    ),
    Pair(
        story="a class and its object",
        cells="class C:\n    k = 1\n    def get(self):\n        return self.k\n---\no = C()\n---\nprint(o.get())\n"
        "---\nC.k = 5\n---\nprint(o.get())\n---\nprint(0)",
        to={4: "C.k = 6"},
        changed={4, 5},
        restore=set(),
    ),
    Pair(
        story="a method changes its object",
        cells="class Box:\n    def __init__(self):\n        self.held = []\n    def push(self, x):\n"
        "        self.held.append(x)\n---\nb = Box()\n---\nb.push(1)\n---\nprint(b.held)",
        to={3: "b.push(2)"},
        changed={3, 4},
        restore={2},
    ),
    Pair(
        story="a function changes what it is given",
        cells="def grow(x):\n    y = x\n    y.append(1)\n---\nxs = []\n---\ngrow(xs)\n---\nprint(xs)\n---\nprint(5)",
        to={1: "def grow(x):\n    y = x\n    y.append(2)"},
        changed={1, 3, 4},
        restore={2},
    ),
    Pair(
        story="a function changes one of the two it is given",
        cells="def teach(model, rows):\n    model.append(len(rows))\n---\nm = []\nrows = [1, 2]\n---\nprint(m)\n---\nprint(rows)",
        to={},
        before={3: "teach(m, rows)"},
        changed={3, 4},
    ),
    Pair(
        story="a deleted name",
        cells="x = 1\n---\ny = x + 1\n---\ndel x\n---\nprint(y)",
        to={2: "y = x + 2"},
        changed={2, 4},
        restore={1, 3},
    ),
    Pair(story="a value that goes through eval", cells="x = 1\n---\ny = eval('x + 1')\n---\nprint(y)", to={1: "x = 2"}, changed={1, 2, 3}),
    Pair(
        story="walrus, comprehension and match",
        cells="data = [1, 2, 3]\n---\nbig = [y for x in data if (y := x * 2) > 2]\n---\n"
        "match big:\n    case [first, *rest]:\n        pass\n"
        "---\nprint(first)\n---\nprint(len(data))",
        to={2: "big = [y for x in data if (y := x * 3) > 2]"},
        changed={2, 3, 4},
    ),
    Pair(
        story="a generator is used up",
        cells="g = (v for v in [1, 2, 3])\n---\na = next(g)\n---\nb = next(g)\n---\nprint(b)",
        to={2: "a = [next(g), 1]"},
        changed={2, 3, 4},
        restore={1},
        spare={3, 4},
    ),
    Pair(story="one of two names of a cell", cells="a = 1\nb = 2\n---\nprint(a)\n---\nprint(b)", to={1: "a = 1\nb = 3"}, changed={1, 3}),
    Pair(story="a column that nobody read", cells=TABLE, to={}, before={8: "df['d'] = 1"}, changed={8, 9}),
    Pair(story="nothing", cells=TABLE, to={}, changed=set()),
]


START: dict[str, object] = {"__file__": "x", "__name__": "__main__"}


def cells_of(pair: Pair) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    old = [(f"c{number}", text.strip("\n")) for number, text in enumerate(pair.cells.split("---\n"), 1)]
    new = []
    for number, (cell, text) in enumerate(old, 1):
        if pair.before and number in pair.before:
            new.append((f"n{number}", pair.before[number]))
        told = pair.to.get(number, text)
        new += [(cell, told)] if told is not None else []
    return old, new


def really(cells: list[tuple[str, str]], namespace: dict[str, object]) -> list[tuple[str, dict[str, str]]]:
    """Run the cells; for each what it printed, and what it left of the names that it changed."""
    seen, before = [], dict[str, str]()
    for _, source in cells:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(source, namespace)
        now = {name: repr(value) for name, value in namespace.items() if not name.startswith("__")}
        seen.append((said.getvalue(), {name: text for name, text in now.items() if before.get(name) != text and " at 0x" not in text}))
        before = now
    return seen


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.story for pair in PAIRS])
def test_exactly_what_differs_is_told(pair: Pair, tmp_path: Path) -> None:
    told_and_run(pair, tmp_path)


def told_and_run(pair: Pair, tmp_path: Path) -> None:
    """Run both notebooks from the top, and the told cells in a kernel that ran the old one."""
    old, new = cells_of(pair)
    plan = cells_to_rerun(old, new)
    told = {one.place for one in plan.changed}
    was, at = Path.cwd(), {cell: place for place, (cell, _) in enumerate(old)}
    os.chdir(tmp_path)
    try:
        kernel: dict[str, object] = {**START}
        first, second = really(old, {**START}), really(new, {**START})
        really(old, kernel)
        again = really([new[one.place - 1] for one in plan.cells], kernel)
    finally:
        os.chdir(was)
    differ = {
        place
        for place, (cell, _) in enumerate(new, 1)
        if cell not in at or first[at[cell]][0] != second[place - 1][0]
        or any(first[at[cell]][1].get(name) != text for name, text in second[place - 1][1].items())
    }  # fmt: skip
    edited = {one.place for one in plan.changed if one.because in (Because.EDITED, Because.NEW)}
    assert told - differ - edited == set(pair.spare), "told in vain"
    assert differ <= told, "a cell that differs was not told"
    assert [said for said, _ in again] == [second[one.place - 1][0] for one in plan.cells], "run as told, a cell gave something else"
    assert (told, {one.place for one in plan.restore}) == (pair.changed, set(pair.restore))


def test_each_cell_has_its_reason() -> None:
    plan = cells_to_rerun(
        [("a", "x = 1"), ("b", "y = x"), ("c", "print(y)")], [("a", "x = 2"), ("n", "1"), ("b", "y = x"), ("c", "print(y)")]
    )
    assert [(one.cell, one.because, one.why) for one in plan.cells] == [
        ("a", Because.EDITED, "was edited after it ran"),
        ("n", Because.NEW, "never ran"),
        ("b", Because.UPSTREAM, "takes `x` from cell a, which makes it anew"),
        ("c", Because.UPSTREAM, "takes `y` from cell b, which makes it anew"),
    ]


def test_names_of_deleted_cells_are_told_to_live_on() -> None:
    plan = cells_to_rerun([("a", "x = 1"), ("b", "y = 2")], [("a", "x = 1")])
    assert (plan.cells, plan.lingering, plan.is_fresh) == ((), ("y",), False)
    reads = cells_to_rerun([("a", "x = 1"), ("b", "print(x)")], [("b", "print(x)")])
    assert [one.why for one in reads.changed] == ["takes `x`, which no cell above it makes any more"]


def test_moved_cells_are_known_by_their_id() -> None:
    old = [("a", "x = 1"), ("b", "y = 2"), ("c", "print(x + y)")]
    assert cells_to_rerun(old, [old[1], old[0], old[2]]).cells == ()
    swapped = cells_to_rerun([("a", "x = 1"), ("b", "x = 2"), ("c", "print(x)")], [("b", "x = 2"), ("a", "x = 1"), ("c", "print(x)")])
    assert ([one.cell for one in swapped.changed], [one.cell for one in swapped.restore]) == (["c"], ["a"])


@pytest.mark.parametrize("ids", ["", "other"])
def test_without_ids_in_common_cells_are_known_by_text_and_place(ids: str) -> None:
    old = ["x = 1", "y = 2", "print(x)", "print(y)"]
    new = ["x = 1", "y = 3", "print(x)", "print(y)"]
    plan = cells_to_rerun(
        [(f"{ids}{n}" if ids else "", one) for n, one in enumerate(old)], [(f"new{n}" if ids else "", one) for n, one in enumerate(new)]
    )
    assert [(one.place, one.because) for one in plan.changed] == [(2, Because.EDITED), (4, Because.UPSTREAM)]


@pytest.mark.parametrize(
    ("cell", "told"),
    [("%frobnicate x", "not known here"), ("exec('x = 1')", "exec()"), ("b = = 2", "cannot be read"), ("%run other.py", "%run")],
)
def test_what_cannot_be_followed_is_said_and_counts_as_touching(cell: str, told: str) -> None:
    old = [("a", "x = 1"), ("m", cell), ("c", "print(x)")]
    same = cells_to_rerun(old, old)
    assert not same.cells and told in same.unknown[0]
    assert {one.cell for one in cells_to_rerun(old, [("a", "x = 2"), *old[1:]]).changed} >= {"a", "c"}


def test_magics_are_followed() -> None:
    old = [
        ("a", "n = 3"),
        ("b", "%timeit sum(range(n))"),
        ("c", "files = !ls {n}"),
        ("d", "%%time\nm = n"),
        ("e", "%matplotlib inline"),
        ("f", "print(m)"),
    ]
    assert {one.cell for one in cells_to_rerun(old, [("a", "n = 4"), *old[1:]]).changed} == {"a", "b", "c", "d", "f"}
    other = [*old[:4], ("e", "%matplotlib widget"), old[5]]
    assert {one.cell for one in cells_to_rerun(old, other).changed} == {"e"}


def test_functions_that_call_each_other_for_ever_end() -> None:
    old = [("a", "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)"), ("b", "K = 1"), ("c", "h = f")]
    assert {one.cell for one in cells_to_rerun(old, [old[0], ("b", "K = 2"), old[2]]).changed} == {"b"}


def test_a_big_notebook_is_quick() -> None:
    """500 cells well under a second, 2,000 in a few, though nothing of them was seen before."""
    for count, limit in ((500, 1.0), (2000, 8.0)):
        cells = [("0", "import pandas as pd\ndf = pd.DataFrame()")]
        step = "df['c{0}'] = df['c{1}'] + {0}\nx{0} = len(df) + int(x{1})\ny{2} = [x{0}, df]\nprint(x{3})"
        cells += [(str(n), step.format(n, n - 1, n % 9, n // 2)) for n in range(1, count)]
        begun = time.process_time()
        cells_to_rerun(cells, cells)
        assert time.process_time() - begun < limit, count

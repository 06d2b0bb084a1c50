"""The step graph: what each step runs and takes, or a sentence that says why the notebook cannot be cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.pipelines.cutting import graph_of
from jupyter_mlgov.pipelines.documents import Cell, Notebook
from jupyter_mlgov.pipelines.runnable import parameters_of
from jupyter_mlgov.pipelines.sensitivity import reaches
from jupyter_mlgov.pipelines.steps import Graph, PlannedStep

DATA, FEATURES, TRAIN, EVALUATE = "mlgov:data", "mlgov:features", "mlgov:train", "mlgov:evaluate"


def cut(*cells: tuple[str, str]) -> Graph:
    """The graph of cells given as (tags with blanks between, source)."""
    made = tuple(
        Cell(id=f"c{number}", index=number, type="code", source=source, tags=tuple(tags.split()))
        for number, (tags, source) in enumerate(cells, 1)
    )
    notebook = Notebook(path=Path("a.ipynb"), kernel="python3", language="python", cells=made)
    return graph_of(notebook, parameters_of(notebook))


def steps(*cells: tuple[str, str]) -> dict[str, PlannedStep]:
    graph = cut(*cells)
    assert not graph.refusals, [str(one) for one in graph.refusals]
    return {one.name: one for one in graph.steps}


def scene(step: PlannedStep) -> str:
    return "\n".join(piece.source for piece in step.pieces if not piece.own)


def test_only_what_a_later_step_reads_crosses() -> None:
    found = steps((DATA, "a = load()\nb = a + 1\nc = 3"), (TRAIN, "m = b * 2"), (EVALUATE, "print(m)"))
    assert found["data"].gives == ("b",) and dict(found["train"].takes) == {"b": "data"}
    assert dict(found["evaluate"].takes) == {"m": "train"} and found["evaluate"].after == ("train",)


def test_imports_functions_and_constants_come_along_and_do_not_cross() -> None:
    found = steps(
        ("", "import math\nimport json\nSIZE = 3"),
        ("", "def area(r):\n    return math.pi * r * SIZE\ndef unused():\n    return json"),
        (DATA, "x = read()"),
        (TRAIN, "y = area(x)"),
    )
    assert scene(found["train"]) == "import math\nSIZE = 3\ndef area(r):\n    return math.pi * r * SIZE"
    assert scene(found["data"]) == "" and dict(found["train"].takes) == {"x": "data"}


def test_a_function_of_a_step_is_said_again_with_what_it_needs() -> None:
    found = steps((TRAIN, "from x import fit\ndef make(n):\n    return fit(n)\nmodel = make(1)"), (EVALUATE, "again = make(2)"))
    assert scene(found["evaluate"]) == "from x import fit\ndef make(n):\n    return fit(n)"
    assert found["evaluate"].takes == {}


def test_what_a_function_reads_when_it_is_called_crosses() -> None:
    found = steps(("", "def size():\n    return len(table)"), (DATA, "table = read()"), (TRAIN, "n = size()"))
    assert dict(found["train"].takes) == {"table": "data"}


def test_a_constant_that_a_step_changed_crosses() -> None:
    found = steps(("", "total = 0"), (DATA, "total += count()"), (TRAIN, "print(total)"))
    assert dict(found["train"].takes) == {"total": "data"}


def test_a_value_changed_in_place_is_taken_from_who_changed_it_last() -> None:
    found = steps((DATA, "rows = read()"), (FEATURES, "rows['x'] = rows['y'] * 2"), (TRAIN, "fit(rows)"))
    assert dict(found["features"].takes) == {"rows": "data"} and dict(found["train"].takes) == {"rows": "features"}


def test_an_untagged_cell_that_works_runs_with_the_step_before_it_and_is_said() -> None:
    graph = cut((DATA, "a = read()"), ("", "b = clean(a)"), (TRAIN, "fit(b)"))
    assert graph.steps[0].numbers == (1, 2) and graph.notes == ("cell [2] has no tag; it runs in the step data",)


def test_options_of_the_process_are_set_in_every_step_below() -> None:
    found = steps(("", "import warnings\nwarnings.filterwarnings('ignore')"), (DATA, "a = read()"), (TRAIN, "fit(a)"))
    assert all("filterwarnings" in scene(one) and "import warnings" in scene(one) for one in found.values())


def test_shared_random_numbers_go_on_where_the_step_before_stopped() -> None:
    found = steps(("", "import numpy as np"), (DATA, "np.random.seed(1)\na = np.random.rand(3)"), (TRAIN, "b = np.random.rand(3) + len(a)"))
    assert found["train"].takes == {"a": "data", "random numbers": "data"}


def test_governance_is_the_jobs_own() -> None:
    found = steps(("", "%load_ext jupyter_mlgov"), (DATA, "a = 1 + read()"), ("", "%mlgov validate"), (TRAIN, "b = a"))
    assert all("mlgov" not in piece.source for one in found.values() for piece in one.pieces)


def test_parameters_are_those_that_a_step_reads_itself_or_through_a_function() -> None:
    found = steps(("parameters", "n = 1\nk = 2\nz = 3"), ("", "def f():\n    return k"), (DATA, "a = n * f()"), (TRAIN, "b = a + z"))
    assert found["data"].parameters == ("k", "n") and found["train"].parameters == ("z",)


def test_kales_order_and_skipped_cells_are_kept() -> None:
    found = steps(("step:load_data", "a = read()"), ("skip", "a.hist()"), ("step:train prev:load_data", "m = fit()"))
    assert found["train-train"].after == ("data-load-data",)
    assert all("hist" not in piece.source for one in found.values() for piece in one.pieces)


REFUSED = {
    "a circle": (
        ((DATA, "a = read()"), (TRAIN, "m = fit(a)"), (DATA, "b = m.rows")),
        "The steps need each other in a circle: data needs `m` of train (cell [2]), and train needs `a` of data (cell [1]).",
    ),
    "a skipped cell": (((("skip"), "a = read()"), (TRAIN, "fit(a)")), "Cell [2] needs `a`, which only the skipped cell [1] makes."),
    "a parameter before its cell": (((DATA, "a = n"), ("parameters", "n = 1"), (TRAIN, "fit(a)")), "uses the parameter `n` before the"),
    "a later change": (
        ((DATA, "a = read()"), (TRAIN, "fit(a)"), (DATA, "a = clean(a)"), (EVALUATE, "print(a)")),
        "Step data makes `a` again in cell [3], after step train took it in cell [2].",
    ),
    "a connection": (
        ((DATA, "import sqlite3\nconn = sqlite3.connect('a.db')"), (TRAIN, "rows = conn.execute('select 1')")),
        "`conn` of cell [1] is an open connection, which cannot cross to step train (cell [2]). Make it in a function, and call that",
    ),
    "IPython's last output": (
        ((DATA, "read()"), (TRAIN, "a = _")),
        "takes what [1] showed (`_`, `Out`)",
    ),
    "IPython's outputs": (((DATA, "read()"), (TRAIN, "a = Out[1]")), "takes what [1] showed"),
    "a generator": (((DATA, "rows = (one for one in read())"), (TRAIN, "fit(rows)")), "Make a list of it, or write it as a function"),
    "a lock": (((DATA, "from threading import Lock\nheld = Lock()"), (TRAIN, "held.acquire()")), "`held` of cell [1] is a lock"),
    "an open file": (((DATA, "log = open('a.txt')"), (TRAIN, "log.read()")), "Hand over its path"),
    "parameters that are computed": ((("parameters", "n = clock()"), (TRAIN, "fit(n)")), "does more than assign constants: `n = clock()`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_cut_is_a_sentence(case: str) -> None:
    cells, sentence = REFUSED[case]
    graph = cut(*cells)
    assert graph.steps == () and sentence in " ".join(map(str, graph.refusals)), graph


def test_an_underscore_of_ones_own_is_a_name_like_others() -> None:
    found = steps((DATA, "rows = [read() for _ in range(3)]"), (TRAIN, "from gettext import gettext as _\na = _('x')\nb, _ = fit(rows)"))
    assert dict(found["train"].takes) == {"rows": "data"}


def test_a_parameter_that_changes_nothing_is_said() -> None:
    graph = cut(("parameters", "n = 1\nidle = 2"), (DATA, "a = read(n)"), (TRAIN, "m = fit(a)"), (EVALUATE, "print(1)"))
    known = parameters_of(
        Notebook(
            path=Path("a"),
            kernel="",
            language="",
            cells=(Cell(id="p", index=1, type="code", source="n = 1\nidle = 2", tags=("parameters",)),),
        )
    )
    n, idle = reaches(graph, known)
    assert n.reads == ("data",) and n.steps == ("data", "train")
    assert idle.steps == () and idle.sentence == "idle: int, default 2. Changes nothing: no step reads it."

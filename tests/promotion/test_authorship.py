"""Who wrote a notebook that was copied by hand is an author of the copy, by its cells; who merely has an import in common is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.core.facts import fields_of
from jupyter_mlgov.promotion import docket
from jupyter_mlgov.promotion.authorship import Copied, authors, copied_from, copies, hindrance
from jupyter_mlgov.promotion.docket import replay
from jupyter_mlgov.testing import digest
from tests.promotion.world import ANA, BOB, CARL, NOTEBOOK, World

IMPORT = "import pandas as pd"
CELLS = (IMPORT, "df = pd.read_csv('x.csv')", "X = df.drop(columns='y')", "model = fit(X, df.y)", "model.score(X, df.y)")


def run(world: World, actor: Any, notebook: str, *cells: str, steps: str = "", **more: Any) -> None:
    """Every cell of a notebook, as a kernel records it: an import binds what it imports, a line without `=` makes nothing."""
    world.write(actor, "session.started", notebook, id=notebook)
    for number, cell in enumerate(cells):
        made = cell.partition(" = ")[0].split()[-1]
        facts = {
            "cell_id": f"{notebook}-{number}",
            "source_digest": digest(cell),
            "meaning": digest(cell.partition("#")[0].strip()),
            **({"writes": [made]} if " = " in cell or cell.startswith("import ") else {}),
            **({"imports": [made]} if cell.startswith("import ") else {}),
            **({"step": {"kind": "train", "name": ""}} if cell == steps else {}),
        }
        world.write(actor, "cell.started", notebook, **{name: facts[name] for name in ("cell_id", "source_digest", "meaning")})
        world.write(actor, "cell.finished", notebook, **facts, **more)


def ids(world: World, notebook: str = NOTEBOOK) -> set[str]:
    return {actor.id for actor in authors(world.entries(), notebook)}


def test_self_approval_through_a_copy_is_refused_and_the_refusal_names_the_notebook() -> None:
    """Carl writes it, copies the file, has Ana's account run the copy, and approves."""
    world = World()
    run(world, CARL, "draft.ipynb", *CELLS)
    run(world, ANA, NOTEBOOK, *CELLS)
    world.validate()
    world.review(CARL)
    decision = world.ask()
    assert [reason.code for reason in decision.reasons] == ["approvals"]
    assert any("Carl" in note and "four eyes" in note for note in decision.notes)
    told = "3 of its 3 working cells ran in draft.ipynb before, so whoever worked on that one is an author of it."
    assert f"{NOTEBOOK}: {told}" in decision.notes
    told = hindrance(CARL, world.entries(), NOTEBOOK, (), ())
    assert "four eyes" in told
    assert "3 of its 3 working cells ran in draft.ipynb before" in told
    assert hindrance(BOB, world.entries(), NOTEBOOK, (), ()) == ""
    assert hindrance(ANA, world.entries(), NOTEBOOK, (), ()) == "an author of the model cannot approve it (four eyes)"
    world.review(BOB)
    assert world.opens()
    assert {one.outcome for one in replay(world.entries())} == {"agrees"}


def test_a_docket_that_hides_the_copy_does_not_replay() -> None:
    world = World()
    run(world, CARL, "draft.ipynb", *CELLS)
    run(world, ANA, NOTEBOOK, *CELLS)
    world.validate()
    world.review(CARL)
    assert world.opens(copied=None), "a decision of an older program, which looked at no copies"
    assert [one.outcome for one in replay(world.entries())] == ["agrees"]
    world.ask()
    world.ask(copied=())
    world.ask(copied=None)
    world.ask(copied=("other.ipynb",))
    assert [one.outcome for one in replay(world.entries())] == ["agrees", "agrees", "disagrees", "disagrees", "disagrees"]


def test_a_decision_from_before_dockets_had_these_fields_still_replays() -> None:
    world = World()
    world.validate()
    world.review(BOB)
    seen = world.docket("staging", clock=1)
    body = {name: value for name, value in fields_of(seen).items() if name not in ("copied", "origin", "clock", "hidden")}
    decision = docket.decide(seen, world.entries())
    world.write(ANA, "promotion.decided", **{**fields_of(decision), "notebook": NOTEBOOK, "docket": body})
    assert [one.outcome for one in replay(world.entries())] == ["agrees"]


@pytest.mark.parametrize(
    "shared",
    [(IMPORT,), (IMPORT, "import numpy as np"), (IMPORT, "df.head()"), (IMPORT, "df = pd.read_csv('x.csv')")],
    ids=["one import", "imports", "a display", "one line that anybody writes"],
)
def test_two_notebooks_that_share_what_everybody_has_do_not_taint_one_another(shared: tuple[str, ...]) -> None:
    world = World()
    run(world, CARL, "other.ipynb", *shared, "a = 1", "b = a + 1", "c = b + 1")
    run(world, ANA, NOTEBOOK, *shared, "p = 2", "q = p + 2", "r = q + 2")
    assert copied_from(world.entries(), NOTEBOOK) == ()
    assert ids(world) == {ANA.id}


def test_notebooks_of_nothing_but_imports_and_displays_are_copies_of_nothing() -> None:
    world = World()
    for actor, name in ((CARL, "other.ipynb"), (ANA, NOTEBOOK)):
        run(world, actor, name, IMPORT, "import numpy as np", "pd.__version__")
    assert copied_from(world.entries(), NOTEBOOK) == ()


def test_who_copies_a_notebook_later_to_look_at_it_does_not_become_its_author() -> None:
    world = World()
    run(world, ANA, NOTEBOOK, *CELLS)
    run(world, BOB, "bobs look.ipynb", *CELLS)
    run(world, ANA, NOTEBOOK, *CELLS)
    assert ids(world) == {ANA.id}
    assert ids(world, "bobs look.ipynb") == {ANA.id, BOB.id}


@pytest.mark.parametrize(
    "cells",
    [
        (*CELLS, "extra = 1", "more = 2"),
        (*reversed(CELLS),),
        tuple(f"{cell}  # mine" for cell in CELLS),
        (*CELLS[:3], "model = fit(X, df.y, depth=3)"),
        tuple(cell for line in CELLS for cell in (line, f"z{len(line)} = 1")),
    ],
    ids=["cells added", "in another order", "comments", "one cell changed", "padded"],
)
def test_a_copy_that_was_touched_up_is_a_copy(cells: tuple[str, ...]) -> None:
    world = World()
    run(world, CARL, "draft.ipynb", *CELLS)
    run(world, ANA, NOTEBOOK, *cells)
    assert copies(world.entries(), NOTEBOOK) == ("draft.ipynb",)
    assert ids(world) == {ANA.id, CARL.id}


def test_a_copy_of_which_less_than_half_is_left_is_a_work_of_its_own() -> None:
    world = World()
    run(world, CARL, "draft.ipynb", *(f"d{number} = {number}" for number in range(10)))
    run(world, ANA, NOTEBOOK, *(f"d{number} = {number}" for number in range(4)), *(f"m{number} = {number}" for number in range(6)))
    assert copied_from(world.entries(), NOTEBOOK) == ()
    run(world, ANA, NOTEBOOK, *(f"d{number} = {number}" for number in range(5)), *(f"m{number} = {number}" for number in range(1, 6)))
    assert copied_from(world.entries(), NOTEBOOK) == (Copied(notebook="draft.ipynb", cells=5, of=10),)


def test_a_single_step_that_was_copied_counts_where_it_is_the_work() -> None:
    world = World()
    step = "model = load_and_fit()"
    run(world, CARL, "draft.ipynb", step, steps=step)
    run(world, ANA, NOTEBOOK, step, steps=step)
    assert ids(world) == {ANA.id, CARL.id}


def test_a_copy_of_a_copy_and_of_what_was_exported_has_the_first_author() -> None:
    world = World()
    run(world, CARL, "draft.ipynb", *CELLS)
    run(world, BOB, "second.ipynb", *CELLS)
    run(world, ANA, "third.ipynb", *CELLS)
    world.write(ANA, "export.written", "third.ipynb", files=[NOTEBOOK])
    run(world, ANA, NOTEBOOK, "whole = run_steps()")
    assert ids(world) == {ANA.id, BOB.id, CARL.id}


@given(st.lists(st.tuples(st.sampled_from(("a", "b", "c")), st.sampled_from([*CELLS, "k = 1", "l = 2"])), max_size=25))
def test_of_two_notebooks_the_work_of_each_cell_is_of_the_one_that_ran_it_first(runs: list[tuple[str, str]]) -> None:
    """No notebook is a copy of one in which none of its cells ran before, whatever the order of runs."""
    world = World()
    firsts: dict[tuple[str, str], int] = {}
    for number, (name, cell) in enumerate(runs):
        firsts.setdefault((name, cell), number)
        run(world, ANA, name, cell)
    for name in "abc":
        for one in copied_from(world.entries(), name):
            mine = {cell: at for (book, cell), at in firsts.items() if book == name}
            earlier = [cell for cell, at in mine.items() if firsts.get((one.notebook, cell), at) < at]
            assert len(earlier) >= one.cells >= 1
            assert one.notebook != name

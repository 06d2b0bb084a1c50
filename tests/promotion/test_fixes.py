"""Each reason that a gate can give has a deed that answers it, of a kind that the panel does at one click."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import jupyter_mlgov.promotion as room
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.promotion.facts import Fix, Reason
from jupyter_mlgov.promotion.fixes import fix_of

ROLES = Roles(table="scored", outcome="approve", score="score", protected=("white", "it's \n odd"))


def reason(code: str, next_: str = "", validator: str = "", cell: str = "") -> Reason:
    return Reason(code=code, sentence="It\nis 0.78.", next=next_, validator=validator, cell=cell)


TABLE: tuple[tuple[Reason, Fix], ...] = (
    (reason("verdict-fail", "Answer them.", "form:REGB.4.a"), Fix(kind="insert-cell", code="%mlgov answer REGB.4.a")),
    (reason("verdict-error", "See the log.", "perf.discrim", "c1"), Fix(kind="insert-cell", code="%mlgov validate")),
    (reason("verdict-inconclusive", "Declare `cutoff = …` under [subject] in mlgov.toml.", "fair.air", "c1"), Fix(kind="team-file")),
    (reason("verdict-inconclusive", "Tell MLflow: `mlgov sync`.", "audit.x"), Fix(kind="command", command="mlgov sync")),
    (reason("hidden-state", "Restart the kernel and run all cells.", cell="gone"), Fix(kind="restart")),
    (reason("hidden-state", "Run again: cell c2.", cell="c2"), Fix(kind="run-cell", cells=("c2",))),
    (
        reason("committers-unknown", "Make `git log` work in this folder, then ask again."),
        Fix(kind="command", command="git log"),
    ),
)


@pytest.mark.parametrize(("told", "fix"), TABLE, ids=[f"{one.code} {one.next[:18]}" for one, _ in TABLE])
def test_what_answers_a_reason(told: Reason, fix: Fix) -> None:
    assert fix_of(told, (), ROLES) == fix


@pytest.mark.parametrize("validator", ["fair.air", "perf.discrim"])
def test_a_failed_check_is_looked_into_by_a_cell_that_is_python_whatever_columns_are_called(validator: str) -> None:
    fix = fix_of(reason("verdict-fail", "Look at\nthe gap.", validator, "c7"), (), ROLES)
    assert fix.kind == "insert-cell"
    assert validator in fix.code
    (said,) = ast.parse(fix.code).body  # one expression, and the sentences stay a comment
    assert isinstance(said, ast.Expr)
    assert ("groupby" in fix.code) is validator.startswith("fair.")


def test_the_cell_really_runs_on_the_table_it_names() -> None:
    import pandas as pd

    scored = pd.DataFrame({"white": [0, 1, 1], "it's \n odd": [1, 1, 2], "approve": [0, 1, 1], "score": [0.1, 0.5, 0.9]})
    for validator in ("fair.air", "perf.discrim"):
        code = fix_of(reason("verdict-fail", "Look.", validator), (), ROLES).code
        assert not eval(compile(code, "cell", "eval"), {"scored": scored}).empty  # the cell, as a notebook would run it


def test_a_table_that_is_no_name_of_python_is_never_written_into_a_cell() -> None:
    fix = fix_of(reason("verdict-fail", "Look.", "fair.air"), (), Roles(table="x'); import os #"))
    assert fix.code == "%mlgov report"


def test_every_code_that_the_gates_write_has_a_fix_that_names_something_to_do() -> None:
    sources = Path(room.__file__).parent
    codes = {code for path in sources.glob("*.py") for code in re.findall(r'code="([a-z-]+)"', path.read_text("utf-8"))}
    codes |= {"verdict-fail", "verdict-inconclusive", "step-stale", "step-never-ran", "step-failed", "step-killed", "step-running"}
    assert len(codes) > 20
    for code in sorted(codes):
        for cell in ("", "c1"):
            fix = fix_of(reason(code, "Do it.", "perf.discrim" if code.startswith("verdict") else "", cell), ("bob",), ROLES)
            said = fix.cells or fix.code or fix.command or fix.kind in ("restart", "team-file")
            assert said or code in ("refuted", "committers-unknown"), code

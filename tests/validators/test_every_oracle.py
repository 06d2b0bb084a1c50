"""Every number of oracles.md is held by a test that cites its id: the ledger."""

from __future__ import annotations

import ast
import re
from pathlib import Path

# What cannot be a test here, and why.
NOT_HERE = {"OMS": "its 49 bundles lie in the repository ossf/model-signing-spec and in no package; see tests/workspace/test_rollback.py"}


def ids(checkout: Path) -> tuple[str, ...]:
    """The first column of the tables of 5.2 to 5.5."""
    path = checkout.parent / "shared" / "controls" / "oracles.md"
    assert path.exists(), f"{path} is missing: it is what this test is held against."
    tables = path.read_text("utf-8").partition("### 5.2")[2]
    first = re.findall(r"(?m)^\| ([^|]+?) \|", tables)
    return tuple(one for one in first if one not in ("id", "---"))


def bodies_of(checkout: Path) -> dict[str, str]:
    """`file::name` -> the text of each test with its decorators."""
    found: dict[str, str] = {}
    for path in sorted((checkout / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                body = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                found[f"{path.relative_to(checkout)}::{node.name}"] = body
    return found


def cited(wanted: tuple[str, ...], bodies: dict[str, str]) -> dict[str, list[str]]:
    """Id -> the tests that cite it: FF1 and the like as a word, a label of 5.4 and 5.5 in quotes."""
    marks = {one: rf"\b{one}\b" if re.fullmatch(r"[A-Z]{2}\d", one) else rf'"{re.escape(one)}"' for one in wanted}
    return {one: [name for name, body in bodies.items() if re.search(mark, body)] for one, mark in marks.items()}


def test_every_oracle_is_a_test_that_cites_it(checkout: Path) -> None:
    wanted = ids(checkout)
    assert len(wanted) == 42, wanted
    bodies = {name: body for name, body in bodies_of(checkout).items() if "test_every_oracle" not in name}
    lacking = {one for one, names in cited(wanted, bodies).items() if not names}
    assert lacking == NOT_HERE.keys()

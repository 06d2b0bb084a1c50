"""Each validator has one example that passes and one that must fail (validators/cases/<id>/{good,bad}.json)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.lineage.facts import CodeState
from jupyter_mlgov.sdk import Check, Roles, Subject, SubjectRef, Text
from jupyter_mlgov.validation.plugins import installed_validators

from .conftest import Make, judged, lineage
from .others import beside, repeated
from .told import told

CASES = Path(__file__).resolve().parents[2] / "validators" / "cases"
NEVER_FAIL = {"fair.lda": "warn"}  # whether an alternative must be taken is for people to say
FILES = sorted(CASES.glob("*/*.json"))


def test_each_validator_has_both() -> None:
    ours = {name for name in installed_validators().ids if not name.startswith("acme.")}
    assert {path.parent.name for path in FILES} == ours
    assert all((CASES / name / f"{which}.json").is_file() for name in ours for which in ("good", "bad"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_case_has_its_verdict(path: Path, table: Make, counts: Make) -> None:
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    check = installed_validators().get(path.parent.name)
    assert isinstance(check, Check)
    result = judged(check, told(subject(case, table, counts), case))
    assert result.verdict.value == case["expect"], result.summary
    assert case["expect"] == ("pass" if path.stem == "good" else NEVER_FAIL.get(path.parent.name, "fail"))


def subject(case: dict[str, Any], table: Make, counts: Make) -> Subject:
    if "cells" in case:
        return table(spread(case["cells"]), **roles(case))
    if "counts" in case:
        return counts({group: tuple(pair) for group, pair in case["counts"].items()})
    ref = SubjectRef(kind="model", name="m", notebook="n.ipynb")
    if "record" in case:
        code = CodeState(commit="a" * 40, dirty=tuple(case["record"].get("dirty", ())))
        return Subject(
            ref=ref, roles=Roles(), lineage=lineage(code=code), lock=case.get("lock"), lock_hashed=case.get("lock_hashed", False)
        )
    given = beside(table(repeated(case["table"]), **roles(case)), case)
    texts = tuple(Text(where=where, content=content) for where, content in case.get("texts", {}).items())
    return replace(given, ref=ref, texts=texts) if texts else given


def roles(case: dict[str, Any]) -> dict[str, Any]:
    """The roles of a case; a list of columns is a tuple of them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in case.get("roles", {}).items()}


def spread(cells: dict[str, Any]) -> dict[str, list[object]]:
    """Columns from rows that end with how often they come."""
    return {name: [row[place] for row in cells["rows"] for _ in range(row[-1])] for place, name in enumerate(cells["columns"])}

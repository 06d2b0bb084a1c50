"""Two protected attributes with their margins and the total: nothing in one report gives a small cell of their crossing away."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.validation.engine import validate
from jupyter_mlgov.validation.results import Report, report_json

from .test_disclosure import HERE, Row, rank_of, subject

CHECKS = ("fair.air", "fair.sig", "fair.calib", "fair.intersect")
Cell = tuple[str, str, int]  # group, sex, outcome
CROSSED: list[Cell] = [(group, sex, ok) for group in "ABC" for sex in "fm" for ok in (0, 1)]
SIZES = st.lists(st.sampled_from([41, 55, 77, 160]), min_size=len(CROSSED), max_size=len(CROSSED))
FEW = st.dictionaries(st.sampled_from(CROSSED), st.integers(0, 9), max_size=4)
_LABEL = re.compile(r"(?:group|sex) = \w+(?:, (?:group|sex) = \w+)*")


def rows_of(sizes: list[int], few: Mapping[Cell, int]) -> list[Row]:
    counts = {**dict(zip(CROSSED, sizes, strict=True)), **few}
    return [(group, sex, ok, at % 7) for (group, sex, ok), number in counts.items() for at in range(number)]


def judge(folder: Path, rows: list[Row], least: int, only: tuple[str, ...] = CHECKS) -> Report:
    return validate(subject(folder, rows), (), HERE, parameters={"*": {"min_cell": least}}, only=only)


def counted(value: object) -> Iterator[tuple[str, int, int]]:
    """Each (label, favourable, rows) in the published JSON, which every other form is made of: estimates, details, lists of small cells."""
    if isinstance(value, dict):
        for name, k, n in (("label", "k", "n"), ("cell", "k", "n"), ("group", "k", "n"), ("reference", "k_ref", "n_ref")):
            if isinstance(value.get(name), str) and isinstance(value.get(k), int) and isinstance(value.get(n), int):
                yield value[name], value[k], value[n]
        for one in value.values():
            yield from counted(one)
    elif isinstance(value, list):
        for one in value:
            yield from counted(one)


def published(report: Report) -> set[tuple[str, int, int, int]]:
    """The counts of groups and crossings in all results, each with the outcome that it counts: fair.calib counts what went wrong."""
    results = json.loads(json.dumps(report_json(report)))["results"]
    told = ((one, int(result["validator"] != "fair.calib")) for result in results for one in counted(result))
    return {(label, k, n, outcome) for (label, k, n), outcome in told if _LABEL.fullmatch(label)}


def holds(label: str) -> Callable[[Cell], bool]:
    wanted = dict(part.split(" = ") for part in label.split(", "))
    return lambda cell: all({"group": cell[0], "sex": cell[1]}[name] == value for name, value in wanted.items())


def indicator(chosen: Callable[[Cell], bool]) -> list[Fraction]:
    return [Fraction(int(chosen(cell))) for cell in CROSSED]


def given_away(report: Report, rows: list[Row], least: int) -> list[tuple[str, int]]:
    """Small counts (of a cell, of a margin, by outcome and in all) that follow from what is published, by linear algebra.

    Known are the rows of the table, its favourable outcomes, and each published count; that a cell is empty is known to nobody.
    """
    truth = Counter((group or "", sex, ok) for group, sex, ok, _ in rows)
    known = [indicator(lambda _: True), indicator(lambda cell: cell[2] == 1)]
    for label, k, n, outcome in published(report):
        inside = holds(label)
        assert n == sum(truth[cell] for cell in CROSSED if inside(cell)), label
        assert k == sum(truth[cell] for cell in CROSSED if inside(cell) and cell[2] == outcome), label
        known += [indicator(inside), indicator(lambda cell, inside=inside: inside(cell) and cell[2] == 1)]  # type: ignore[misc]  # bound now
    rank, found = rank_of(known), []
    margins = [f"group = {group}" for group in "ABC"] + [f"sex = {sex}" for sex in "fm"]
    for label in [*margins, *(f"group = {group}, sex = {sex}" for group, sex in product("ABC", "fm"))]:
        for outcome in ((0,), (1,), (0, 1)):
            chosen = indicator(lambda cell, label=label, outcome=outcome: holds(label)(cell) and cell[2] in outcome)  # type: ignore[misc]  # bound now
            count = sum(truth[cell] for cell, one in zip(CROSSED, chosen, strict=True) if one)
            if 0 < count < least and rank_of([*known, chosen]) == rank:
                found.append((f"{label}, outcome {outcome}", count))
    return found


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIZES, FEW, st.sampled_from([5, 10, 20]))
@example([160] * len(CROSSED), {("B", "m", 0): 1, ("C", "f", 1): 8}, 10)  # four cells kept back, two of them found from the margins
@example([160] * len(CROSSED), {("C", "f", 0): 7, ("C", "f", 1): 9, ("A", "f", 0): 3}, 20)
@example([160] * len(CROSSED), {("B", "f", 1): 3}, 10)
def test_no_small_cell_of_a_crossing_follows_from_the_margins(tmp_path: Path, sizes: list[int], few: dict[Cell, int], least: int) -> None:
    rows = rows_of(sizes, few)
    found = given_away(judge(tmp_path, rows, least), rows, least)
    assert not found, found


def test_the_proof_sees_what_a_crossing_without_its_margins_in_mind_gives_away() -> None:
    """The proof itself can fail: three of four cells and the margins give the fourth."""
    rows = rows_of([160] * len(CROSSED), {("B", "f", 1): 3})
    one = lambda label: {"label": label, **counts_in(rows, label)}  # noqa: E731  # three uses in the next line
    shown = [one(f"group = {group}") for group in "ABC"] + [one("group = A, sex = f"), one("group = C, sex = f"), one("sex = f")]
    known = [indicator(lambda _: True), indicator(lambda cell: cell[2] == 1)]
    for label, _, _ in counted(shown):
        known += [indicator(holds(label)), indicator(lambda cell, label=label: holds(label)(cell) and cell[2] == 1)]  # type: ignore[misc]  # bound now
    wanted = indicator(lambda cell: cell == ("B", "f", 1))
    assert rank_of([*known, wanted]) == rank_of(known)


def counts_in(rows: list[Row], label: str) -> dict[str, int]:
    inside = [row[2] for row in rows if holds(label)((row[0] or "", row[1], row[2]))]
    return {"k": sum(inside), "n": len(inside)}


REFUSED: dict[Cell, int] = {("A", "f", 1): 40, ("A", "f", 0): 400}  # a large cell with a low rate


@pytest.mark.parametrize(("more", "verdict"), [(REFUSED, Verdict.FAIL), ({}, Verdict.INCONCLUSIVE)], ids=["fails", "even"])
def test_a_crossing_that_is_kept_back_keeps_its_verdict_and_shows_no_cell(tmp_path: Path, more: dict[Cell, int], verdict: Verdict) -> None:
    report = judge(tmp_path, rows_of([160] * len(CROSSED), {("B", "m", 0): 3, **more}), 10, ("fair.intersect",))
    assert report.results[0].verdict is verdict
    told = json.dumps(report_json(report))
    assert not published(report)
    assert "Policy keeps them back" in told
    assert ("large enough failed" in told) is (verdict is Verdict.FAIL)


def test_a_crossing_without_a_small_cell_is_published_whole(tmp_path: Path) -> None:
    sizes = [160 + 7 * place for place in range(len(CROSSED))]
    report = judge(tmp_path, rows_of(sizes, {("A", "f", 1): 60}), 10, ("fair.intersect",))
    labels = {label for label, _, _ in counted(json.loads(json.dumps(report_json(report)))) if ", " in label}
    assert labels == {f"group = {group}, sex = {sex}" for group, sex in product("ABC", "fm")}

"""Where policy says so no count of a small cell is published: not in a number, not in a sentence, and not by subtraction from a total."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.core.errors import BadInput, UsageError
from jupyter_mlgov.core.facts import plain
from jupyter_mlgov.core.team import Roles
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.sdk import Check, Estimate, Finding, Subject, SubjectRef, validator
from jupyter_mlgov.validation.disclosure import KEPT_BACK, NO_COUNTS, disclosed
from jupyter_mlgov.validation.engine import evidence, validate
from jupyter_mlgov.validation.plugins import Registry, installed_policies, installed_validators
from jupyter_mlgov.validation.results import CheckResult

HERE = replace(installed_validators(), installed=False)
COUNTING = (
    *("fair.air", "fair.sig", "fair.errors", "fair.conditional", "fair.intersect", "fair.calib", "perf.discrim", "perf.calibration"),
    *("data.quality", "data.represent", "monitor.drift", "priv.minimise"),
)
Row = tuple[str | None, str, int, int]


def subject(folder: Path, rows: list[Row], reference: list[Row] | None = None) -> Subject:
    roles = Roles(
        outcome="ok", label="well", favourable="1", protected=("group", "sex"), score="score", legitimate=("band",), features=("band",),
        reference="before" if reference else "",
    )  # fmt: skip

    def written(name: str, rows: list[Row]) -> Path:
        group, sex, ok, band = (list(column) for column in zip(*rows, strict=True))
        columns = {"group": group, "sex": sex, "ok": ok, "well": ok, "band": band, "score": [(b + 1) / 8 for b in band]}
        pq.write_table(pa.table(columns), folder / name)
        return folder / name

    ref = SubjectRef(kind="table", name="t", rows=len(rows), roles=asdict(roles))
    path = written("t.parquet", rows)
    return Subject(ref=ref, roles=roles, table_path=path, reference_path=written("r.parquet", reference) if reference else None)


def spread(counts: Mapping[tuple[str | None, int], int]) -> list[Row]:
    return [(group, "fm"[at % 2], ok, at % 7) for (group, ok), number in counts.items() for at in range(number)]


CELLS = [(group, ok) for group in ("A", "B", "C", "D", None) for ok in (0, 1)]
SIZES = st.lists(st.sampled_from([41, 55, 77, 160]), min_size=len(CELLS), max_size=len(CELLS))
FEW = st.dictionaries(st.sampled_from(CELLS), st.integers(1, 9), min_size=1, max_size=3)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIZES, FEW, st.sampled_from([5, 10, 20]))
@example([160] * len(CELLS), {("B", 1): 3}, 10)
@example([160] * len(CELLS), {(None, 1): 3}, 10)
def test_no_small_cell_is_told_or_can_be_found_by_subtraction(
    tmp_path: Path, sizes: list[int], few: dict[tuple[str | None, int], int], least: int
) -> None:
    rows = spread({**dict(zip(CELLS, sizes, strict=True)), **few})
    report = validate(subject(tmp_path, rows, rows), (), HERE, parameters={"*": {"min_cell": least}}, only=COUNTING)
    assert len(report.results) == len(COUNTING)
    for result in report.results:
        assert result.parameters["min_cell"] == least
        for finding in result.findings:
            assert not list(small_counts(finding, least)), (result.validator, finding)
    found = recovered(report.results, rows, least)
    assert not found, found


def small_counts(finding: Finding, least: int) -> Iterator[object]:
    """Counts under `least` in what a finding publishes, found otherwise than the door finds them."""
    for one in finding.estimates:
        yield from (value for value in (one.k, one.n - one.k, one.n) if 0 < value < least)
    published = json.loads(json.dumps(plain(finding.details)))
    for path, value in leaves(published, ""):
        if 0 < value < least and not NO_COUNTS.intersection(path.split(".")):
            yield path, value
    for part, whole in re.findall(r"([\d,]+) of ([\d,]+) (?:rows|cases|decisions)", finding.message):
        k, n = int(part.replace(",", "")), int(whole.replace(",", ""))
        yield from (value for value in (k, n - k) if 0 < value < least)
    yield from (f"{number} {what}" for number, what in re.findall(r"\b(\d+) (rows|cases)\b", finding.message) if 0 < int(number) < least
                and f"fewer than {number}" not in finding.message)  # fmt: skip
    if finding.n is not None and 0 < finding.n < least:
        yield "n", finding.n


def leaves(value: object, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, path)


def recovered(results: tuple[CheckResult, ...], rows: list[Row], least: int) -> list[object]:
    """Small cells (a group, an outcome) that follow from what all the results publish, by linear algebra.

    Unknown are the cells; known are k and n of each published group, the rows of the table, and the favourable outcomes of all rows.
    """
    truth = Counter((row[0], row[2]) for row in rows)
    cells = sorted(truth, key=str)
    place = {cell: at for at, cell in enumerate(cells)}

    def of(group: str | None, *outcomes: int) -> list[Fraction]:
        return [Fraction(int(cell[0] == group and cell[1] in outcomes)) for cell in cells]

    known = [[Fraction(1)] * len(cells), [Fraction(int(cell[1] == 1)) for cell in cells]]
    for result in results:
        if result.validator in ("fair.air", "fair.sig"):
            for one in (estimate for finding in result.findings if finding.where == "group" for estimate in finding.estimates):
                group = one.label.removeprefix("group = ")
                known += [of(group, 1), of(group, 0, 1)]
    rank = rank_of(known)
    small = [cell for cell in cells if 0 < truth[cell] < least]
    return [cell for cell in small if rank_of([*known, [Fraction(int(at == place[cell])) for at in range(len(cells))]]) == rank]


def rank_of(matrix: list[list[Fraction]]) -> int:
    left = [list(row) for row in matrix]
    rank = 0
    for column in range(len(left[0])):
        pivot = next((at for at in range(rank, len(left)) if left[at][column]), None)
        if pivot is None:
            continue
        left[rank], left[pivot] = left[pivot], left[rank]
        for at in range(rank + 1, len(left)):
            if left[at][column]:
                ratio = left[at][column] / left[rank][column]
                left[at] = [a - ratio * b for a, b in zip(left[at], left[rank], strict=True)]
        rank += 1
    return rank


# -- The door itself, on findings of any validator, ours or not --------------------------------------------------------------------------


def told(finding: Finding, least: int = 10, rows: int = -1) -> Finding:
    result = CheckResult(validator="x.y", version="1", title="", verdict=finding.verdict, summary=finding.message, findings=(finding,))
    passed = disclosed(result, least, rows)
    assert passed.verdict is passed.findings[0].verdict
    assert passed.summary == passed.findings[0].message
    return passed.findings[0]


GIVEAWAYS = [
    Finding(message="3 of 400 rows are wrong.", verdict=Verdict.WARN),
    Finding(message="397 of 400 rows are right.", verdict=Verdict.PASS),
    Finding(message="The village has 4 Smiths.", verdict=Verdict.PASS),
    Finding(message="It is 0.8%.", verdict=Verdict.FAIL, n=400),
    Finding(message="A share.", verdict=Verdict.PASS, measured=3 / 400, n=400),
    Finding(message="A small group.", verdict=Verdict.PASS, n=7),
    Finding(message="Said nowhere.", verdict=Verdict.PASS, details={"a name nobody knows": 4}),
    Finding(message="Said nowhere.", verdict=Verdict.PASS, details={"groups": {"b": {"k": 4}}}),
    Finding(message="A rate.", verdict=Verdict.PASS, estimates=(Estimate(label="b", value=0.5, interval=None, k=4, n=8),)),
    Finding(message="A rate.", verdict=Verdict.PASS, estimates=(Estimate(label="b", value=0.98, interval=None, k=392, n=400),)),
]


@pytest.mark.parametrize("finding", GIVEAWAYS, ids=lambda one: one.message + str(one.details or one.n or len(one.estimates)))
def test_what_tells_of_a_small_cell_loses_its_numbers_and_is_no_pass(finding: Finding) -> None:
    kept = told(replace(finding, where="village", fix="Ask."))
    assert kept.details[KEPT_BACK] is True
    assert (kept.n, kept.measured, kept.interval, kept.estimates) == (None, None, None, ())
    assert (kept.where, kept.fix) == ("village", "Ask.")
    assert kept.verdict is (Verdict.INCONCLUSIVE if finding.verdict is Verdict.PASS else finding.verdict)
    assert finding.message not in kept.message


@pytest.mark.parametrize(
    "finding",
    [
        Finding(message="5 of 8 inputs are stable; the largest PSI is 0.041 (x), at least 5 wanted.", verdict=Verdict.PASS, n=4000),
        Finding(message="AUC 0.866 (95% CI 0.805-0.927) is over the floor 0.65.", verdict=Verdict.PASS, measured=0.866, n=120),
        Finding(message="40 of 400 rows.", verdict=Verdict.PASS, measured=0.1, n=400, details={"df": 3, "k": 40, "zero": 0}),
    ],
)
def test_what_tells_of_none_passes_untouched(finding: Finding) -> None:
    assert told(finding) == finding


def test_bins_lose_their_counts_and_keep_what_is_made_of_all_of_them() -> None:
    estimates = tuple(Estimate(label=str(k), value=k / 100, interval=None, k=k, n=100) for k in (3, 47, 50))
    bins = Finding(
        message="x: PSI 0.041 is under 0.1.", verdict=Verdict.PASS, measured=0.041, n=100, estimates=estimates,
        details={"current": [3, 47, 50], "psi": 0.041, "sql": "SELECT 1"},
    )  # fmt: skip
    kept = told(bins)
    assert (kept.verdict, kept.measured, kept.message) == (Verdict.PASS, 0.041, bins.message)
    assert not kept.estimates
    assert kept.details == {"psi": 0.041, "sql": "SELECT 1"}


def test_what_all_the_rows_but_a_few_tell_is_kept_back_too() -> None:
    seen = Finding(message="AUC 0.866.", verdict=Verdict.PASS, measured=0.866, n=997, details={"positives": 500})
    kept = told(seen, rows=1000)
    assert kept.n is None
    assert told(seen, rows=2000) == seen


@validator("acme.villages", title="Villages", needs=("outcome",))
def villages(subject: Subject) -> list[Finding]:
    """A foreign check that counts by group and knows nothing of policy."""
    return [
        Finding(message=f"{name} has {n} people.", verdict=Verdict.PASS, n=n, where="village", estimates=(rate(name, n // 2, n),))
        for name, n in (("Ober", 4), ("Unter", 60), ("Mitte", 80))
    ]


def rate(label: str, k: int, n: int) -> Estimate:
    return Estimate(label=label, value=k / n, interval=None, k=k, n=n)


def test_a_foreign_check_is_held_to_it_and_the_next_smallest_group_hides_the_one(tmp_path: Path) -> None:
    rows = spread({("A", 0): 72, ("A", 1): 72})
    (result,) = validate(subject(tmp_path, rows), (), Registry.of(villages), parameters={"*": {"min_cell": 10}}).results
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [bool(one.details.get(KEPT_BACK)) for one in result.findings] == [True, True, False]
    whole = json.dumps(plain(result)) + json.dumps(plain(evidence(result, SubjectRef(kind="table", name="t"), (), ())))
    assert "Mitte has 80" in whole
    assert "Ober" not in whole
    assert "Unter" not in whole


def test_what_is_asked_of_one_check_holds_for_all(tmp_path: Path) -> None:
    """fair.sig would publish what fair.air keeps back."""
    rows = spread({("A", 0): 60, ("A", 1): 60, ("B", 0): 60, ("B", 1): 4})
    asked = {"fair.air": {"min_cell": 10}}
    report = validate(subject(tmp_path, rows), (), HERE, parameters=asked, only=("fair.sig", "data.quality"))
    assert {one.validator: one.parameters["min_cell"] for one in report.results} == {"fair.sig": 10, "data.quality": 10}
    assert "4 of 64" not in json.dumps(plain(report.results))


def test_a_team_raises_it_and_never_lowers_it(tmp_path: Path) -> None:
    rows = spread({("A", 0): 60, ("A", 1): 60})
    (pack,) = installed_policies(("us-fair-lending",))
    control = next(one for one in pack.controls if any(ask.validator == "fair.air" for ask in one.requirements))
    asks = tuple(
        replace(ask, parameters={**ask.parameters, "min_cell": 11}, sources={**ask.sources, "min_cell": "house"})
        if ask.validator == "fair.air"
        else ask
        for ask in control.requirements
    )
    strict = replace(pack, controls=(replace(control, requirements=asks),))
    with pytest.raises(BadInput, match="weaken 11"):
        validate(subject(tmp_path, rows), (strict,), HERE, parameters={"fair.air": {"min_cell": 5}})
    report = validate(subject(tmp_path, rows), (strict,), HERE, parameters={"*": {"min_cell": 5}}, only=("fair.sig",))
    assert report.results[0].parameters["min_cell"] == 11
    shown = " ".join(" ".join(one.asks) for one in report.requirements if one.validator == "fair.sig")
    assert "min_cell = 11 (asked of a check by another pack or by mlgov.toml, so it holds for all)" in shown
    for wrong in ({"*": {"limit": 0.9}}, {"*": {"min_cell": "11"}}, {"*": {"min_cell": -1}}):
        with pytest.raises((UsageError, BadInput)):
            validate(subject(tmp_path, rows), (), HERE, parameters=wrong, only=("fair.sig",))


def test_nothing_changes_where_nobody_asks(tmp_path: Path) -> None:
    rows = spread({("A", 0): 60, ("A", 1): 3})
    (result,) = validate(subject(tmp_path, rows), (), HERE, only=("data.quality",)).results
    assert "min_cell" not in result.parameters


def test_every_check_that_looks_at_rows_is_behind_the_door() -> None:
    """The families that publish counts by group, bin or cell; a check of texts, acts or forms alone counts no rows."""
    registry = installed_validators()
    checks = [check for name in registry.ids if isinstance(check := registry.get(name), Check)]
    behind = {check.id for check in checks if check.counts_rows}
    for family in ("fair.", "perf.", "monitor.drift", "monitor.performance", "data.", "proxy.", "explain.", "robust."):
        assert {check.id for check in checks if check.id.startswith(family)} <= behind
    assert {"priv.pii", "priv.minimise", "priv.special", "priv.retention"} <= behind
    assert not behind & {"audit.integrity", "code.sast", "gov.approval", "env.pin"}

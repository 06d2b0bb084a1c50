"""A document as a validator reads it: what did not pass in full, what passed counted, one figure where many small ones would stand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.core.verdicts import Verdict
from jupyter_mlgov.reports.dossier.assemble import dossier
from jupyter_mlgov.reports.dossier.checked import FIGURES, checks
from jupyter_mlgov.reports.dossier.document import Bullets, Figure, Table, all_spans, walk
from jupyter_mlgov.reports.figures import bars, figure_of
from jupyter_mlgov.validation.results import CheckResult, Estimate, Finding


@pytest.fixture(scope="module")
def facts(made: SimpleNamespace) -> Any:
    return made.dossier_facts()


def one(place: str, verdict: Verdict = Verdict.PASS, **more: Any) -> Finding:
    return Finding(message=f"{place} told", verdict=verdict, where=place, measured=0.5, interval=(0.4, 0.6), n=100, **more)


def written(facts: Any, *findings: Finding) -> list[Any]:
    result = CheckResult(
        validator="proxy.detect",
        version="1.0",
        title="Proxies",
        verdict=Verdict.WARN,
        summary="s",
        findings=findings,
        evidence=(Digest.of_text("e"),),
    )
    return list(checks(replace(facts, report=replace(facts.report, results=(result,))), "proxy.detect", caption="c"))


def test_a_lone_number_is_no_figure_and_many_are_one_with_a_line_each(facts: Any) -> None:
    assert not [block for block in written(facts, one("a"), one("b")) if isinstance(block, Figure)]
    places = [f"column {number}" for number in range(FIGURES + 1)]
    (figure,) = (block for block in written(facts, *map(one, places)) if isinstance(block, Figure))
    assert [estimate.label for estimate in figure.finding.estimates] == places
    assert str(figure_of(figure.finding)).count("<circle") == len(places)
    assert figure.evidence


def test_groups_limits_and_curves_keep_their_figures_beside_lone_numbers(facts: Any) -> None:
    groups = (Estimate(label="x = 0", value=0.1, interval=None, k=1, n=10), Estimate(label="x = 1", value=0.2, interval=None, k=2, n=10))
    kept = (one("groups", estimates=groups), one("limit", reference=0.45), one("curve", details={"roc": {"fpr": [0, 1], "tpr": [0, 1]}}))
    figures = [block for block in written(facts, *kept, *(one(f"{number}") for number in range(9))) if isinstance(block, Figure)]
    assert [len(figure.finding.estimates) for figure in figures].count(9) == 1
    assert all(any(figure.finding is wanted for figure in figures) for wanted in kept)


def test_what_did_not_pass_is_written_out_and_many_that_passed_are_counted(facts: Any) -> None:
    bad = [one(f"bad {number}", Verdict.FAIL) for number in range(7)]
    good = [one(f"good {number}") for number in range(5)]
    (bullets,) = (block for block in written(facts, *bad, *good) if isinstance(block, Bullets))
    said = ["".join(span.text for span in item) for item in bullets.items]
    assert [line for line in said if "failed" in line] == [line for line in said if "bad" in line]
    assert len(said) == 8
    assert "5 further findings; each is in the evidence." in said[-1]
    few = next(block for block in written(facts, *good[:3]) if isinstance(block, Bullets))
    assert len(few.items) == 3


def test_each_untested_demand_is_named_once_with_its_reason_and_a_citation_stands_once_a_control(made: SimpleNamespace) -> None:
    facts = made.dossier_facts()
    document = dossier(facts, "validator", "validation")
    section = next(one for one in walk(document.sections) if one.title == "Control matrix")
    bullets = next(block for block in section.blocks if isinstance(block, Bullets))
    text = " ".join("".join(span.text for span in item) for item in bullets.items)
    assert all(item.control in text for item in facts.report.unchecked)
    table = next(block for block in section.blocks if isinstance(block, Table))
    before = ""
    for row in table.rows:
        control, cited = row[0][0].text, row[1][0].text
        assert (cited == "as above") is (control == before)
        before = control
    assert sum(span.text == "as above" for span in all_spans(document)) < len(table.rows)


def test_a_long_name_is_shortened_with_its_beginning_kept_inside_the_drawing() -> None:
    """A range such as `0.744611 < x <= 0.842601` once lost its first letters at the edge of the page."""
    name = "0.744611 < x <= 0.842601 or more"
    tree = ElementTree.fromstring(bars([(name, 0.5, 0.5)]))
    label = next(node for node in tree.iter() if node.tag.endswith("text") and (node.text or "").startswith("0.744611"))
    assert label.get("text-anchor") == "end"
    # DejaVu Sans, the widest of the fonts named, takes 0.64 em a letter in the mean.
    assert float(label.get("x") or 0) - len(label.text or "") * 0.64 * float(label.get("font-size") or 0) >= 0

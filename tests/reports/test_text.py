"""The terminal's text: same order, marks and words, no line too long, no escape code that was not asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.lineage.facts import ObjectRef, SourceRef, Surroundings
from jupyter_mlgov.promotion.facts import Answer
from jupyter_mlgov.reports.clean import visible
from jupyter_mlgov.reports.lineage import lineage_text
from jupyter_mlgov.reports.status import status_text
from jupyter_mlgov.reports.terminal import columns, wrap
from jupyter_mlgov.reports.text import text
from jupyter_mlgov.reports.why import decision_text, why_text

CODES = re.compile(r"\x1b\[[0-9;]*m")
BOXES = re.compile("[\u2500-\u259f]")


def every_text(sample_reports: Mapping[str, Any], made: SimpleNamespace, *, colour: bool, width: int) -> list[str]:
    drawn = [text(sample.report, sample.context, colour=colour, width=width) for sample in sample_reports.values()]
    drawn += [decision_text(one, colour=colour, width=width) for one in (made.REFUSED, made.GRANTED)]
    drawn += [lineage_text(one, colour=colour, width=width) for one in (made.small_lineage(), made.large_lineage())]
    return [
        *drawn,
        why_text(made.REFUSED, made.STOPS, colour=colour, width=width),
        status_text(made.view(problem=made.NASTY), colour=colour, width=width),
    ]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider_than_asked_and_nothing_is_drawn_with_boxes(
    sample_reports: Mapping[str, Any], made: SimpleNamespace, width: int
) -> None:
    for drawn in every_text(sample_reports, made, colour=False, width=width):
        assert max(columns(line) for line in drawn.splitlines()) <= width
        assert not BOXES.search(drawn)
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn


def test_colour_adds_codes_and_changes_no_word(sample_reports: Mapping[str, Any], made: SimpleNamespace) -> None:
    plain = every_text(sample_reports, made, colour=False, width=88)
    painted = every_text(sample_reports, made, colour=True, width=88)
    assert [CODES.sub("", one) for one in painted] == plain
    assert all(CODES.search(one) for one in painted)


def test_the_oracle_reads_on_one_screen(sample_reports: Mapping[str, Any]) -> None:
    sample = sample_reports["mixed"]
    drawn = text(sample.report, sample.context, width=100)
    for words in (
        "NOT YET — 2 things stand in the way",
        "✕ critical Adverse impact ratio — failed (fair.air · cell 7)",
        "70.8 % (65.5–75.6) · 218 of 308",
        "0.7792 (95 % 0.7241–0.8385)",
        "○ 2",
        f"report {sample.report.digest}",
        "nobody here says “compliant”",
    ):
        assert words in drawn
    assert len(drawn.splitlines()) <= 50
    starts = [line[:2] for line in drawn.splitlines() if re.match(r"[✕⚡?!✓○] +(critical|high|\d)", line)]
    assert [start.strip() for start in starts[1:]] == ["✕", "✕", "⚡", "?", "!", "✓", "○"]


def test_an_empty_report_says_that_nothing_was_checked(sample_reports: Mapping[str, Any]) -> None:
    drawn = text(sample_reports["empty"].report)
    assert "NOTHING WAS CHECKED" in drawn
    assert "✓" not in drawn


def test_why_is_numbered_with_what_to_type_next(made: SimpleNamespace) -> None:
    lines = why_text(made.REFUSED, made.STOPS).splitlines()
    assert lines[0] == "2 things stand between credit-approval v3 and staging"
    assert lines[1].startswith("1 ✕ Adverse impact ratio is 0.7792")
    assert lines[2] == "    Next: Look at `%mlgov report`, cell 7."
    assert lines[3].startswith("2 ⌛ Needs one approval")


def test_a_shut_gate_without_reasons_is_called_a_defect(made: SimpleNamespace) -> None:
    from dataclasses import replace

    silent = replace(made.REFUSED, reasons=())
    assert "Something unsaid stands between" in why_text(silent, ())
    assert "this is a defect" in decision_text(silent)
    assert "Nothing stands" in why_text(made.GRANTED, ())


@pytest.mark.parametrize(
    ("answer", "words"), [(Answer.GRANTED, "✓ GRANTED"), (Answer.REFUSED, "✕ REFUSED"), (Answer.AWAITING_REVIEW, "⌛ NOT YET")]
)
def test_each_answer_has_its_mark_and_word(made: SimpleNamespace, answer: Answer, words: str) -> None:
    from dataclasses import replace

    drawn = decision_text(replace(made.REFUSED, answer=answer))
    assert drawn.startswith(words)
    assert "Asked by Ada. Approved by nobody." in drawn


def test_status_names_the_one_thing_to_do_and_keeps_stale_verdicts_apart(made: SimpleNamespace) -> None:
    drawn = status_text(made.view())
    assert drawn.splitlines()[-1] == "Next: Run the steps that are not up to date: train:champion."
    assert "↻ medium   Pinned environment: was “passed” before features ran after it" in drawn
    assert "12 controls of the policies not checked here, so not passed" in drawn
    assert "No steps yet." in status_text(made.view(steps=(), checks=(), why=()))


def test_lineage_says_what_each_step_read_from_whom(made: SimpleNamespace) -> None:
    drawn = lineage_text(made.small_lineage())
    assert "reads X, y of features" in drawn
    assert "reads file data/loanapp.parquet" in drawn
    assert "↻ [4] train:champion: stale, cell c3 — features ran after it" in drawn


def test_lineage_in_a_terminal_has_cells_tables_and_models_and_marks_what_is_stale(made: SimpleNamespace) -> None:
    """Two cells outside any step between the steps, one of them stale; then two hundred of them, of which few are named and all counted."""
    from dataclasses import replace

    lineage = made.small_lineage()
    table = ObjectRef(name="loans", kind="table", fingerprint=None)
    look = made.run_of("look", 5, None, reads=("loans",), writes=("seen",), outputs=(table,))
    told = lineage_text(replace(lineage, runs=(*lineage.runs, look, made.run_of("again", 6, None, reads=("seen",)))))
    assert "· 2 cells outside any step" in told
    assert "cells [5] look, [6] again" in told and "reads loans" in told and "makes table loans, seen" in told
    anew = made.run_of("look", 7, None, reads=("loans",), writes=("seen",))
    stale = lineage_text(replace(lineage, runs=(*lineage.runs, look, made.run_of("again", 6, None, reads=("seen",)), anew)), width=200)
    assert "↻ 2 cells outside any step" in stale and "stale [6] cell again: " in stale
    many = tuple(made.run_of(f"m{number}", number + 5, None, writes=(f"x{number}",)) for number in range(200))
    drawn = lineage_text(replace(lineage, runs=(*lineage.runs, *many)))
    assert "· 200 cells outside any step" in drawn and "and 188 more" in " ".join(drawn.split())
    assert len(drawn.splitlines()) < 40


def test_lineage_says_what_a_step_took_from_outside(made: SimpleNamespace) -> None:
    """The last run of each cell counts; the kernel's own variable is no fact about the cell; long lists are cut and say so."""
    lineage = made.small_lineage()
    run = next(one for one in lineage.runs if one.cell_id in lineage.steps[0].cells)
    hosts = tuple(f"h:{number}" for number in range(7))
    said = Surroundings(clocks=("time.time",), unseeded=("numpy.random",), variables=("IPYKERNEL_CELL_NAME", "HOME"), connections=hosts)
    source = SourceRef(system="delta", name="loans", version="3")
    before = replace(run, surroundings=Surroundings(programs=("old",)))
    again = replace(run, order=run.order + 50, surroundings=said, sources_read=(source,))
    drawn = lineage_text(replace(lineage, runs=(before, *lineage.runs, again)), width=400)
    taken = "takes delta loans at 3; the clock; unseeded numpy.random; variables HOME; connections h:0, h:1, h:2, h:3, h:4 and 2 more"
    assert taken in drawn
    assert "takes" not in lineage_text(lineage)
    assert "old" not in drawn


@given(st.text())
def test_visible_text_has_no_character_that_hides_or_moves(words: str) -> None:
    import unicodedata

    assert not {unicodedata.category(letter) for letter in visible(words)} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=200), st.integers(12, 60))
def test_wrap_loses_no_letter_and_keeps_the_width(words: str, width: int) -> None:
    lines = wrap(words, width, first="- ")
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "-" + "".join(words.split())

"""The graph is readable at 5 and at 200 cells: nothing overlaps, every label fits its box, every cell is there and can be clicked."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlgov.lineage.facts import Lineage, ObjectRef, Outcome, Step, StepState, StepStatus
from jupyter_mlgov.reports.graph import LEFT, WIDTH, bands
from jupyter_mlgov.reports.lineage import lineage_svg
from jupyter_mlgov.reports.terminal import columns
from jupyter_mlgov.testing import cell_run, digest

KINDS = ("data", "features", "train", "evaluate")


def notebook(count: int, *, nasty: str = "") -> Lineage:
    """`count` cells: two of three are steps, each reads what some above it made; a table, a model and long names among the results."""
    runs, statuses = [], []
    for place in range(count):
        step = Step(kind=KINDS[place % 4], name=f"part-{place}") if place % 3 else None
        cell, name = f"cell-{place}", f"a_rather_long_name_of_a_table_{place}{nasty}"
        reads = tuple(f"a_rather_long_name_of_a_table_{above}{nasty}" for above in {place - 1, place // 2} if 0 <= above < place)
        kind: Any = ("table", "model")[place % 2]
        fact = cell_run("", id=str(place), cell_id=cell, order=place + 1, source_digest=digest(cell), reads=reads, writes=(name, "x"))
        out = (ObjectRef(name=name, kind=kind, fingerprint=None),) if place % 2 else ()
        runs.append(replace(fact, step=step, outputs=out, outcome=Outcome.OK))
        if step is not None:
            state, why = (StepState.STALE, f"{nasty}it rests on what changed") if place % 7 == 0 else (StepState.FRESH, "")
            statuses.append(StepStatus(step=step, cells=(cell,), state=state, why=why, order=place + 1, reads=reads, writes=(name, "x")))
    return Lineage(notebook=f"big{nasty}.ipynb", session=None, runs=tuple(runs), steps=tuple(statuses))


@pytest.mark.parametrize("count", [1, 5, 200])
def test_nothing_overlaps_and_every_label_fits(count: int) -> None:
    drawn = bands(notebook(count))
    for above, below in pairwise(drawn):
        assert above.y + above.height < below.y
    for band in drawn:
        boxes = [(chip.x, chip.y, chip.x + chip.width, chip.y + 20) for chip in band.chips]
        assert all(
            left > LEFT and right < WIDTH and band.y + 20 < top and bottom < band.y + band.height for left, top, right, bottom in boxes
        )
        assert not [
            (one, other)
            for place, one in enumerate(boxes)
            for other in boxes[place + 1 :]
            if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
        ]
        assert all(columns(chip.text) * 7.2 <= chip.width for chip in band.chips)


@pytest.mark.parametrize("count", [5, 200])
def test_every_cell_is_there_once_and_leads_to_its_place(count: int) -> None:
    source = lineage_svg(notebook(count))
    assert sorted(re.findall(r'data-cell="([^"]+)"', source)) == sorted(f"cell-{place}" for place in range(count))
    assert source.count('href="#cell-id=') == count
    assert len(source) < 4000 * count + 20000


def test_arrows_come_from_who_made_what_is_read_and_stale_ones_are_dashed(made: SimpleNamespace) -> None:
    drawn = bands(made.small_lineage())
    assert [(band.title, [source for source, _ in band.uses]) for band in drawn] == [
        ("data", []),
        ("features", [0]),
        ("train:champion", [1]),
        ("evaluate", [1, 2]),
    ]
    assert [chip.text for chip in drawn[0].chips] == ["[2]", "← data/loanapp.parquet", "loans"]
    assert [chip.text for chip in drawn[2].chips] == ["[4]", "model"]
    assert [band.is_stale for band in drawn] == [False, False, True, True]
    assert "mgl-dash" in lineage_svg(made.small_lineage())


def test_cells_outside_any_step_are_drawn_between_the_steps() -> None:
    drawn = bands(notebook(7))
    assert [band.title for band in drawn][:3] == ["1 cell outside any step", "features:part-1", "train:part-2"]


def test_a_stale_cell_is_marked_by_itself() -> None:
    lineage = notebook(5)
    again = replace(lineage.runs[1], id="again", order=9)
    found = {chip.cell: chip for band in bands(replace(lineage, runs=(*lineage.runs, again))) for chip in band.chips if chip.cell}
    assert (found["cell-2"].stale and "cell-1" in found["cell-2"].title) or "features" in found["cell-2"].title
    assert not found["cell-0"].stale


def test_hostile_names_and_ids_stay_text(made: SimpleNamespace) -> None:
    lineage = notebook(5, nasty=made.NASTY)
    bad = replace(lineage, runs=tuple(replace(run, cell_id=f'{run.cell_id}"><script>x') for run in lineage.runs), steps=())
    source = lineage_svg(bad)
    assert "<script" not in source and "\x1b" not in source and "javascript:" not in source
    assert not re.search(r'href="(?!#cell-id=[A-Za-z0-9%._~-]+")', source)


@pytest.mark.parametrize("count", [5, 200])
def test_a_browser_finds_no_text_outside_its_box(count: int, browser: Any) -> None:
    """Measured with the browser's own letters: text within its chip or band, and no two labels over one another."""
    page = browser.new_page()
    page.set_content(f"<body>{lineage_svg(notebook(count))}</body>")
    found = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('svg text')].map(one => one.getBoundingClientRect());
            const wide = [...document.querySelectorAll('svg g > rect.mgl-chip')].filter(rect => {
                const text = rect.parentNode.querySelector('text').getBoundingClientRect(), box = rect.getBoundingClientRect();
                return text.left < box.left || text.right > box.right || text.top < box.top - 1 || text.bottom > box.bottom + 1;
            }).length;
            let over = 0;
            for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
                const a = boxes[i], b = boxes[j];
                if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) over++;
            }
            return [boxes.length, wide, over];
        }"""
    )
    page.close()
    assert found[0] > count and found[1:] == [0, 0]

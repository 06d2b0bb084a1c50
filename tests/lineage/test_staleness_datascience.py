"""Edited data-science notebooks, really run: chains of tables, views, models, figures, seeds under other names, SQL texts, files.

The pairs stand in edited_pairs.json, as cells, edits, and the numbers of the cells told. `spare` are cells told though they give the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lineage.test_staleness import Pair, told_and_run

pytestmark = pytest.mark.filterwarnings("ignore")  # the notebooks' own, as in a notebook


def read(told: dict[str, Any]) -> Pair:
    return Pair(
        story=told["story"],
        cells="\n---\n".join(told["cells"]),
        to={int(cell): text for cell, text in told["to"].items()},
        before={int(cell): text for cell, text in told.get("before", {}).items()},
        changed=set(told.get("changed", ())),
        restore=set(told.get("restore", ())),
        spare=set(told.get("spare", ())),
    )


PAIRS = [read(told) for told in json.loads(Path(__file__).with_name("edited_pairs.json").read_text("utf-8"))]


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.story for pair in PAIRS])
def test_exactly_what_differs_is_told(pair: Pair, tmp_path: Path) -> None:
    import matplotlib

    before = matplotlib.get_backend(auto_select=False)
    matplotlib.use("agg")
    try:
        told_and_run(pair, tmp_path)
    finally:
        if before is not None:
            matplotlib.use(before)


def test_few_cells_are_told_in_vain() -> None:
    """Each is named as `spare`: the same shape, the same sum, a file written again with what it held."""
    told, spare = sum(len(pair.changed) for pair in PAIRS), sum(len(pair.spare) for pair in PAIRS)
    assert spare <= 0.17 * told, (spare, told)

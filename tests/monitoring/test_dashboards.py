"""The dashboards are those of the code, of Grafana's own form, and every panel's questions have answers in a live Prometheus."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from jupyter_mlgov.cli import mlgov
from jupyter_mlgov.integrations.grafana import files as built
from jupyter_mlgov.monitoring.families import FAMILIES
from jupyter_mlgov.monitoring.panels import BOARDS, Board, Panel
from jupyter_mlgov.monitoring.rules import RECORDS
from tests.monitoring.live import Live, serve, until

SHIPPED = files("jupyter_mlgov.monitoring").joinpath("grafana")
SERVED = {
    *("mlgov_ready", "mlgov_breaker_position", "mlgov_canary_share", "mlgov_predictions_waiting", "mlgov_model_version"),
    *("mlgov_scored_rows_total", "mlgov_requests_refused_total"),
}


def test_the_shipped_dashboards_are_those_of_the_code() -> None:
    shipped = {one.name: one.read_text("utf-8") for one in SHIPPED.iterdir()}
    assert shipped == built(), "write them again: python -m tests.monitoring.golden"


@pytest.mark.parametrize("name", [f"{board.uid}.json" for board in BOARDS])
def test_a_dashboard_survives_grafanas_own_model_and_asks_what_the_board_asks(name: str) -> None:
    text = json.loads(SHIPPED.joinpath(name).read_text("utf-8"))
    assert json.loads(json.dumps(Dashboard.from_json(text), cls=JSONEncoder)) == text
    board = next(one for one in BOARDS if f"{one.uid}.json" == name)
    found = [(panel["title"], [target["expr"] for target in panel["targets"]]) for panel in text["panels"]]
    assert found == [(panel.title, [query for query, _ in panel.queries]) for panel in board.panels]
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in text["panels"])
    assert [one["name"] for one in text["templating"]["list"]] == (["datasource", "model"] if board.by_model else ["datasource"])
    for one, other in ((a, b) for a in text["panels"] for b in text["panels"] if a is not b):
        assert _apart(one["gridPos"], other["gridPos"]), f"{one['title']} lies on {other['title']}"


def _apart(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    return across or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


QUERIES = [
    pytest.param(board, panel, query, id=f"{board.uid}: {panel.title} {place}")
    for board in BOARDS
    for panel in board.panels
    for place, (query, _) in enumerate(panel.queries)
]


@pytest.mark.parametrize(("board", "panel", "query"), QUERIES)
def test_a_question_is_asked_of_metrics_that_are_told_and_none_answers_itself(board: Board, panel: Panel, query: str) -> None:
    """`or vector(0)` would have an answer whatever Prometheus knows."""
    assert "vector(" not in query
    told = {one.name for one in FAMILIES} | SERVED
    assert set(re.findall(r"\bmlgov_\w+", query)) <= told
    assert set(re.findall(r"\bmlgov:\w+:\w+", query)) <= set(RECORDS)
    assert ("$model" in query) == bool(board.by_model), f"{panel.title} is about one model where the board is"


def _known(series: list[dict[str, Any]]) -> bool:
    """Is there a number among them? NaN is none."""
    return any(one["value"][1] != "NaN" for one in series)


@pytest.mark.slow
def test_every_panel_has_series_in_a_live_prometheus(live: Live) -> None:
    empty: set[str] = set()
    assert not _known(live.ask('mlgov_model_tier{model="nobody"}')), "a question about nobody has no answer"

    def missing() -> set[str]:
        serve(live.meters)  # the replica answers more between two scrapes, or a rate would have nothing to say
        asked = {one.values[2].replace("$model", "credit"): one.id for one in QUERIES}
        return {f"{name}: {query}" for query, name in asked.items() if not _known(live.ask(query))}

    def full() -> bool:
        empty.clear()
        empty.update(missing())
        return not empty

    try:
        until(full, "a series for every panel")
    except AssertionError:
        raise AssertionError("\n".join(sorted(empty))) from None


@pytest.mark.slow
@pytest.mark.parametrize("board", [one for one in BOARDS if one.by_model], ids=lambda one: one.uid)
def test_the_variable_finds_the_models(live: Live, board: Board) -> None:
    text = json.loads(SHIPPED.joinpath(f"{board.uid}.json").read_text("utf-8"))
    asked = re.fullmatch(
        r"label_values\((\w+), (\w+)\)", next(one["query"] for one in text["templating"]["list"] if one["name"] == "model")
    )
    assert asked
    found: list[dict[str, Any]] = until(lambda: live.ask(asked[1]), "models")
    assert "credit" in {one["metric"][asked[2]] for one in found}


def test_the_shell_writes_them(tmp_path: Path) -> None:
    done = CliRunner().invoke(mlgov, ["monitor", "dashboards", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert {one.name: one.read_text("utf-8") for one in (tmp_path / "out").iterdir()} == built()

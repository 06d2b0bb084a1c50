"""The door to grafana-foundation-sdk: boards as the JSON that Grafana imports. The package ships what this builds; users need no extra."""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from jupyter_mlgov.monitoring.panels import BOARDS, Board, Panel

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_MODELS = {"record": "label_values(mlgov_model_tier, model)", "served": "label_values(mlgov_ready, model_name)"}


def files() -> dict[str, str]:
    """File name -> JSON, one for each board; the same on every machine."""
    made = {f"{board.uid}.json": build(board).build() for board in BOARDS}
    return {name: json.dumps(one, cls=JSONEncoder, indent=1, sort_keys=True) + "\n" for name, one in made.items()}


def build(board: Board) -> dashboard.Dashboard:
    """The board in Grafana's own form: the data source is chosen where it is opened."""
    made = (
        dashboard.Dashboard(board.title).uid(board.uid).tags(["mlgov"]).refresh("1m").time("now-24h", "now").timezone("browser").readonly()
    )
    made.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    if board.by_model:
        made.with_variable(_models(board.by_model))
    for panel in board.panels:
        made.with_panel(_panel(panel))
    return made


def _models(of: str) -> dashboard.QueryVariable:
    made = (
        dashboard.QueryVariable("model").label("Model").query(_MODELS[of]).datasource(SOURCE).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    return made.sort(VariableSort.ALPHABETICAL_ASC).multi(False).current(VariableOption(selected=False, text="", value=""))


def _panel(panel: Panel) -> stat.Panel | table.Panel | timeseries.Panel:
    made = _kind(panel).title(panel.title).datasource(SOURCE).unit(panel.unit).span(panel.width)
    made.height(4 if panel.kind == "stat" else 8)
    if panel.about:
        made.description(panel.about)
    for place, (query, legend) in enumerate(panel.queries):
        made.with_target(_query(panel, query, legend, chr(ord("A") + place)))
    steps = [Threshold(color="green"), *_steps(panel)]
    if len(steps) > 1:
        made.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return made


def _kind(panel: Panel) -> stat.Panel | table.Panel | timeseries.Panel:
    """Each with options of its own: Grafana is given no panel without any."""
    if panel.kind == "stat":
        return stat.Panel().graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE)
    if panel.kind == "table":
        return table.Panel().show_header(True)
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return timeseries.Panel().legend(legend)


def _query(panel: Panel, query: str, legend: str, name: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query).ref_id(name).legend_format(legend or "__auto")
    if panel.kind == "table":
        return made.instant().format(PromQueryFormat.TABLE)
    return made.instant() if panel.kind == "stat" else made.range()


def _steps(panel: Panel) -> list[Threshold]:
    given = (("orange", panel.low), ("red", panel.high))
    return [Threshold(color=colour, value=value) for colour, value in given if value is not None]

"""What a dashboard shows, as data: each panel with its questions in PromQL. Built into Grafana's own form by integrations/grafana.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MODEL = 'model="$model"'
SERVED = 'model_name="$model"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`queries` are (PromQL, legend); `unit` is an id of Grafana; from `low` on a value is amber, from `high` on red. `width`: 24 a row."""

    title: str
    queries: tuple[tuple[str, str], ...]
    kind: Literal["stat", "lines", "table"] = "lines"
    unit: str = "short"
    width: int = 12
    low: float | None = None
    high: float | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard. `by_model`: it has a variable with the models on record, or with those that are served."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    by_model: Literal["", "record", "served"] = ""


def _stat(title: str, query: str, *, low: float | None = None, high: float | None = None, unit: str = "short", about: str = "") -> Panel:
    return Panel(title=title, queries=((query, ""),), kind="stat", unit=unit, width=4, low=low, high=high, about=about)


def _lines(title: str, *queries: tuple[str, str], unit: str = "short", about: str = "") -> Panel:
    return Panel(title=title, queries=queries, unit=unit, about=about)


def _table(title: str, query: str, *, unit: str = "short", about: str = "") -> Panel:
    return Panel(title=title, queries=((query, ""),), kind="table", unit=unit, about=about)


VERDICTS = "0 failed, 1 check broke, 2 could not tell, 3 passed, look, 4 passed, 5 does not apply, 6 failed as chance may"

MODELS = Board(
    uid="mlgov-models",
    title="mlgov: all models",
    panels=(
        _stat("Models", "max(mlgov_models)"),
        _stat("In production", "max(mlgov_models_in_production)"),
        _stat("Findings open", "sum(max by (severity) (mlgov_findings))", high=1),
        _stat("Monitors silent", "max(mlgov_monitors_silent)", high=1),
        _stat("Reviews waiting", "max(mlgov_reviews_waiting)", low=1),
        _stat("Trail verifies", "min(mlgov_trail_verifies)", about="1: it verified when it was last looked at."),
        _stat("Plans nobody can read", "max(mlgov_models_unreadable)", high=1),
        _stat(
            "Models left out", 'max(mlgov_series_dropped{kind="models"})', low=1, about="They did not fit; the sums over all count them."
        ),
        _stat("Page is old", "time() - max(mlgov_record_read_timestamp_seconds)", unit="s", low=300, high=900),
        _lines("Findings open", ("max by (severity) (mlgov_findings)", "{{severity}}")),
        _lines(
            "Silent monitors and waiting reviews",
            ("max(mlgov_monitors_silent)", "silent"),
            ("max(mlgov_reviews_waiting)", "reviews waiting"),
        ),
        _table("Longest silent", "topk(20, mlgov:monitor_overdue_seconds:max > 0)", unit="s"),
        _table("Findings that stand longest", "topk(20, time() - mlgov_finding_opened_timestamp_seconds)", unit="s"),
        _table("Oldest evidence", "topk(20, mlgov:evidence_age_seconds:max)", unit="s"),
        _table("Gates that are shut", "mlgov_gate_open == 0", about="By the record; `mlgov why` gives the reasons."),
        _lines("Alarms a day", ("sum by (severity) (increase(mlgov_alarms_total[1d]))", "{{severity}}")),
        _lines("Reading and counting", ("max(mlgov_exporter_read_seconds)", "seconds"), unit="s"),
    ),
)

ONE_MODEL = Board(
    uid="mlgov-model",
    title="mlgov: one model",
    by_model="record",
    panels=(
        _stat("Verdict", f"min(mlgov_model_verdict{{{MODEL}}})", about=VERDICTS),
        _stat("Gate into production", f'min(mlgov_gate_open{{{MODEL}, stage="production"}})', about="1 open, 0 shut."),
        _stat("Age of the evidence", f"max(mlgov:evidence_age_seconds:max{{{MODEL}}})", unit="s"),
        _stat("Findings open", f"sum(mlgov_findings_open{{{MODEL}}})", high=1),
        _stat("Kill switch", f"max(mlgov:model_killed:max{{{MODEL}}})", high=1),
        _stat("Baseline answers", f"max(mlgov:model_breaker_open:max{{{MODEL}}})", high=1),
        _table("Versions", f"mlgov_model_version_info{{{MODEL}}}"),
        _table("Overdue by", f"mlgov:monitor_overdue_seconds:max{{{MODEL}}}", unit="s", about="Below 0: not due yet."),
        _lines("Checks on the last window", (f"mlgov_monitor_check_verdict{{{MODEL}}}", "{{check}}"), about=VERDICTS),
        _lines("Size of the effect", (f"mlgov_monitor_effect_size{{{MODEL}}}", "{{check}}"), about="In each check's own unit."),
        _lines("Since it was measured", (f"time() - mlgov_monitor_last_run_timestamp_seconds{{{MODEL}}}", "{{watched}}"), unit="s"),
        _lines("Rows of the last window", (f"mlgov_monitor_window_rows{{{MODEL}}}", "{{model}}")),
        _lines("Findings open", (f"mlgov_findings_open{{{MODEL}}}", "{{severity}}")),
        _lines("Alarms", (f"mlgov_alarms_total{{{MODEL}}}", "{{severity}}")),
    ),
)

SERVING = Board(
    uid="mlgov-serving",
    title="mlgov: serving and canary",
    by_model="served",
    panels=(
        _stat("Replicas that may get traffic", f"sum(mlgov_ready{{{SERVED}}})"),
        _stat("Answers that failed", f"max(mlgov:answers_failed:ratio_rate5m{{{SERVED}}})", unit="percentunit", low=0.005, high=0.01),
        _stat("99 % of answers within", f"max(mlgov:answer_seconds:p99_rate5m{{{SERVED}}})", unit="s", low=0.25, high=0.5),
        _stat("Breaker", f"max(mlgov_breaker_position{{{SERVED}}})", low=1, high=2, about="0 closed, 1 half-open, 2 open."),
        _stat("Challenger's share", f"max(mlgov_canary_share{{{SERVED}}})", unit="percent"),
        _stat("Predictions not written", f"max(mlgov_predictions_waiting{{{SERVED}}})", low=1000, high=100000),
        _lines(
            "Answers a second", (f"sum by (arm, version) (rate(model_infer_request_success_total{{{SERVED}}}[5m]))", "{{arm}} {{version}}")
        ),
        _lines("Failures a second", (f"sum by (arm, kind) (rate(model_infer_request_failure_total{{{SERVED}}}[5m]))", "{{arm}} {{kind}}")),
        _lines(
            "Latency by arm",
            (
                f"histogram_quantile(0.5, sum by (le, arm) (rate(request_predict_seconds_bucket{{{SERVED}}}[5m])))",
                "{{arm}} 50 %",
            ),
            (
                f"histogram_quantile(0.99, sum by (le, arm) (rate(request_predict_seconds_bucket{{{SERVED}}}[5m])))",
                "{{arm}} 99 %",
            ),
            unit="s",
        ),
        _lines("Rows a second", (f"sum by (arm) (rate(mlgov_scored_rows_total{{{SERVED}}}[5m]))", "{{arm}}")),
        _lines("Refused a second", (f"sum by (status) (rate(mlgov_requests_refused_total{{{SERVED}}}[5m]))", "{{status}}")),
        _table("What answers", f"mlgov_model_version{{{SERVED}}} == 1"),
        _lines("Canary by the record", (f"mlgov_canary_share_ratio{{{MODEL}}}", "{{model}} share"), unit="percentunit"),
        _lines(
            "Canary: since its start, and since somebody looked",
            (f"time() - mlgov_canary_started_timestamp_seconds{{{MODEL}}}", "{{model}} started"),
            (f"time() - mlgov_canary_looked_timestamp_seconds{{{MODEL}}}", "{{model}} looked at"),
            unit="s",
        ),
        _stat("Canary held", f"max(mlgov_canary_held{{{MODEL}}})", low=1),
    ),
)

REVIEWS = Board(
    uid="mlgov-reviews",
    title="mlgov: the review clock",
    panels=(
        _stat("Waiting", "max(mlgov_reviews_waiting)", low=1),
        _stat("Overdue", "sum(mlgov:review_left_seconds:min < bool 0)", high=1),
        _stat("Least time left", "min(mlgov:review_left_seconds:min)", unit="s"),
        _table("Time left", "sort(mlgov:review_left_seconds:min)", unit="s", about="Below 0: overdue."),
        _table("Waiting by model and stage", "mlgov_reviews_open"),
        _lines("Time left", ("mlgov:review_left_seconds:min", "{{model}} for {{stage}}"), unit="s"),
        _lines("Waiting", ("sum by (stage) (mlgov_reviews_open)", "{{stage}}")),
        _table("Since the gate was asked", "time() - mlgov_gate_decided_timestamp_seconds", unit="s"),
    ),
)

BOARDS = (MODELS, ONE_MODEL, SERVING, REVIEWS)

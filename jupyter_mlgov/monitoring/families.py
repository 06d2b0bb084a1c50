"""What Prometheus is told from the record: every metric with its kind, its labels and what it means, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric by Prometheus' conventions: base units, `_total` at the end of a counter's name, moments as Unix seconds."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"


_VERDICT = "0 failed, 1 check broke, 2 could not tell, 3 passed, look, 4 passed, 5 does not apply"

_WHOLE = (
    Family(name="mlgov_record_readable", help="1 where the record was read to its end for this page; 0: no model is told of."),
    Family(name="mlgov_record_entries", help="Entries of the record that this page rests on."),
    Family(name="mlgov_record_read_timestamp_seconds", help="When this page was made."),
    Family(name="mlgov_exporter_read_seconds", help="How long reading and counting took for this page."),
    Family(name="mlgov_exporter_info", help="1, with the version that wrote this page.", labels=("version",)),
    Family(
        name="mlgov_series_dropped",
        help="What was left out to keep this page bounded, by kind; the figures over all models count it still.",
        labels=("kind",),
    ),
    Family(name="mlgov_trail_verifies", help="1 where the trail verified when it was last looked at, 0 where not; missing: nobody looked."),
    Family(name="mlgov_trail_verified_timestamp_seconds", help="When the trail was last looked at from its first entry on."),
    Family(name="mlgov_outbox_waiting", help="Messages to other systems that wait to be taken."),
    Family(name="mlgov_models", help="Models on record."),
    Family(name="mlgov_models_in_production", help="Models of which a version is in their last stage."),
    Family(name="mlgov_models_unreadable", help="Models whose team file or plan cannot be read, so that nobody knows what is due."),
    Family(name="mlgov_findings", help="Findings of monitors that nobody settled, over all models.", labels=("severity",)),
    Family(name="mlgov_monitors_silent", help="Watched things that were due and not measured, over all models."),
    Family(name="mlgov_reviews_waiting", help="Reviews that nobody answered yet, over all models."),
)

_MODEL = (
    Family(name="mlgov_model_tier", help="Tier by the team file as it is now.", labels=("model",)),
    Family(name="mlgov_model_version_info", help="1 for the version that the record has in a stage.", labels=("model", "stage", "version")),
    Family(
        name="mlgov_model_validated_timestamp_seconds",
        help="When the model was last validated.",
        labels=("model",),
    ),
    Family(name="mlgov_model_verdict", help=f"Verdict of the last validation: {_VERDICT}.", labels=("model",)),
    Family(
        name="mlgov_gate_open",
        help="1 where the newest decision let a version into the stage, its approval has not ended and nothing refuted its evidence since.",
        labels=("model", "stage"),
    ),
    Family(name="mlgov_gate_decided_timestamp_seconds", help="When the gate was last asked.", labels=("model", "stage")),
    Family(name="mlgov_model_killed", help="1 where the kill switch is thrown, by the trail or by its file.", labels=("model",)),
    Family(name="mlgov_model_breaker_open", help="1 where the baseline answers, by order or by what a replica told.", labels=("model",)),
)

_MONITOR = (
    Family(name="mlgov_monitor_runs_total", help="Windows that were looked at.", labels=("model",), kind="counter"),
    Family(name="mlgov_monitor_window_rows", help="Rows of the last window.", labels=("model",)),
    Family(
        name="mlgov_monitor_last_run_timestamp_seconds",
        help="When a watched thing of the version in production was last measured; missing: never.",
        labels=("model", "watched"),
    ),
    Family(
        name="mlgov_monitor_due_timestamp_seconds",
        help="When a watched thing is silent unless it is measured before (the period and a tenth of it).",
        labels=("model", "watched"),
    ),
    Family(
        name="mlgov_monitor_check_verdict",
        help=f"Verdict of a check on the last window: {_VERDICT}, 6 failed as chance over all models may.",
        labels=("model", "check"),
    ),
    Family(
        name="mlgov_monitor_effect_size",
        help="The figure that decided a check on the last window, in the check's own unit: PSI for drift, a ratio for impact.",
        labels=("model", "check"),
    ),
    Family(name="mlgov_findings_open", help="Findings of monitors that nobody settled.", labels=("model", "severity")),
    Family(name="mlgov_finding_opened_timestamp_seconds", help="Since when a finding stands.", labels=("model", "watched")),
    Family(name="mlgov_finding_deadline_timestamp_seconds", help="Until when a finding is to be settled.", labels=("model", "watched")),
    Family(name="mlgov_alarms_total", help="Alarms that were raised.", labels=("model", "severity"), kind="counter"),
)

_CLOCKS = (
    Family(name="mlgov_reviews_open", help="Reviews of a model that nobody answered yet.", labels=("model", "stage")),
    Family(name="mlgov_review_warning_timestamp_seconds", help="When the first of them is due soon.", labels=("model", "stage")),
    Family(name="mlgov_review_deadline_timestamp_seconds", help="When the first of them is overdue.", labels=("model", "stage")),
    Family(name="mlgov_canary_share_ratio", help="Share of entities that the challenger answers, 0 in shadow.", labels=("model",)),
    Family(name="mlgov_canary_started_timestamp_seconds", help="When the canary that runs was started.", labels=("model",)),
    Family(
        name="mlgov_canary_looked_timestamp_seconds",
        help="When the canary was last judged; its start where it never was.",
        labels=("model",),
    ),
    Family(name="mlgov_canary_held", help="1 where the last look held the canary at its step.", labels=("model",)),
)

FAMILIES: tuple[Family, ...] = (*_WHOLE, *_MODEL, *_MONITOR, *_CLOCKS)

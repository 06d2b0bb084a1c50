"""What Prometheus works out from the record's figures, and whom it calls: recording and alerting rules as data."""

from __future__ import annotations

from jupyter_mlgov.rollout.alerts import Alert, Scope, failing, serving, slowest

HEADER = (
    "# Written by jupyter_mlgov (monitoring/rules.py); `mlgov monitor rules --out DIR` writes it again. Unit tests: mlgov.rules.test.yml.\n"
)
DAY = 86_400
_BY = Scope(by="model_name")


def _either(record: str, replica: str) -> str:
    """By model, from the record or from a replica: whichever says so first."""
    return f'max by (model) ({record} or label_replace({replica}, "model", "$1", "model_name", "(.*)"))'


RECORDS: dict[str, str] = {
    "mlgov:review_left_seconds:min": "min by (model, stage) (mlgov_review_deadline_timestamp_seconds) - time()",
    "mlgov:evidence_age_seconds:max": "time() - min by (model) (mlgov_model_validated_timestamp_seconds)",
    "mlgov:monitor_overdue_seconds:max": "time() - min by (model, watched) (mlgov_monitor_due_timestamp_seconds)",
    "mlgov:model_killed:max": _either("mlgov_model_killed", "mlgov_killed"),
    "mlgov:model_breaker_open:max": _either("mlgov_model_breaker_open", "(mlgov_breaker_position == bool 2)"),
    "mlgov:answers_failed:ratio_rate5m": failing(_BY),
    "mlgov:answer_seconds:p99_rate5m": slowest(_BY),
}


def _alert(name: str, expression: str, wait: str, severity: str, summary: str) -> Alert:
    return Alert(name=f"Mlgov{name}", expression=expression, wait=wait, severity=severity, summary=summary)


def _failed(checks: str) -> str:
    return f'mlgov_monitor_check_verdict{{check=~"{checks}"}} == 0'


_UNPROVEN = f"time() - mlgov_trail_verified_timestamp_seconds > {2 * DAY} or (mlgov_record_readable unless on () mlgov_trail_verifies)"
_NOT_LATE = "unless on (model, stage) time() - mlgov_review_deadline_timestamp_seconds > 0"

ABOUT_THE_RECORD = (
    _alert("ExporterAbsent", "absent(mlgov_record_readable)", "5m", "critical", "Nobody tells of the record: every other alert is blind."),
    _alert(
        "ExporterStale",
        "time() - mlgov_record_read_timestamp_seconds > 900",
        "0m",
        "critical",
        "The page about the record is {{ $value | humanizeDuration }} old.",
    ),
    _alert("RecordUnreadable", "mlgov_record_readable == 0", "1m", "critical", "The record cannot be read; no model is told of."),
    _alert("TrailBroken", "mlgov_trail_verifies == 0", "0m", "critical", "The trail no longer verifies."),
    _alert("TrailUnverified", _UNPROVEN, "1h", "warning", "Nobody has verified the trail for two days."),
    _alert("PlanUnreadable", "mlgov_models_unreadable > 0", "5m", "warning", "Of {{ $value }} models nobody can read what is due."),
    _alert(
        "SeriesDropped", "mlgov_series_dropped > 0", "15m", "warning", "{{ $value }} {{ $labels.kind }} did not fit on the exporter's page."
    ),
    _alert("OutboxWaits", "mlgov_outbox_waiting > 0", "2h", "warning", "{{ $value }} messages to other systems are not taken."),
)

ABOUT_MODELS = (
    _alert(
        "MonitorSilent",
        "time() - mlgov_monitor_due_timestamp_seconds > 0",
        "0m",
        "critical",
        "{{ $labels.watched }} of {{ $labels.model }} was due and is not measured.",
    ),
    _alert(
        "FindingOverdue",
        "time() - mlgov_finding_deadline_timestamp_seconds > 0",
        "0m",
        "critical",
        "The finding {{ $labels.watched }} about {{ $labels.model }} is open past its deadline.",
    ),
    _alert("Drift", _failed("monitor[.]drift.*"), "0m", "critical", "{{ $labels.model }}: the last window has drifted."),
    _alert("FairnessGap", _failed("fair[.].*"), "0m", "critical", "{{ $labels.model }}: {{ $labels.check }} failed on the last window."),
    _alert(
        "PerformanceFell",
        _failed("(monitor[.]performance|perf[.]).*"),
        "0m",
        "critical",
        "{{ $labels.model }}: {{ $labels.check }} failed on the last window.",
    ),
    _alert(
        "CheckFailed",
        'mlgov_monitor_check_verdict{check!~"(monitor[.]drift|fair[.]|monitor[.]performance|perf[.]).*"} == 0',
        "0m",
        "critical",
        "{{ $labels.model }}: {{ $labels.check }} failed on the last window.",
    ),
    _alert(
        "MonitorUnsure",
        "mlgov_monitor_check_verdict == 1 or mlgov_monitor_check_verdict == 2",
        "0m",
        "warning",
        "{{ $labels.model }}: {{ $labels.check }} could not tell on the last window.",
    ),
    _alert(
        "ReviewDueSoon",
        f"time() - mlgov_review_warning_timestamp_seconds > 0 {_NOT_LATE}",
        "0m",
        "warning",
        "A review of {{ $labels.model }} for {{ $labels.stage }} is due soon.",
    ),
    _alert(
        "ReviewOverdue",
        "time() - mlgov_review_deadline_timestamp_seconds > 0",
        "0m",
        "critical",
        "A review of {{ $labels.model }} for {{ $labels.stage }} is overdue.",
    ),
    _alert(
        "CanaryUndecided",
        f"time() - mlgov_canary_started_timestamp_seconds > {14 * DAY} or time() - mlgov_canary_looked_timestamp_seconds > {DAY}",
        "0m",
        "warning",
        "The canary of {{ $labels.model }} runs for two weeks, or nobody looked at it for a day.",
    ),
    _alert("CanaryHeld", "mlgov_canary_held == 1", "6h", "warning", "The canary of {{ $labels.model }} is held at its step."),
)

ABOUT_SERVING = serving(_BY, killed="mlgov:model_killed:max == 1", tripped="mlgov:model_breaker_open:max == 1")
ALERTS: tuple[Alert, ...] = (*ABOUT_THE_RECORD, *ABOUT_MODELS, *ABOUT_SERVING)


def groups() -> dict[str, object]:
    """The whole file. A replica calls its model `model_name`; an alert about it says `model` like all others."""
    figures = [{"record": name, "expr": expression} for name, expression in RECORDS.items()]
    served = [one.rule() if "mlgov:model_" in one.expression else one.rule(model="{{ $labels.model_name }}") for one in ABOUT_SERVING]
    return {
        "groups": [
            {"name": "mlgov-figures", "rules": figures},
            {"name": "mlgov-record", "rules": [one.rule() for one in ABOUT_THE_RECORD]},
            {"name": "mlgov-models", "rules": [one.rule() for one in ABOUT_MODELS]},
            {"name": "mlgov-serving", "rules": served},
        ]
    }


def text() -> str:
    """The file that the package holds and `mlgov monitor rules` writes."""
    from jupyter_mlgov.pipelines.targets.quoting import yaml_text

    return HEADER + yaml_text(groups())

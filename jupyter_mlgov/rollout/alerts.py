"""When Prometheus calls somebody about a model that serves: one text for the rules of a cluster and for those that a firm loads itself."""

from __future__ import annotations

from dataclasses import dataclass

RUNBOOK = "docs/operators/prometheus.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. `wait` is how long `expression` must hold; `summary` is for whoever is called, in Prometheus' templates."""

    name: str
    expression: str
    wait: str
    severity: str
    summary: str

    def rule(self, **labels: str) -> dict[str, object]:
        """As Prometheus reads it; the runbook is the heading of its own name in the operators' guide."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.wait,
            "labels": {"severity": self.severity, **labels},
            "annotations": {"summary": self.summary, "runbook_url": f"{RUNBOOK}#{self.name.lower()}"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which replicas are meant: PromQL `matchers`, and the label `by` which models are told apart (empty: all are one model).

    `errors` is a share of answers and `seconds` the 99th percentile of latency, from where on somebody is called; 1 % and 0.5 s are house.
    """

    matchers: str = ""
    by: str = ""
    errors: float = 0.01
    seconds: float = 0.5

    def over(self, function: str, metric: str, *, rate: str = "", also: str = "") -> str:
        """`function` over the series of `metric`, by model; `rate` is a window."""
        chosen = f"{metric}{{{self.matchers}}}" if self.matchers else metric
        labels = ", ".join(filter(None, (also, self.by)))
        grouped = f"{function} by ({labels}) " if labels else function
        return f"{grouped}({f'rate({chosen}[{rate}])' if rate else chosen})"


def failing(scope: Scope) -> str:
    """The share of answers that failed. A counter that never moved has no series: it counts as 0 where the other one is there."""
    failed = scope.over("sum", "model_infer_request_failure_total", rate="5m")
    good = scope.over("sum", "model_infer_request_success_total", rate="5m")
    failures, answers = f"({failed} or {good} * 0)", f"({good} or {failed} * 0)"
    return f"{failures} / ({answers} + {failures})"


def slowest(scope: Scope) -> str:
    """Seconds under which 99 % of the answers came."""
    return f"histogram_quantile(0.99, {scope.over('sum', 'request_predict_seconds_bucket', rate='5m', also='le')})"


def serving(scope: Scope, *, killed: str = "", tripped: str = "") -> tuple[Alert, ...]:
    """Whom a replica's own figures call. `killed` and `tripped` replace what says that the switch is thrown or the breaker open."""
    waiting = scope.over("max", "mlgov_predictions_waiting")
    killed = killed or f"{scope.over('max', 'mlgov_killed')} == 1"
    tripped = tripped or f"{scope.over('max', 'mlgov_breaker_position')} == 2"
    return (
        _alert("NotReady", f"{scope.over('min', 'mlgov_ready')} == 0", "2m", "critical", "A replica may not get traffic."),
        _alert("Killed", killed, "0m", "critical", "The kill switch is thrown."),
        _alert("Errors", f"{failing(scope)} > {scope.errors:g}", "2m", "critical", "Too many answers failed."),
        _alert("Slow", f"{slowest(scope)} > {scope.seconds:g}", "5m", "warning", "The 99th percentile of latency is over its limit."),
        _alert("BreakerOpen", tripped, "0m", "critical", "The baseline answers instead."),
        _alert("LogWaits", f"{waiting} > 100000", "5m", "warning", "Predictions are not written."),
    )


def absent(scope: Scope) -> Alert:
    """Silence is an alarm as well: a model whose metrics are gone is not healthy."""
    return _alert("Absent", f"absent(mlgov_ready{{{scope.matchers}}})", "2m", "critical", "No replica tells of itself.")


def _alert(name: str, expression: str, wait: str, severity: str, summary: str) -> Alert:
    return Alert(name=f"Mlgov{name}", expression=expression, wait=wait, severity=severity, summary=summary)

"""How the portfolio's numbers read, the same in every form."""

from __future__ import annotations

from jupyter_mlgov.monitoring.portfolio.attention import DueFinding, DueReview
from jupyter_mlgov.monitoring.portfolio.coming import Coming
from jupyter_mlgov.monitoring.portfolio.figures import Figure
from jupyter_mlgov.monitoring.portfolio.whole import Portfolio
from jupyter_mlgov.reports.numbers import count, percent

NO_DATA = "no data"
UNKNOWN = "unknown"
CAVEAT = (
    "Every figure is counted from the entries of the trail up to this moment; none is typed. Where nothing is to be counted it says "
    f'"{NO_DATA}". The policy packs are those that are installed now: no trail holds them.'
)


def headline(one: Portfolio) -> str:
    """Which moment, how many models, how many entries."""
    return f"{one.moment[:16].replace('T', ' ')} UTC · {_many(one.models, 'model')} · {_many(one.entries, 'entry', 'entries')}"


def value(figure: Figure) -> str:
    """`93.3 %`, `14.5 h`, `21.3 days`, or no data."""
    if figure.value is None:
        return NO_DATA
    return percent(figure.value) if figure.kind == "share" else length(figure.value)


def basis(figure: Figure) -> str:
    """What the value rests on: its numerator and denominator, or mean and longest."""
    if not figure.n:
        return f"nothing to count: no {figure.of}"
    if figure.kind == "share":
        return f"{count(figure.good)} of {count(figure.n)} {figure.of}"
    mean, longest = length(figure.mean or 0.0), length(figure.longest or 0.0)
    return f"median of {count(figure.n)} ({figure.of}); mean {mean}, longest {longest}"


def length(hours: float) -> str:
    """Hours up to three days, then days; what is not quite nothing is never written as nothing."""
    if 0 < hours < 0.05:
        return "under 0.1 h"
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"


def tier(number: int) -> str:
    """`tier 1`, or that nobody said."""
    return f"tier {number}" if number else "tier unknown"


def review(one: DueReview) -> str:
    """What is left of a review's time, in a sentence."""
    what = f"review {one.review.number} of {one.model} for {one.review.stage}"
    if one.hours is None:
        return f"{what}: the trail says no deadline"
    if one.hours < 0:
        return f"{what}: overdue by {length(-one.hours)}"
    return f"{what}: {length(one.hours)} left"


def severity(said: str) -> str:
    """`critical`, or that nobody said: older entries do not hold it."""
    return said or "severity unknown"


def finding(one: DueFinding) -> str:
    """What a finding is and where its time stands, in a sentence."""
    what = f"{one.model}: {one.finding.what or one.finding.id}, {severity(one.finding.severity)}"
    if one.days is None:
        age = f", open for {one.open_days:.0f} days" if one.open_days is not None else ""
        return f"{what} (no day was set{age})"
    return f"{what} (overdue by {one.days:.0f} days)" if one.overdue else f"{what} (due in {max(0.0, -one.days):.0f} days)"


def coming(one: Coming) -> str:
    """What begins and what it would close, in a sentence."""
    when = f"{one.date}, in {_many(one.days, 'day')}" if one.days > 0 else f"{one.date}, and reports are older than that"
    parts = [f"closes {_many(len(one.closes), 'model')}"] if one.closes else []
    parts += [f"leaves {_many(len(one.unchecked), 'model')} unchecked"] if one.unchecked else []
    parts += [f"{_many(one.clear, 'model')} clear"] if one.clear else []
    parts += [f"{_many(one.unjudged, 'model')} not judged under it"] if one.unjudged else []
    said = ", ".join(parts) or "no model has a report"
    return f"{when}: {one.title} ({_many(len(one.controls), 'control')}): {said}"


def _many(number: int, one: str, more: str = "") -> str:
    return f"{count(number)} {one if number == 1 else more or one + 's'}"

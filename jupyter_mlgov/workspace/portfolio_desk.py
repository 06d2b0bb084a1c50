"""The portfolio as the dashboard shows it: what it says at one moment in short, and the inventory a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.dates import moment_of
from jupyter_mlgov.core.errors import UsageError
from jupyter_mlgov.monitoring.portfolio.attention import RULE, attention
from jupyter_mlgov.monitoring.portfolio.figures import Figure
from jupyter_mlgov.monitoring.portfolio.store import SORTS, Asked
from jupyter_mlgov.workspace.portfolio import figures, open_findings, open_reviews, point, policies_ahead

if TYPE_CHECKING:
    from datetime import datetime

    from jupyter_mlgov.monitoring.portfolio.attention import DueFinding, DueReview
    from jupyter_mlgov.monitoring.portfolio.coming import Coming
    from jupyter_mlgov.monitoring.portfolio.facts import Standing
    from jupyter_mlgov.monitoring.portfolio.store import Placed
    from jupyter_mlgov.workspace.composition import Workspace

TOP = 10
NAMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRow:
    """One model at one moment. `tier` 0: nobody said; `declared`: somebody declared the tier and nothing was judged by it.

    `findings` counts the open ones, None where the model was never validated, so that nobody knows. `due` is the nearest deadline of an
    open review, `watched` when a monitor last looked, `days` the age of its evidence (of the model where it has none), `score` how much
    it asks to be looked at. Empty texts: the trail says nothing.
    """

    model: str
    notebook: str
    tier: int
    declared: bool
    stage: str
    version: str
    verdict: str
    validated: str
    findings: int | None
    reviews: int
    due: str
    watched: str
    days: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPage:
    """Some models of a portfolio, in the order asked for, of `models` in all, after the first `entries` entries of the trail."""

    moment: str
    entries: int
    models: int
    rows: tuple[PortfolioRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLine:
    """An open review. `hours` until its deadline, below 0 when it is overdue, None where the trail says no deadline."""

    model: str
    tier: int
    number: int
    stage: str
    due: str
    hours: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """An open finding. `days` since it was due, below 0 when it is not yet, None where nobody set a day; `open_days` since it was found."""

    model: str
    tier: int
    what: str
    severity: str
    due: str
    days: float | None
    open_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComingLine:
    """Controls of a pack that begin on one day. `names` are the first of the models that they would close; the rest are counts."""

    date: str
    days: int
    title: str
    controls: int
    closes: int
    names: tuple[str, ...]
    unchecked: int
    clear: int
    unjudged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """Where all models stood at `moment`, after the first `entries` entries of the trail; `as_of` is the day that was asked for, if any.

    Of `first`, `findings`, `reviews` and `coming` the most urgent are here; the counts are of all. `rule` says how `first` is ordered.
    """

    moment: str
    as_of: str
    entries: int
    models: int
    validated: int
    figures: tuple[Figure, ...]
    rule: str
    first: tuple[PortfolioRow, ...]
    findings: tuple[FindingLine, ...]
    findings_in_all: int
    overdue: int
    reviews: tuple[ReviewLine, ...]
    reviews_in_all: int
    coming: tuple[ComingLine, ...]


def portfolio_view(workspace: Workspace, as_of: str = "", *, top: int = TOP) -> PortfolioView:
    """The portfolio at the end of the day `as_of` (default: now). Raises BadInput for what is no day, or one to come."""
    at = point(workspace, moment_of(as_of))
    first, models = at.tables.page(Asked(now=at.moment, limit=top), at.upto)
    found, waiting = open_findings(at), open_reviews(at)
    ahead, validated = policies_ahead(at, workspace)
    return PortfolioView(
        moment=stamp(at.moment),
        as_of=as_of,
        entries=at.upto,
        models=models,
        validated=validated,
        figures=figures(at),
        rule=RULE,
        first=tuple(_row(placed, at.moment) for placed in first),
        findings=tuple(map(_finding, found[:top])),
        findings_in_all=len(found),
        overdue=sum(one.overdue for one in found),
        reviews=tuple(map(_review, waiting[:top])),
        reviews_in_all=len(waiting),
        coming=tuple(map(_coming, ahead)),
    )


def portfolio_page(workspace: Workspace, as_of: str, *, words: str, sort: str, descending: bool, offset: int, limit: int) -> PortfolioPage:
    """`limit` models from `offset` at that moment, straight from the read tables. Raises BadInput and UsageError."""
    chosen = next((one for one in SORTS if one == sort), None)
    if chosen is None:
        raise UsageError(f"There is no column {sort!r}.", expected=f"Expected one of {', '.join(SORTS)}.")
    at = point(workspace, moment_of(as_of))
    asked = Asked(now=at.moment, words=words, sort=chosen, descending=descending, offset=offset, limit=limit)
    found, models = at.tables.page(asked, at.upto)
    rows = tuple(_row(placed, at.moment) for placed in found)
    return PortfolioPage(moment=stamp(at.moment), entries=at.upto, models=models, rows=rows)


def _row(placed: Placed, now: datetime) -> PortfolioRow:
    standing = placed.standing
    looked = attention(standing, now)
    return PortfolioRow(
        model=standing.model,
        notebook=standing.notebook,
        tier=standing.grade,
        declared=bool(standing.grade and not standing.tier),
        stage=standing.stage,
        version=standing.version,
        verdict=standing.verdict,
        validated=standing.validated,
        findings=_known_findings(standing),
        reviews=len(standing.reviews),
        due=standing.due,
        watched=placed.watched,
        days=looked.days,
        score=looked.score,
    )


def _known_findings(standing: Standing) -> int | None:
    """How many are open; a model that nobody ever validated may have any number."""
    return len(standing.findings) if standing.findings or standing.validated else None


def _review(one: DueReview) -> ReviewLine:
    review = one.review
    return ReviewLine(model=one.model, tier=one.tier, number=review.number, stage=review.stage, due=review.due, hours=one.hours)


def _finding(one: DueFinding) -> FindingLine:
    found = one.finding
    return FindingLine(
        model=one.model,
        tier=one.tier,
        what=found.what or found.id,
        severity=found.severity,
        due=found.due,
        days=one.days,
        open_days=one.open_days,
    )


def _coming(one: Coming) -> ComingLine:
    return ComingLine(
        date=one.date,
        days=one.days,
        title=one.title,
        controls=len(one.controls),
        closes=len(one.closes),
        names=one.closes[:NAMES],
        unchecked=len(one.unchecked),
        clear=one.clear,
        unjudged=one.unjudged,
    )

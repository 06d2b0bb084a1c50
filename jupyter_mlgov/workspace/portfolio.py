"""The portfolio of this workspace: the read tables brought up to the log, and what they say at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.core.clock import stamp
from jupyter_mlgov.core.errors import BadInput
from jupyter_mlgov.monitoring.portfolio.attention import attention, due_findings, due_reviews
from jupyter_mlgov.monitoring.portfolio.coming import coming
from jupyter_mlgov.monitoring.portfolio.concentration import dependencies
from jupyter_mlgov.monitoring.portfolio.facts import Count
from jupyter_mlgov.monitoring.portfolio.figures import FIGURES, Definition, Figure, lengths, share
from jupyter_mlgov.monitoring.portfolio.inventory import entry
from jupyter_mlgov.monitoring.portfolio.projecting import Progress, catch_up, rebuild
from jupyter_mlgov.monitoring.portfolio.store import Asked, Placed, ReadTables, known
from jupyter_mlgov.monitoring.portfolio.whole import Entry, Portfolio

if TYPE_CHECKING:
    from jupyter_mlgov.monitoring.portfolio.attention import DueFinding, DueReview
    from jupyter_mlgov.monitoring.portfolio.coming import Coming
    from jupyter_mlgov.workspace.composition import Workspace

TOP = 20
_ALL = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A moment, and how many entries of the log were written by then."""

    moment: datetime
    upto: int
    tables: ReadTables


def point(workspace: Workspace, as_of: datetime | None = None, *, progress: Progress | None = None) -> Point:
    """The read tables, with all that kernels finished folded in, at `as_of` (default: now). Raises BadInput for a moment to come."""
    now = workspace.clock.now()
    if as_of is not None and as_of > now:
        raise BadInput(f"{stamp(as_of)[:16]} has not come yet.", expected="Expected a day that is over (UTC), or a time before now.")
    workspace.spools.drain(workspace.personal)
    tables = workspace.database.read_tables()
    head = catch_up(workspace.database, tables, progress=progress)
    return Point(moment=as_of or now, upto=head if as_of is None else tables.at(as_of), tables=tables)


def fold_again(workspace: Workspace, *, progress: Progress | None = None) -> int:
    """Drop the read tables and fold the whole log; how many entries that were."""
    return rebuild(workspace.database, workspace.database.read_tables(), progress=progress)


def portfolio(at: Point, workspace: Workspace, *, top: int = TOP, inventory: bool = False) -> Portfolio:
    """Everything at one point; with `inventory` also a line for every model."""
    tables, now = at.tables, at.moment
    first, models = tables.page(Asked(now=now, limit=top), at.upto)
    found, waiting = open_findings(at), open_reviews(at)
    ahead, validated = policies_ahead(at, workspace)
    name = named(workspace)
    return Portfolio(
        moment=stamp(now),
        entries=at.upto,
        models=models,
        validated=validated,
        figures=figures(at),
        first=tuple(attention(placed.standing, now) for placed in first),
        findings=found[: max(top, 0)],
        overdue=sum(one.overdue for one in found),
        findings_in_all=len(found),
        reviews=waiting[: max(top, 0)],
        reviews_in_all=len(waiting),
        coming=ahead,
        dependencies=dependencies(tables.edges(at.upto)),
        inventory=tuple(_entry(placed, name) for placed in tables.standings(at.upto)) if inventory else (),
    )


def figures(at: Point) -> tuple[Figure, ...]:
    """Every figure at one point, each from the entries up to there."""
    return tuple(_figure(at, one) for one in FIGURES)


def _figure(at: Point, definition: Definition) -> Figure:
    if definition.kind == "share":
        return share(definition, *at.tables.sums(definition.id, at.upto))
    found = at.tables.lengths(definition.id, at.upto)
    return lengths(definition, found.n, found.middle, found.mean, found.longest)


def came_from(at: Point, figure: str, *, offset: int = 0, limit: int = 100) -> tuple[tuple[Count, ...], int]:
    """The entries that a figure came from, the newest first, and how many there are. Raises UsageError for an unknown figure."""
    return at.tables.counts(known([one.id for one in FIGURES], figure), at.upto, offset, limit)


def open_findings(at: Point) -> tuple[DueFinding, ...]:
    """Every open finding, the overdue ones first and of those the gravest; read from the models that have one, and from no other."""
    found = [one for placed in _every(at, "findings") for one in due_findings(placed.standing, at.moment)]
    return tuple(sorted(found, key=lambda one: one.urgency))


def open_reviews(at: Point) -> tuple[DueReview, ...]:
    """Every open review, the nearest deadline first; read from the models that have one, and from no other."""
    waiting = [one for placed in _every(at, "due") for one in due_reviews(placed.standing, at.moment)]
    return tuple(sorted(waiting, key=lambda one: (one.hours is None, one.hours or 0.0, one.model)))


def _every(at: Point, only: Literal["due", "findings"]) -> tuple[Placed, ...]:
    return at.tables.page(Asked(now=at.moment, sort="model", limit=_ALL, only=only), at.upto)[0]


def policies_ahead(at: Point, workspace: Workspace) -> tuple[tuple[Coming, ...], int]:
    """What comes into force after this point and what it would close; and how many models have a whole report."""
    from jupyter_mlgov.validation.plugins import installed_policies, policy_ids

    groups = at.tables.ahead(at.upto)
    validated = at.tables.validated(at.upto)
    packs = installed_policies((*policy_ids(), *workspace.team.policies), workspace.root)
    return coming(packs, groups, validated, at.moment.date()), validated


def named(workspace: Workspace) -> Callable[[str], str]:
    """The name behind a pseudonym; the pseudonym itself where its key was destroyed."""

    def opened(pseudonym: str) -> str:
        person = workspace.people.person(pseudonym)
        return (person.name or person.id) if person else pseudonym

    return opened


def _entry(placed: Placed, named: Callable[[str], str]) -> Entry:
    now = placed.standing
    return Entry(model=now.model, tier=now.grade, stage=now.stage, verdict=now.verdict, entry=now.seq, values=entry(placed, named))

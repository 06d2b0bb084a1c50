"""Whose word counts: independent people, on this very report, and their last word only."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_mlgov.audit.personal import PREFIX
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.facts import Review
from jupyter_mlgov.promotion.terms import Terms, changed


def person(identity: str) -> str:
    """One person, however the name is typed: `Ana@Firm.com ` and `ana@firm.com` are the same eyes."""
    return identity.strip().casefold()


def same(one: str, other: str) -> bool:
    """May these two be one person? `ana` and `ana@firm.com` may: what cannot be told apart is taken for the same eyes."""
    one, other = person(one), person(other)
    return one == other or (("@" in one) != ("@" in other) and one.partition("@")[0] == other.partition("@")[0])


def last_words(reviews: tuple[Review, ...], report: Digest) -> tuple[Review, ...]:
    """Each person's newest review of `report`, by its place in the log. At the same place and moment a refusal is the later word."""
    ordered = sorted(reviews, key=lambda review: (review.seq, review.time, review.verdict != "approve"))
    newest = {person(review.actor.id): review for review in ordered if review.report == report}
    return tuple(newest.values())


def approving(
    reviews: tuple[Review, ...],
    report: Digest,
    authors: tuple[Actor, ...],
    reviewers: tuple[str, ...],
    at: datetime | None = None,
    now: Terms | None = None,
) -> tuple[Review, ...]:
    """The approvals of `report` that count at the moment `at`: no author's, nobody's outside a non-empty list of reviewers, one a person.

    `now` is what the gate asks now: what was approved under other rules counts no more. None: no gate is asked.
    Where nobody knows the authors, nobody can be told to be independent of them: nothing counts.
    """
    if not authors:
        return ()
    approved = (review for review in last_words(reviews, report) if review.verdict == "approve")
    return tuple(review for review in approved if not _why_not(review, authors, reviewers, at, now))


def lapsed(until: str, at: datetime | None) -> bool:
    """Is `at` after the day `until` (UTC)? An end that nobody can compare with a moment has come."""
    return bool(until) and (at is None or at.astimezone(UTC).date().isoformat() > until)


def stranger(actor: Actor, authors: tuple[Actor, ...], reviewers: tuple[str, ...]) -> str:
    """Why the word of `actor` does not count on a model of these authors, or an empty text."""
    who = person(actor.id)
    if not who:
        return "nobody's name stands under it"
    if any(author.id.startswith(PREFIX) for author in authors):
        return "an author was erased from the trail, so nobody can be told to be somebody else"
    if any(same(who, author.id) for author in authors):
        return "an author of the model cannot approve it (four eyes)"
    if reviewers and who not in {person(name) for name in reviewers}:
        return "mlgov.toml does not name them among those who may approve here"
    return ""


def ignored(
    reviews: tuple[Review, ...],
    report: Digest | None,
    authors: tuple[Actor, ...],
    reviewers: tuple[str, ...],
    at: datetime | None = None,
    now: Terms | None = None,
) -> tuple[str, ...]:
    """A sentence for each approval that does not count."""
    told = []
    current = last_words(reviews, report) if report else ()
    for review in current:
        why_not = _why_not(review, authors, reviewers, at, now)
        if review.verdict == "approve" and why_not:
            told.append(f"The approval by {review.actor} does not count: {why_not}.")
    counted = {person(review.actor.id) for review in current}
    others = {
        person(review.actor.id): review
        for review in reviews
        if review.report != report and review.verdict == "approve" and person(review.actor.id) not in counted
    }
    told.extend(
        f"The approval by {review.actor} is of another report ({review.report.short}) and does not count here."
        for review in others.values()
    )
    return tuple(told)


def _why_not(review: Review, authors: tuple[Actor, ...], reviewers: tuple[str, ...], at: datetime | None, now: Terms | None) -> str:
    if lapsed(review.until, at):
        return f"it lapsed after {review.until}"
    why_not = stranger(review.actor, authors, reviewers)
    others = changed(review.terms, now) if now and not why_not else ()
    return why_not or (f"it was asked for or given under other rules of this gate ({'; '.join(others)})" if others else "")

"""Whose word counts: independent people, on this very report, and their last word only."""

from __future__ import annotations

from jupyter_mlgov.audit.personal import PREFIX
from jupyter_mlgov.core.actors import Actor
from jupyter_mlgov.core.digests import Digest
from jupyter_mlgov.promotion.facts import Review


def person(identity: str) -> str:
    """One person, however the name is typed: `Ana@Firm.com ` and `ana@firm.com` are the same eyes."""
    return identity.strip().casefold()


def last_words(reviews: tuple[Review, ...], report: Digest) -> tuple[Review, ...]:
    """Each person's newest review of `report`. At the same moment a refusal is the later word."""
    ordered = sorted(reviews, key=lambda review: (review.time, review.verdict != "approve"))
    newest = {person(review.actor.id): review for review in ordered if review.report == report}
    return tuple(newest.values())


def approving(reviews: tuple[Review, ...], report: Digest, authors: tuple[Actor, ...], reviewers: tuple[str, ...]) -> tuple[Review, ...]:
    """The approvals of `report` that count: no author's, nobody's outside a non-empty list of reviewers, one a person.

    Where nobody knows the authors, nobody can be told to be independent of them: nothing counts.
    """
    if not authors:
        return ()
    return tuple(
        review for review in last_words(reviews, report) if review.verdict == "approve" and not _why_not(review, authors, reviewers)
    )


def ignored(reviews: tuple[Review, ...], report: Digest | None, authors: tuple[Actor, ...], reviewers: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence for each approval that does not count."""
    told = []
    current = last_words(reviews, report) if report else ()
    for review in current:
        why_not = _why_not(review, authors, reviewers)
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


def _why_not(review: Review, authors: tuple[Actor, ...], reviewers: tuple[str, ...]) -> str:
    who = person(review.actor.id)
    if not who:
        return "nobody's name stands under it"
    if any(author.id.startswith(PREFIX) for author in authors):
        return "an author was erased from the trail, so nobody can be told to be somebody else"
    if who in {person(author.id) for author in authors}:
        return "an author of the model cannot approve it (four eyes)"
    if reviewers and who not in {person(name) for name in reviewers}:
        return "reviewers in mlgov.toml does not name them"
    return ""

"""Erasing a person from the trail, legal holds, and what is kept for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.audit.entries import Draft
from jupyter_mlgov.audit.personal import PREFIX, Person
from jupyter_mlgov.audit.retention import Retained, due, hold_draft, holds, retained
from jupyter_mlgov.core.errors import NotReady, UsageError, unknown

if TYPE_CHECKING:
    from jupyter_mlgov.workspace.composition import Workspace

HOLDS = ("hold.placed", "hold.lifted")


def erase(workspace: Workspace, subject: str, reason: str) -> tuple[Person, ...]:
    """Destroy the keys of everybody called `subject` (an id as people type it, or a pseudonym). The log still verifies.

    Raises UsageError for somebody unknown and NotReady under a legal hold; a refusal is recorded.
    """
    persons = _named(workspace, subject)
    held = [
        why for pseudonym, why in holds(workspace.journal.entries(actions=HOLDS)).items() if pseudonym in {one.pseudonym for one in persons}
    ]
    if held:
        problem = f"a legal hold stands against it ({held[0]})"
        workspace.record(*(Draft(action="erasure.refused", subject=person.pseudonym, payload={"problem": problem}) for person in persons))
        raise NotReady(
            f"The personal fields of {subject} were not erased: {problem}.",
            next=f"Lift it first: `mlgov audit hold lift {subject} --reason …`.",
        )
    # First what is to be done, then the deed: a crash between the two leaves an erasure to repeat, not one that nobody recorded.
    workspace.record(*(Draft(action="person.erased", subject=person.pseudonym, payload={"reason": reason}) for person in persons))
    workspace.people.erase([person.pseudonym for person in persons])
    return persons


def hold(workspace: Workspace, subject: str, reason: str, *, lift: bool = False) -> tuple[str, ...]:
    """Place or lift a legal hold on a person. Raises UsageError for somebody unknown, NotReady when there is none to lift."""
    pseudonyms = tuple(person.pseudonym for person in _named(workspace, subject))
    standing = holds(workspace.journal.entries(actions=HOLDS))
    if lift and not standing.keys() & set(pseudonyms):
        raise NotReady(f"No legal hold stands on {subject}.", next="See `mlgov audit hold list`.")
    workspace.record(*(hold_draft(pseudonym, reason, lift=lift) for pseudonym in pseudonyms))
    return pseudonyms


def standing(workspace: Workspace) -> dict[str, str]:
    """Everybody under legal hold by the name that can be read, and why."""
    names = {person.pseudonym: person.id for person in workspace.people.everybody()}
    return {names.get(pseudonym, pseudonym): why for pseudonym, why in holds(workspace.journal.entries(actions=HOLDS)).items()}


def retention(workspace: Workspace) -> tuple[tuple[Retained, ...], tuple[str, ...]]:
    """The classes of retention with what they hold, and the persons whom no class and no hold asks for any more."""
    entries = list(workspace.database.entries())
    now = workspace.clock.now()
    needed = {entry.actor.id for entry in entries if due(entry) > now} | holds(entries).keys()
    over = tuple(person.id for person in workspace.people.everybody() if person.pseudonym not in needed)
    return retained(entries), over


def _named(workspace: Workspace, subject: str) -> tuple[Person, ...]:
    everybody = workspace.people.everybody()
    wanted = subject.strip().casefold()
    if not wanted:
        raise UsageError("Nobody was named.", expected="Expected the id a person acts under, for instance an e-mail address.")
    found = tuple(one for one in everybody if wanted in (one.id.strip().casefold(), one.pseudonym))
    if not found:
        if wanted.startswith(PREFIX):
            raise NotReady(f"The key of {subject} is gone already, or there never was one.")
        raise unknown("person", subject, sorted({one.id for one in everybody}), next="See `mlgov audit log`.")
    return found

"""One root for all that can go wrong, each with what happened, what was expected and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MlgovError(Exception):
    """A problem with a sentence for its reader.

    `what` happened, what was `expected`, what to do `next`. Surfaces print `str(error)` and never a traceback.
    `exit_code` is the shell's: 2 wrong usage, 3 could not check (see `docs/users/cli.md`).
    """

    exit_code = 3

    def __init__(self, what: str, *, expected: str = "", next: str = "") -> None:
        self.what, self.expected, self.next = what, expected, next
        super().__init__(" ".join(part for part in (what, expected, next) if part))


class UsageError(MlgovError):
    """The words typed cannot be taken: an unknown verb, stage, parameter or option value."""

    exit_code = 2


class NotReady(MlgovError):
    """What was asked needs something that is not there yet: a workspace, a run, a report."""


class BadInput(MlgovError):
    """A file or value that was given cannot be read as what it should be. Nothing was changed."""


class StorageProblem(MlgovError):
    """The workspace cannot be written or read: read-only, locked, full, damaged."""


class SystemUnreachable(MlgovError):
    """A foreign system did not answer. What was to be said to it stays in the outbox."""


def unknown(kind: str, given: str, known: Iterable[str], *, next: str = "") -> UsageError:
    """`No stage "prd". Did you mean "prod"? Known: prod, staging.`"""
    names = list(known)
    nearest = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f' Did you mean "{nearest[0]}"?' if nearest else ""
    return UsageError(f'No {kind} "{given}".{hint}', expected=f"Known: {', '.join(names) or 'none'}.", next=next)

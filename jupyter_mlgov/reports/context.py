"""What is said beside a report and is no part of its digest: the gate that was asked, what is stale, when it was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jupyter_mlgov.promotion.facts import Answer, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Without an `answer` no gate was asked, and no headline says MAY GO; `version` is the registry's, where there is one.

    `waived` names what a waiver lifts now: until when, by whom, for what reason, within which limit.
    """

    stage: str = ""
    why: tuple[Reason, ...] = ()
    stale: tuple[str, ...] = ()
    made: datetime | None = None
    answer: Answer | None = None
    version: str = ""
    waived: tuple[str, ...] = ()

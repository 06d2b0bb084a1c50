"""What a check can say, and which of these words open a gate."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """A check's answer. Only `pass`, `warn` and `not_applicable` can open a gate; a waiver is a decision, not a verdict."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"

    @property
    def opens(self) -> bool:
        return self in (Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE)

    @property
    def mark(self) -> str:
        return _MARKS[self][0]

    @property
    def word(self) -> str:
        return _MARKS[self][1]

    @property
    def rank(self) -> int:
        """0 is the worst: the order in which results are read."""
        return _ORDER.index(self)


_MARKS = {
    Verdict.PASS: ("✓", "passed"),
    Verdict.WARN: ("!", "passed, look"),
    Verdict.FAIL: ("✕", "failed"),
    Verdict.INCONCLUSIVE: ("?", "could not tell"),
    Verdict.ERROR: ("⚡", "check broke"),
    Verdict.NOT_APPLICABLE: ("–", "does not apply"),
}
_ORDER = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.WARN, Verdict.PASS, Verdict.NOT_APPLICABLE]


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict to show for several together. Nothing measured is `inconclusive`, never `pass`."""
    return min(verdicts, key=lambda verdict: verdict.rank, default=Verdict.INCONCLUSIVE)


class Severity(StrEnum):
    """How much a requirement matters. `critical` and `high` stay shut on `inconclusive` and `error`."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)

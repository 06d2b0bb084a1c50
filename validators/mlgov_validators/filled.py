"""Whether somebody really filled in a document: not empty, not a placeholder, not the template's own words."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime, time

LEAST = 20  # characters of an answer
TEMPLATE = 0.9  # as similar to the template as this is the template
_EMPTY = re.compile(
    r"\W*(?:to ?do|tb[ad]|fix ?me|xxx+|lorem ipsum.*|n\.?/?a\.?|none|\.\.\.|…|-+|\?+|<.*>|\[.*\]|\{.*\}|fill (?:me )?in.*|pending)\W*",
    re.I | re.S,
)


def lack(text: object, template: str = "", least: int = LEAST) -> str:
    """What is wrong with an answer as words that go on from "its section … ", or nothing where it is filled.

    Similarity is Ratcliff and Obershelp's (difflib), the limit of 0.9 a house figure.
    """
    words = " ".join(str(text or "").split())
    if not words:
        return "is empty"
    if _EMPTY.fullmatch(words):
        return "holds a placeholder"
    if len(words) < least:
        return f"has {len(words)} characters, under {least}"
    if template and difflib.SequenceMatcher(None, words.lower(), " ".join(template.split()).lower()).ratio() >= TEMPLATE:
        return "repeats the template"
    return ""


def moment(value: object) -> datetime | None:
    """An aware time from a date or time as mlgov.toml gives it (ISO 8601; a date is its first moment in UTC); None for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if len(str(value)) == len("2026-11-24"):
        found = datetime.combine(date.fromisoformat(str(value)), time.min)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

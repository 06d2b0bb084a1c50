"""Free text that people write into the trail: short enough to be read, and something that can be stored as it was meant."""

from __future__ import annotations

from jupyter_mlgov.core.errors import BadInput, UsageError

MOST = 10_000


def words(text: str, what: str, *, needed: bool = True) -> str:
    """`text` as it is, when it can stand in the trail. Raises UsageError for silence, BadInput for too much or what is no text.

    HTML, SQL and formulas are kept as written: who shows them escapes them.
    """
    if len(text) > MOST:
        raise BadInput(
            f"The {what} has {len(text):,} characters.",
            expected=f"Expected {MOST:,} at most.",
            next="Say it shorter, and keep long texts in a file under git.",
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadInput(f"The {what} holds signs that are no text.", next="Type it again.") from None
    if needed and not any(sign.isalnum() for sign in text):
        raise UsageError(f"The {what} says nothing.", expected="Expected a sentence; it stands in the trail.")
    return text

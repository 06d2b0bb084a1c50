"""Foreign text made harmless to read: what could move a cursor, hide or reorder letters is shown as an escape."""

from __future__ import annotations

import unicodedata

_LIMIT = 2000
# Controls, formats (bidi overrides, zero width, tags), surrogates, private use, unassigned, line and paragraph separators.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_BLANKS = "\t\n\r\v\f"


def visible(value: object, *, limit: int = _LIMIT) -> str:
    r"""`value` as one line in which every character is seen: `a\u202eb` for a right-to-left override, `\x1b` for ESC."""
    text = str(value)
    cut = len(text) - limit
    kept = text[:limit]
    # Most text is plain: looking at it letter by letter was half of a long report's time.
    shown = kept if kept.isascii() and kept.isprintable() else "".join(_seen(letter) for letter in kept)
    return f"{shown}… ({cut:,} more characters)" if cut > 0 else shown


def unseen(letter: str) -> bool:
    """Is it a letter that nobody sees, and that may move or reorder what is seen?"""
    return not " " <= letter <= "~" and unicodedata.category(letter) in _UNSEEN


def _seen(letter: str) -> str:
    if letter in _BLANKS:
        return " "
    if unicodedata.category(letter) not in _UNSEEN:
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_link(url: str) -> str:
    """`url` if it is a plain https address that may stand in a link, else an empty text."""
    from urllib.parse import urlsplit

    if visible(url) != url or any(letter in url for letter in " \"'<>\\`"):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return url if parts.scheme == "https" and host and parts.username is None else ""

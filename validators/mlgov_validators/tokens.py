"""Keys and passwords: the published forms of well-known tokens, and a random-looking value behind a word that says what it is."""

from __future__ import annotations

import math
import re
from collections import Counter

from mlgov_validators.kinds import Kind


def entropy(text: str) -> float:
    """Shannon's entropy of the characters in `text`, in bits a character; 0 for an empty text."""
    return -sum(number / len(text) * math.log2(number / len(text)) for number in Counter(text).values())


def _random(text: str) -> bool:
    """Random enough to be a key: 16 characters and 3.0 bits a character or more after the sign, with digits and letters. House figures."""
    value = re.split(r"[=:]\s*", text, maxsplit=1)[-1].strip("\"' ")
    mixed = any(item.isdigit() for item in value) and any(item.isalpha() for item in value)
    return len(value) >= 16 and mixed and entropy(value) >= 3.0


_WORD = (
    r"(?:[Pp]assword|PASSWORD|[Pp]asswd|[Ss]ecret|SECRET|[Tt]oken|TOKEN"
    r"|[Aa]pi_?-?[Kk]ey|API_?KEY|[Aa]ccess_?-?[Kk]ey|ACCESS_?KEY)"
)

TOKENS = (
    Kind(
        name="private key",
        screen="PRIVATE KEY",
        core=r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY",
        valid=bool,
        checked=True,
        before="",
        after="",
        holds="PRIVATE KEY",
    ),
    Kind(
        name="AWS access key",
        screen="AKIA|ASIA",
        core=r"(?:AKIA|ASIA)[A-Z2-7]{16}",
        holds="IA",
        valid=bool,
        checked=True,
        before=r"(?<!\w)",
        after=r"(?!\w)",
    ),
    Kind(
        name="GitHub token",
        screen="gh[pousr]_|github_pat_",
        holds="_",
        core=r"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,90}",
        valid=bool,
        checked=True,
        before=r"(?<!\w)",
        after=r"(?!\w)",
    ),
    Kind(
        name="Slack token",
        screen="xox",
        core=r"xox[abprs]-[A-Za-z0-9-]{10,80}",
        valid=bool,
        checked=True,
        before=r"(?<!\w)",
        after=r"(?!\w)",
        holds="xox",
    ),
    Kind(
        name="JSON web token",
        screen="eyJ",
        core=r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        valid=bool,
        checked=True,
        before=r"(?<!\w)",
        after=r"(?!\w)",
        holds="eyJ",
    ),
    Kind(
        name="password in an address",
        screen="://",
        core=r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"{}]{1,64}:[^\s:/@'\"{}$<>*]{3,64}@[A-Za-z0-9]",
        valid=lambda text: "..." not in text,
        checked=True,
        before=r"(?<!\w)",
        after="",
        holds="://",
    ),
    Kind(
        name="secret value",
        digits=1,
        screen=_WORD + r"[\"']? ?[=:] ?[\"']?[A-Za-z0-9+/_.=-]{16}",
        core=_WORD + r"[\"']?[ ]?[=:][ ]?[\"']?[A-Za-z0-9+/_.=-]{16,256}",
        valid=_random,
        checked=True,
        before="",
        after=r"(?![(\[])",
    ),
)

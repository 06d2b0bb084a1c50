"""What a team wrote in its own tables of mlgov.toml, read with a sentence for whatever is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from jupyter_mlgov.sdk import Subject, Unanswered
from mlgov_validators.filled import moment


def parts(subject: Subject, section: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
    """The tables below `[section]`, as `[section.NAME]`. Raises Unanswered where the team wrote none."""
    found = tuple((name, body) for name, body in subject.declared(section).items() if isinstance(body, Mapping))
    if not found:
        raise Unanswered(f"mlgov.toml has no [{section}.NAME].", next=f"Write one: docs/users/team-file.md shows [{section}].")
    return found


def word(body: Mapping[str, object], key: str) -> str:
    """The value as trimmed text; empty where it is missing."""
    value = body.get(key, "")
    return "" if value is None or isinstance(value, (Mapping, list)) else str(value).strip()


def number(body: Mapping[str, object], key: str) -> float | None:
    """The value as a number; None where it is none. A truth value is no number."""
    value = body.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def absent(body: Mapping[str, object], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `keys` that are missing or empty. `false` and 0 are said, so they are there."""
    return tuple(key for key in keys if not word(body, key) and not body.get(key))


def texts(body: Mapping[str, object], key: str) -> tuple[str, ...]:
    """A list of texts, or one text; anything else is empty."""
    value = body.get(key)
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return tuple(str(item) for item in value if str(item).strip()) if isinstance(value, list) else ()


def days(earlier: object, later: datetime) -> float | None:
    """Days from a date of mlgov.toml to a moment; None where it is no date."""
    found = moment(earlier)
    return (later - found).total_seconds() / 86400 if found else None


def same_person(one: str, other: str) -> bool:
    """Do two names mean one person? However they are typed."""
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()


def repeated(names: tuple[str, ...]) -> Iterator[str]:
    """Names that stand more than once, each once."""
    folded = [name.strip().casefold() for name in names]
    yield from dict.fromkeys(name for name in folded if folded.count(name) > 1)

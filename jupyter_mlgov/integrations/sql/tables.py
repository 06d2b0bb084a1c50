"""The tables, in words every database understands; what only one of them understands stands in its own module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect

# The newest revision in migrations/versions; a test holds the two together.
HEAD = "0003"
VERSION_TABLE = "mlgov_version"

metadata = MetaData()
_Number = BigInteger().with_variant(Integer(), "sqlite")
_MARK = "\U0010fffd"


class AnyText(TypeDecorator[str]):
    """Text that may hold NUL, which PostgreSQL's cannot: there U+10FFFD marks it (mark and 0 for NUL, mark and 1 for the mark itself)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or dialect.name == "sqlite" else without_nul(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or dialect.name == "sqlite" else with_nul(value)


def without_nul(text: str) -> str:
    """`text` in a form that has no NUL. with_nul(without_nul(text)) == text."""
    return text.replace(_MARK, _MARK + "1").replace("\x00", _MARK + "0") if _MARK in text or "\x00" in text else text


def with_nul(text: str) -> str:
    """The way back."""
    return text.replace(_MARK + "0", "\x00").replace(_MARK + "1", _MARK) if _MARK in text else text


_TEXTS = ("time", "actor", "action", "subject", "payload", "payload_digest", "previous", "digest")

log = Table(
    "log",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    *(Column(name, AnyText if name == "subject" else Text, nullable=False) for name in _TEXTS),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("key", AnyText, nullable=False, unique=True),
    Column("target", Text, nullable=False),
    Column("kind", AnyText, nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_digest", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_problem", AnyText, nullable=False),
)

# Whole tiles of the Merkle tree (audit/tiles.py): written with the entry that fills them, recomputed by every verification.
tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("idx", _Number, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

# Keys of persons, beside the log: the one table whose rows are meant to be deleted.
people = Table(
    "people",
    metadata,
    Column("person", Text, primary_key=True),
    Column("tag", Text, nullable=False, unique=True),
    Column("key", LargeBinary, nullable=False),
    Column("sealed", Text, nullable=False),
)

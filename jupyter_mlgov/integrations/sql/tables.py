"""The tables, in words every database understands; what only one of them understands stands in its own module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect

# The newest revision in migrations/versions; a test holds the two together.
HEAD = "0004"
VERSION_TABLE = "mlgov_version"

metadata = MetaData()
_Number = BigInteger().with_variant(Integer(), "sqlite")
_Real = Float(53).with_variant(Float(), "sqlite")
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


# -- read tables of the portfolio: dropped and folded again at any time, nothing stands in them that the log does not say --------------


def _seq(*, key: bool) -> Column[int]:
    return Column("seq", _Number, primary_key=key, nullable=False, autoincrement=False)


# How far the log is folded, and by which version of the fold.
folded = Table(
    "portfolio_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _seq(key=False),
    Column("version", Integer, nullable=False),
)
# Every thousand entries, the latest time that any entry up to there carries: where a moment lies in the log.
marks = Table("portfolio_marks", metadata, _seq(key=True), Column("latest", Text, nullable=False, index=True))
models = Table("portfolio_models", metadata, Column("model", AnyText, primary_key=True), Column("seq", _Number, nullable=False, index=True))
# A row for each entry that changed where a model stands; the newest one not behind a point of the log is the model at that point.
states = Table(
    "portfolio_states",
    metadata,
    Column("model", AnyText, primary_key=True),
    _seq(key=True),
    Column("moved", Text, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("stage", AnyText, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("validated", Text, nullable=False),
    Column("measured", _Real, nullable=False),
    Column("due", Text, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("words", AnyText, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("said", "data", "ahead", "body")),
)
# What many states share, under its digest.
shared = Table("portfolio_texts", metadata, Column("digest", Text, primary_key=True), Column("body", Text, nullable=False))
# What an entry adds to a figure, with the sums up to there: a share at a point of the log is one row.
counts = Table(
    "portfolio_counts",
    metadata,
    Column("figure", Text, primary_key=True),
    _seq(key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("model", AnyText, nullable=False),
    Column("n", Integer, nullable=False),
    Column("good", Integer, nullable=False),
    Column("hours", _Real),
    Column("sum_n", _Number, nullable=False),
    Column("sum_good", _Number, nullable=False),
    Column("entries", Text, nullable=False),
)
Index("portfolio_counts_hours", counts.c.figure, counts.c.hours, counts.c.seq)
watched = Table(
    "portfolio_watched", metadata, Column("model", AnyText, primary_key=True), _seq(key=True), Column("time", Text, nullable=False)
)
notebooks = Table(
    "portfolio_notebooks", metadata, Column("notebook", AnyText, primary_key=True), _seq(key=False), Column("time", Text, nullable=False)
)

READ = (folded, marks, models, states, shared, counts, watched, notebooks)

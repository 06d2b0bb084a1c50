"""The tables, in words every database understands; what only one of them understands stands in its own module."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

# The newest revision in migrations/versions; a test holds the two together.
HEAD = "0001"
VERSION_TABLE = "mlgov_version"

metadata = MetaData()
_Number = BigInteger().with_variant(Integer(), "sqlite")
_TEXTS = ("time", "actor", "action", "subject", "payload", "payload_digest", "previous", "digest")

log = Table(
    "log",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False) for name in _TEXTS),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("target", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_digest", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_problem", Text, nullable=False),
)

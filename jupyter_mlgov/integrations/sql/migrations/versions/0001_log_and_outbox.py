"""The append-only log, its guards, and the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jupyter_mlgov.integrations.sql.backend import protections

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Written out, not taken from tables.py: a revision must still make what it made when tables.py moves on."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "log",
        sa.Column("seq", number, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("time", "actor", "action", "subject", "payload", "payload_digest", "previous", "digest")
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("id", number, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False, unique=name == "key")
            for name in ("key", "target", "kind", "payload", "payload_digest")
        ),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_problem", sa.Text, nullable=False),
    )
    for statement in protections(op.get_bind().dialect.name, "log"):
        op.execute(statement)

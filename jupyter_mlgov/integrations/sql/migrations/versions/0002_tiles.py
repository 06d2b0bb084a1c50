"""Tiles of the Merkle tree; those of a log that is already long are computed here, once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jupyter_mlgov.integrations.sql.backend import protections
from jupyter_mlgov.integrations.sql.filling import fill_tiles, runner

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The chain of the entries does not change: a log of version 0001 keeps every digest."""
    op.create_table(
        "tiles",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    bind = op.get_bind()
    for statement in protections(bind.dialect.name, "tiles"):
        op.execute(statement)
    fill_tiles(runner(bind, "?" if bind.dialect.name == "sqlite" else "%s"))

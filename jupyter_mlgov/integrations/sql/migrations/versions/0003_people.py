"""Keys of persons, which can be destroyed. Entries written before this keep the names they carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Beside the log, not in it."""
    op.create_table(
        "people",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("tag", sa.Text, nullable=False, unique=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
    )

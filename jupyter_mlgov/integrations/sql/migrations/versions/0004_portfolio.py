"""Read tables of the portfolio: dropped and folded again from the log at any time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REAL = sa.Float(53).with_variant(sa.Float(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _seq(*, key: bool) -> sa.Column[int]:
    return sa.Column("seq", _NUMBER, primary_key=key, nullable=False, autoincrement=False)


def upgrade() -> None:
    """Beside the log; nothing in it changes."""
    op.create_table(
        "portfolio_position", sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), _seq(key=False), _whole("version")
    )
    op.create_table("portfolio_marks", _seq(key=True), _text("latest"))
    op.create_index("ix_portfolio_marks_latest", "portfolio_marks", ["latest"])
    op.create_table("portfolio_models", sa.Column("model", sa.Text, primary_key=True), _seq(key=False))
    op.create_index("ix_portfolio_models_seq", "portfolio_models", ["seq"])
    op.create_table(
        "portfolio_states",
        sa.Column("model", sa.Text, primary_key=True),
        _seq(key=True),
        _text("moved"),
        _whole("tier"),
        _text("stage"),
        _whole("rank"),
        _text("validated"),
        sa.Column("measured", _REAL, nullable=False),
        _text("due"),
        _whole("findings"),
        *(_text(name) for name in ("words", "said", "data", "ahead", "body")),
    )
    op.create_table("portfolio_texts", sa.Column("digest", sa.Text, primary_key=True), _text("body"))
    op.create_table(
        "portfolio_counts",
        sa.Column("figure", sa.Text, primary_key=True),
        _seq(key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        _text("model"),
        _whole("n"),
        _whole("good"),
        sa.Column("hours", _REAL),
        sa.Column("sum_n", _NUMBER, nullable=False),
        sa.Column("sum_good", _NUMBER, nullable=False),
        _text("entries"),
    )
    op.create_index("portfolio_counts_hours", "portfolio_counts", ["figure", "hours", "seq"])
    op.create_table("portfolio_watched", sa.Column("model", sa.Text, primary_key=True), _seq(key=True), _text("time"))
    op.create_table("portfolio_notebooks", sa.Column("notebook", sa.Text, primary_key=True), _seq(key=False), _text("time"))

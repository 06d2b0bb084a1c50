"""Alembic's entry: runs the revisions on the connection it was handed, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from jupyter_mlgov.integrations.sql.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Alembic environment: migrations always run online, on the connection handed in by `citybase.server.schema`."""

from alembic import context

from citybase.engines.postgres import metadata
from citybase.server import schema

schema.gather_tables()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    include_name=lambda name, type_, _parents: type_ != "table" or name in metadata.tables,
)
context.run_migrations()

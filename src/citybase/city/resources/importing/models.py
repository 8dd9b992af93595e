"""The table of uploaded files that wait for their decision."""

from sqlalchemy import Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["import_draft"]

import_draft = Table(
    "import_draft",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Only whoever uploaded it sees it.
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, ForeignKey("resource_kind.id"), nullable=False),
    Column("file_name", Text, nullable=False),
    # The file as it came: applying reads and checks it again.
    Column("content", LargeBinary, nullable=False),
    Column("encoding", Text),
    Column("sheet", Text),
    # previewed, applied
    Column("state", Text, nullable=False),
    Column("preview", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_import_draft_person_id_created_at", "person_id", "created_at"),
)

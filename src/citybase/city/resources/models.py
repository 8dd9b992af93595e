"""Tables of the ledger."""

from sqlalchemy import (
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from citybase.engines.postgres import metadata

__all__ = ["resource", "resource_history", "resource_kind", "resource_link"]

resource_kind = Table(
    "resource_kind",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # The pack's whole definition: a `KindDefinition` (schema, life cycle, properties).
    Column("definition", JSONB, nullable=False),
)

resource = Table(
    "resource",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, ForeignKey("resource_kind.id"), nullable=False, index=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Uuid, ForeignKey("organization.id"), nullable=False, index=True),
    Column("area_code", Text, index=True),
    Column("longitude", Double),
    Column("latitude", Double),
    Column("address", Text, nullable=False, server_default=""),
    Column("classification", SmallInteger, nullable=False, server_default="1"),
    Column("life_cycle", Text, nullable=False),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # Lists are sorted by these; the code makes each order unique.
    Index("ix_resource_name_code", "name", "code"),
    Index("ix_resource_updated_at_code", "updated_at", "code"),
)

resource_link = Table(
    "resource_link",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("from_id", Uuid, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False),
    Column("to_id", Uuid, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("relation", Text, nullable=False),
    UniqueConstraint("from_id", "to_id", "relation"),
)

resource_history = Table(
    "resource_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("resource_id", Uuid, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # Who did it, as they were then: id, name, organization.
    Column("actor", JSONB, nullable=False),
    Column("action", Text, nullable=False),
    # Maps a field to its value before and after.
    Column("change", JSONB, nullable=False),
    Index("ix_resource_history_resource_id_version", "resource_id", "version"),
)

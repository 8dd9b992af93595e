"""Tables of identity."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from citybase.engines.postgres import metadata

__all__ = ["api_token", "device_credential", "person", "role_grant", "session"]

person = Table(
    "person",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False, server_default="person"),
    Column("name", Text, nullable=False),
    Column("organization_id", Uuid, ForeignKey("organization.id"), nullable=False, index=True),
    Column("clearance", Integer, nullable=False, server_default="2"),
    Column("password_hash", Text),
    Column("must_change_password", Boolean, nullable=False, server_default="false"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", DateTime(timezone=True)),
    Column("disabled", Boolean, nullable=False, server_default="false"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""People and service accounts (`kind` person | service)."""

role_grant = Table(
    "role_grant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("organization_id", Uuid, ForeignKey("organization.id"), nullable=False),
    UniqueConstraint("person_id", "role", "organization_id"),
)

session = Table(
    "session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("actions", ARRAY(Text), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_used_at", DateTime(timezone=True)),
)

device_credential = Table(
    "device_credential",
    metadata,
    # The device id on the wire: the resource's code.
    Column("device", Text, primary_key=True),
    Column("resource_id", Uuid, nullable=False, unique=True),
    # SHA-256 of a generated 256-bit secret: high entropy needs no slow hash, and ten thousand devices
    # reconnecting after a restart must not wait for Argon2.
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

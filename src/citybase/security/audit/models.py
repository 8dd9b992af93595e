"""The searchable copy of the log: everything in it comes from the log's own bytes and can be rebuilt from them."""

from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["audit_entry"]

audit_entry = Table(
    "audit_entry",
    metadata,
    # The index in the log; `log_index` because INDEX is a word of SQL.
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("actor", JSONB, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("organization_id", Uuid),
    Column("outcome", Text, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("ix_audit_entry_time", "time"),
    Index("ix_audit_entry_actor_id", "actor_id", "log_index"),
    Index("ix_audit_entry_action", "action", "log_index"),
    Index("ix_audit_entry_target", "target_type", "target_id", "log_index"),
    Index("ix_audit_entry_organization_id", "organization_id", "log_index"),
)

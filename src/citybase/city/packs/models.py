"""Tables of packs: which are applied, and the digest of each definition as it was applied."""

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

from citybase.engines.postgres import metadata

__all__ = ["pack", "pack_definition"]

pack = Table(
    "pack",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("requires", ARRAY(Text), nullable=False),
    Column("serves", ARRAY(Text), nullable=False),
    # The folder it was applied from: its `functions.py` is loaded from there.
    Column("source", Text, nullable=False),
    # SHA-256 over the manifest and all definitions.
    Column("digest", LargeBinary, nullable=False),
    Column("applied_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

pack_definition = Table(
    "pack_definition",
    metadata,
    Column("pack", Text, ForeignKey("pack.id", ondelete="CASCADE"), primary_key=True),
    Column("section", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
)

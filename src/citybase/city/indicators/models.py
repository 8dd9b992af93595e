"""Tables of indicators."""

from sqlalchemy import Column, DateTime, Double, ForeignKey, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["indicator", "indicator_value"]

indicator = Table(
    "indicator",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("definition", JSONB, nullable=False),
    # When it was last computed or tried, and why that failed; null after a success.
    Column("attempted_at", DateTime(timezone=True)),
    Column("error", Text),
)

indicator_value = Table(
    "indicator_value",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("indicator", Text, ForeignKey("indicator.id", ondelete="CASCADE"), nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    # Null: there was nothing to measure (no closed case yet), which is not zero.
    Column("value", Double),
    Column("numerator", Double),
    Column("denominator", Double),
    # The moment the data was read, and the seconds that reading and computing took.
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("duration", Double, nullable=False),
    # Rows read, by relation.
    Column("rows_read", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("ix_indicator_value_indicator_time", "indicator", text("time DESC")),
)

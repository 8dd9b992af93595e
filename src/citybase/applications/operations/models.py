"""Tables of the operations centre."""

from sqlalchemy import Column, DateTime, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from citybase.engines.postgres import metadata

__all__ = ["boundary", "view"]

view = Table(
    "view",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("definition", JSONB, nullable=False),
)

boundary = Table(
    "boundary",
    metadata,
    Column("area_code", Text, primary_key=True),
    Column("geometry", JSONB, nullable=False),
    # 审图号 of the map the shape was taken from; a public map in China needs one.
    Column("approval", Text, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Official boundaries that an operator imported; until then the map draws computed cells and says so."""

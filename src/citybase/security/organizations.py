"""The organisation tree's table: security stands on it, because data scope is a set of places in this tree."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, Index, Row, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.postgres import metadata

__all__ = ["organization", "read_root"]

organization = Table(
    "organization",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False, server_default=""),
    Column("short_name", Text, nullable=False, server_default=""),
    Column("former_names", ARRAY(Text), nullable=False, server_default="{}"),
    Column("kind", Text, nullable=False),
    Column("parent_id", Uuid, ForeignKey("organization.id")),
    # Materialised path of codes, "/610100/610113/": a scope is a prefix of it.
    Column("path", Text, nullable=False),
    Column("area_code", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("ix_organization_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
)


async def read_root(connection: AsyncConnection) -> Row[*tuple[Any, ...]] | None:
    """The city itself, at the top of the tree; None before a city's pack was applied."""
    top = select(organization).where(organization.c.parent_id.is_(None)).order_by(func.length(organization.c.path))
    return (await connection.execute(top.limit(1))).first()

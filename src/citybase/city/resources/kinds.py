"""Kinds as the ledger reads them."""

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.resources.definitions import KindDefinition, LifeCycle, ObservedProperty
from citybase.city.resources.models import resource_kind
from citybase.kernel.errors import Problem

__all__ = ["KindItem", "list_kinds", "read_kind", "read_kinds"]


class KindItem(msgspec.Struct, frozen=True):
    """One kind as pages need it to draw forms, states and charts."""

    id: str
    name: str
    name_en: str
    description: str
    icon: str
    pack: str
    code_pattern: str
    code_example: str
    schema: dict[str, Any]
    life_cycle: LifeCycle
    properties: list[ObservedProperty]


async def list_kinds(connection: AsyncConnection) -> list[KindItem]:
    """All kinds that the applied packs declare, by id."""
    rows = await connection.execute(select(resource_kind).order_by(resource_kind.c.id))
    return [_item(row.pack, msgspec.convert(row.definition, KindDefinition)) for row in rows]


async def read_kinds(connection: AsyncConnection) -> dict[str, KindDefinition]:
    rows = await connection.execute(select(resource_kind.c.definition))
    kinds = (msgspec.convert(definition, KindDefinition) for definition in rows.scalars())
    return {kind.id: kind for kind in kinds}


async def read_kind(connection: AsyncConnection, identifier: str) -> KindDefinition:
    """One kind. Raises `unknown_kind`."""
    definition = await connection.scalar(select(resource_kind.c.definition).where(resource_kind.c.id == identifier))
    if definition is None:
        raise Problem("unknown_kind", kind=identifier)
    return msgspec.convert(definition, KindDefinition)


def _item(pack: str, kind: KindDefinition) -> KindItem:
    return KindItem(
        id=kind.id,
        name=kind.name,
        name_en=kind.name_en,
        description=kind.description,
        icon=kind.icon,
        pack=pack,
        code_pattern=kind.code.pattern,
        code_example=kind.code.example,
        schema=kind.schema,
        life_cycle=kind.life_cycle,
        properties=kind.properties,
    )

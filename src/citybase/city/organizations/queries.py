"""Reads of the tree, always within the reader's scope; search finds former names too."""

from collections import defaultdict
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.organizations.models import area, organization
from citybase.city.resources.models import resource
from citybase.kernel.errors import Problem
from citybase.security.principals import Principal
from citybase.security.scope import in_scope, visible

__all__ = [
    "AreaItem",
    "OrganizationItem",
    "OrganizationNameIndex",
    "find_by_name",
    "index_names",
    "list_areas",
    "list_organizations",
    "read_organization",
]


class OrganizationItem(msgspec.Struct, frozen=True):
    """One organisation as lists show it; `resources` counts what it owns itself and the reader may see."""

    id: UUID
    code: str
    name: str
    name_en: str
    short_name: str
    kind: str
    parent_id: UUID | None
    path: str
    area_code: str | None
    former_names: list[str]
    resources: int


class AreaItem(msgspec.Struct, frozen=True):
    """One division or zone; the point is WGS 84."""

    code: str
    name: str
    name_en: str
    level: str
    parent_code: str | None
    code_system: str
    longitude: float | None
    latitude: float | None


async def list_organizations(
    connection: AsyncConnection, principal: Principal, q: str | None = None, below: UUID | None = None
) -> list[OrganizationItem]:
    """Every organisation in scope in tree order; `q` is part of a code or of a present, short or former name."""
    statement = _items(principal)
    if q:
        statement = statement.where(_named_like(q))
    if below is not None:
        root = await read_organization(connection, principal, below)
        statement = statement.where(organization.c.path.startswith(root.path, autoescape=True))
    rows = await connection.execute(statement.order_by(organization.c.path))
    return [OrganizationItem(**row._mapping) for row in rows]


async def read_organization(connection: AsyncConnection, principal: Principal, identifier: UUID) -> OrganizationItem:
    """One organisation. Raises `not_found` also when it is out of scope."""
    row = (await connection.execute(_items(principal).where(organization.c.id == identifier))).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(identifier))
    return OrganizationItem(**row._mapping)


def _items(principal: Principal) -> Select[Any]:
    owned = (
        select(resource.c.owner_id, func.count().label("resources"))
        .where(in_scope(principal, "resource.read", resource.c.owner_id, classification=resource.c.classification))
        .group_by(resource.c.owner_id)
        .subquery()
    )
    columns = [organization.c[field] for field in OrganizationItem.__struct_fields__ if field != "resources"]
    statement = select(*columns, func.coalesce(owned.c.resources, 0).label("resources")).outerjoin_from(
        organization, owned, owned.c.owner_id == organization.c.id
    )
    return visible(statement, principal, "organization.read", organization.c.id)


def _named_like(q: str) -> ColumnElement[bool]:
    former = func.array_to_string(organization.c.former_names, " ")
    named = (organization.c.code, organization.c.name, organization.c.short_name, organization.c.name_en, former)
    return or_(*(column.icontains(q, autoescape=True) for column in named))


OrganizationNameIndex = dict[str, list[UUID]]


async def index_names(connection: AsyncConnection) -> OrganizationNameIndex:
    """Code and every present, short or former name of every organisation → the ids that answer to it.

    Unscoped: it resolves names in files; what the caller may do there is checked by the action that follows.
    """
    index: OrganizationNameIndex = defaultdict(list)
    for row in await connection.execute(select(organization)):
        for name in dict.fromkeys((row.code, row.name, row.short_name, *row.former_names)):
            if name:
                index[name].append(row.id)
    return dict(index)


async def find_by_name(connection: AsyncConnection, name: str) -> UUID | None:
    """The one organisation with this code or present, short or former name; None when nobody or several have it."""
    matching = or_(
        organization.c.code == name,
        organization.c.name == name,
        organization.c.short_name == name,
        organization.c.former_names.contains([name]),
    )
    found = (await connection.execute(select(organization.c.id).where(matching).limit(2))).scalars().all()
    return found[0] if len(found) == 1 else None


async def list_areas(connection: AsyncConnection, level: str | None, parent_code: str | None) -> list[AreaItem]:
    """Divisions and zones: public facts, the same for everybody."""
    statement = select(*(area.c[field] for field in AreaItem.__struct_fields__)).order_by(area.c.code)
    if level is not None:
        statement = statement.where(area.c.level == level)
    if parent_code is not None:
        statement = statement.where(area.c.parent_code == parent_code)
    return [AreaItem(**row._mapping) for row in await connection.execute(statement)]

"""Reads of the ledger, always within the reader's scope and clearance.

Search is a substring match on name, code and address: Chinese has no word boundaries to index by. It reads every
entry in scope (PostgreSQL's trigram extension is not in the embedded server); the filters narrow it first.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.organizations.models import area, organization
from citybase.city.resources.models import resource, resource_history, resource_link
from citybase.engines.paging import Order, Page, fetch_page
from citybase.kernel.errors import Problem
from citybase.security.principals import Principal
from citybase.security.scope import in_scope, visible

__all__ = [
    "SORTS",
    "Facet",
    "HistoryEntry",
    "Link",
    "Owner",
    "ResourceDetail",
    "ResourceFilter",
    "ResourceItem",
    "list_history",
    "list_resources",
    "read_facets",
    "read_resource",
    "select_resources",
]


class Owner(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    name: str


class ResourceItem(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as lists show it."""

    id: UUID
    kind: str
    code: str
    name: str
    owner: Owner
    area_code: str | None
    area_name: str | None
    longitude: float | None
    latitude: float | None
    classification: int
    life_cycle: str
    updated_at: datetime
    version: int


class LinkedResource(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    code: str
    name: str


class Link(msgspec.Struct, frozen=True):
    """A link as this entry sees it; `direction` is out (it starts here) or in. Ends out of scope are not shown."""

    id: UUID
    relation: str
    direction: str
    resource: LinkedResource


class ResourceDetail(ResourceItem, frozen=True, kw_only=True):
    """One entry with everything the ledger holds of it."""

    attributes: dict[str, Any]
    address: str
    tags: list[str]
    links: list[Link]
    created_at: datetime


class HistoryActor(msgspec.Struct, frozen=True):
    name: str
    organization: str | None = None


class HistoryEntry(msgspec.Struct, frozen=True):
    """One change: `changes` maps a field to its value before and after."""

    version: int
    time: datetime
    actor: HistoryActor
    action: str
    changes: dict[str, Any]


class Facet(msgspec.Struct, frozen=True):
    value: str
    count: int


class ResourceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list may be narrowed by. An organisation includes everything below it, an area everything inside it."""

    q: str | None = None
    kind: str | None = None
    organization: UUID | None = None
    life_cycle: str | None = None
    area: str | None = None
    classification: int | None = None


_SORT_COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "code": resource.c.code,
    "name": resource.c.name,
    "updated_at": resource.c.updated_at,
}
SORTS = tuple(sign + name for name in _SORT_COLUMNS for sign in ("", "-"))


async def list_resources(
    connection: AsyncConnection,
    principal: Principal,
    wanted: ResourceFilter,
    *,
    sort: str = "code",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ResourceItem]:
    """One page. Raises `invalid_input` for an unknown sort, a foreign cursor or a limit out of range."""
    if sort not in SORTS:
        raise Problem("invalid_input", reason=f"sort: {', '.join(SORTS)}")
    name, descending = sort.lstrip("-"), sort.startswith("-")
    order = [Order(_SORT_COLUMNS[name], descending)]
    if name != "code":
        order.append(Order(resource.c.code, descending))
    page = await fetch_page(connection, select_resources(principal, wanted), order, cursor, limit)
    return page.to([ResourceItem(**_fields(row)) for row in page.rows])


async def read_resource(connection: AsyncConnection, principal: Principal, identifier: UUID) -> ResourceDetail:
    """One entry with its links. Raises `not_found` also when it is out of scope or above the clearance."""
    statement = select_resources(principal, ResourceFilter()).add_columns(
        resource.c.attributes, resource.c.address, resource.c.tags, resource.c.created_at
    )
    row = (await connection.execute(statement.where(resource.c.id == identifier))).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(identifier))
    return ResourceDetail(
        **_fields(row),
        attributes=row.attributes,
        address=row.address,
        tags=row.tags,
        created_at=row.created_at,
        links=await _links(connection, principal, identifier),
    )


async def read_facets(
    connection: AsyncConnection, principal: Principal, wanted: ResourceFilter
) -> dict[str, list[Facet]]:
    """How many entries of the filtered list stand under each value of a field, the commonest first."""
    fields: dict[str, ColumnElement[Any]] = {
        "kind": resource.c.kind,
        "organization": resource.c.owner_id,
        "life_cycle": resource.c.life_cycle,
        "classification": resource.c.classification,
        # Written out, not bound: PostgreSQL must see that SELECT and GROUP BY mean the same.
        "area": func.left(resource.c.area_code, literal_column("6")),
    }
    narrowed = select_resources(principal, wanted)
    facets: dict[str, list[Facet]] = {}
    for name, column in fields.items():
        counted = narrowed.with_only_columns(column.label("value"), func.count().label("count"))
        grouped = counted.where(column.is_not(None)).group_by(column).order_by(func.count().desc(), column).limit(200)
        rows = await connection.execute(grouped)
        facets[name] = [Facet(str(value), count) for value, count in rows]
    return facets


async def list_history(
    connection: AsyncConnection, principal: Principal, identifier: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[HistoryEntry]:
    """An entry's changes, the newest first."""
    statement = visible(
        select(
            resource_history.c.version,
            resource_history.c.time,
            resource_history.c.actor,
            resource_history.c.action,
            resource_history.c.change.label("changes"),
        )
        .join(resource, resource.c.id == resource_history.c.resource_id)
        .where(resource_history.c.resource_id == identifier),
        principal,
        "resource.read",
        resource.c.owner_id,
        classification=resource.c.classification,
    )
    order = [Order(resource_history.c.id, descending=True)]
    page = await fetch_page(connection, statement, order, cursor, limit)
    return page.to([_history_entry(row) for row in page.rows])


def select_resources(principal: Principal, wanted: ResourceFilter) -> Select[Any]:
    """The scoped, filtered SELECT of list columns, unordered."""
    columns = [resource.c[field] for field in ResourceItem.__struct_fields__ if field not in {"owner", "area_name"}]
    statement = (
        select(
            *columns,
            area.c.name.label("area_name"),
            organization.c.id.label("owner_id"),
            organization.c.code.label("owner_code"),
            organization.c.name.label("owner_name"),
        )
        .join(organization, organization.c.id == resource.c.owner_id)
        .outerjoin(area, area.c.code == resource.c.area_code)
    )
    scoped = visible(
        statement, principal, "resource.read", resource.c.owner_id, classification=resource.c.classification
    )
    return scoped.where(*_conditions(wanted))


def _conditions(wanted: ResourceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (resource.c.kind, wanted.kind),
        (resource.c.life_cycle, wanted.life_cycle),
        (resource.c.classification, wanted.classification),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.q:
        searched = (resource.c.name, resource.c.code, resource.c.address)
        conditions.append(or_(*(column.icontains(wanted.q, autoescape=True) for column in searched)))
    if wanted.area is not None:
        conditions.append(resource.c.area_code.startswith(wanted.area, autoescape=True))
    if wanted.organization is not None:
        root = select(organization.c.path).where(organization.c.id == wanted.organization).scalar_subquery()
        conditions.append(func.starts_with(organization.c.path, root))
    return conditions


async def _links(connection: AsyncConnection, principal: Principal, identifier: UUID) -> list[Link]:
    links = []
    for direction, here, there in (
        ("out", resource_link.c.from_id, resource_link.c.to_id),
        ("in", resource_link.c.to_id, resource_link.c.from_id),
    ):
        statement = (
            select(resource_link.c.id, resource_link.c.relation, *(resource.c[f] for f in ("kind", "code", "name")))
            .add_columns(resource.c.id.label("other"))
            .join(resource, resource.c.id == there)
            .where(
                here == identifier,
                in_scope(principal, "resource.read", resource.c.owner_id, classification=resource.c.classification),
            )
            .order_by(resource_link.c.id)
            .limit(200)
        )
        for row in await connection.execute(statement):
            other = LinkedResource(row.other, row.kind, row.code, row.name)
            links.append(Link(row.id, row.relation, direction, other))
    return links


def _fields(row: Row[Any]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ResourceItem.__struct_fields__ if name != "owner"}
    return values | {"owner": Owner(row.owner_id, row.owner_code, row.owner_name)}


def _history_entry(row: Row[Any]) -> HistoryEntry:
    actor = HistoryActor(row.actor["name"], row.actor.get("organization"))
    return HistoryEntry(row.version, row.time, actor, row.action, row.changes)

"""Routes of the organisation tree and of the divisions."""

from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from citybase.city.organizations.actions import (
    OrganizationDraft,
    OrganizationNames,
    create_organization,
    move_organization,
    rename_organization,
)
from citybase.city.organizations.queries import (
    AreaItem,
    OrganizationItem,
    list_areas,
    list_organizations,
    read_organization,
)
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import begin

__all__ = ["ROUTES"]


class Organizations(msgspec.Struct):
    items: list[OrganizationItem]


class Areas(msgspec.Struct):
    items: list[AreaItem]


class OrganizationChange(OrganizationNames, forbid_unknown_fields=True):
    """New names, a new parent, or both."""

    parent_id: UUID | None = None


@get("/organizations", tags=["organizations"], summary="The organisation tree in my scope")
async def get_organizations(
    database: TheDatabase,
    principal: ThePrincipal,
    q: FromQuery[str | None] = None,
    below: FromQuery[UUID | None] = None,
) -> Organizations:
    async with database.begin() as connection:
        return Organizations(await list_organizations(connection, principal, q, below))


@get("/organizations/{organization_id:uuid}", tags=["organizations"], summary="One organisation")
async def get_organization(
    database: TheDatabase, principal: ThePrincipal, organization_id: FromPath[UUID]
) -> OrganizationItem:
    async with database.begin() as connection:
        return await read_organization(connection, principal, organization_id)


@post("/organizations", tags=["organizations"], summary="Add an organisation")
async def post_organization(
    data: JSONBody[OrganizationDraft], database: TheDatabase, principal: ThePrincipal
) -> OrganizationItem:
    async with begin(database, principal) as tx:
        identifier = await create_organization(tx, data)
        return await read_organization(tx.connection, principal, identifier)


@patch("/organizations/{organization_id:uuid}", tags=["organizations"], summary="Rename or move an organisation")
async def patch_organization(
    data: JSONBody[OrganizationChange],
    database: TheDatabase,
    principal: ThePrincipal,
    organization_id: FromPath[UUID],
) -> OrganizationItem:
    names = OrganizationNames(data.name, data.name_en, data.short_name)
    async with begin(database, principal) as tx:
        if names != OrganizationNames():
            await rename_organization(tx, organization_id, names)
        if data.parent_id is not None:
            await move_organization(tx, organization_id, data.parent_id)
        return await read_organization(tx.connection, principal, organization_id)


@get("/areas", tags=["organizations"], summary="Administrative divisions and zones")
async def get_areas(
    database: TheDatabase,
    principal: ThePrincipal,
    level: FromQuery[str | None] = None,
    parent_code: FromQuery[str | None] = None,
) -> Areas:
    async with database.begin() as connection:
        return Areas(await list_areas(connection, level, parent_code))


ROUTES = [get_organizations, get_organization, post_organization, patch_organization, get_areas]

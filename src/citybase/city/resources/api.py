"""Routes of the ledger."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from litestar.response import Stream

from citybase.city.resources.actions import ResourceChange, change_resource, create_resource, move_life_cycle
from citybase.city.resources.checking import ResourceDraft
from citybase.city.resources.classified import CLASSIFIED, audit_classified
from citybase.city.resources.credentials import DeviceCredential, issue_credential, revoke_credential
from citybase.city.resources.export import ExportWriter, refuse_too_many, stream_csv, write_xlsx
from citybase.city.resources.kinds import KindItem, list_kinds
from citybase.city.resources.linking import LinkDraft, link_resources, unlink_resources
from citybase.city.resources.queries import (
    Facet,
    HistoryEntry,
    ResourceDetail,
    ResourceFilter,
    ResourceItem,
    list_history,
    list_resources,
    read_facets,
    read_resource,
)
from citybase.engines.paging import Page
from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.principals import Principal
from citybase.security.transactions import Transaction, begin

__all__ = ["ROUTES", "version_of"]

CLASSIFICATIONS = range(1, 5)
_EXPORTS: dict[str, tuple[ExportWriter, str]] = {
    "csv": (stream_csv, "text/csv; charset=utf-8"),
    "xlsx": (write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class Kinds(msgspec.Struct):
    items: list[KindItem]


class LifeCycleMove(msgspec.Struct, forbid_unknown_fields=True):
    to: str


class LinkMade(msgspec.Struct):
    id: UUID


async def provide_filter(
    *,
    q: FromQuery[str | None] = None,
    kind: FromQuery[str | None] = None,
    organization: FromQuery[UUID | None] = None,
    life_cycle: FromQuery[str | None] = None,
    area: FromQuery[str | None] = None,
    classification: FromQuery[int | None] = None,
) -> ResourceFilter:
    if classification is not None and classification not in CLASSIFICATIONS:
        raise Problem("invalid_input", reason="classification: 1–4")
    return ResourceFilter(
        q=q, kind=kind, organization=organization, life_cycle=life_cycle, area=area, classification=classification
    )


IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]
TheFilter = NamedDependency[ResourceFilter]
_FILTER = {"wanted": Provide(provide_filter)}


def version_of(if_match: str | None) -> int | None:
    """The version that an `If-Match` header names (`"3"`, `3`, `W/"3"`). Raises `invalid_input` for anything else."""
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Problem("invalid_input", reason='If-Match: 写版本号,例如 "3"')
    return int(text)


@get("/kinds", tags=["resources"], summary="Kinds of resources")
async def get_kinds(database: TheDatabase, principal: ThePrincipal) -> Kinds:
    async with database.begin() as connection:
        return Kinds(await list_kinds(connection))


@get("/resources", tags=["resources"], summary="The ledger", dependencies=_FILTER)
async def get_resources(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    wanted: TheFilter,
    sort: FromQuery[str] = "code",
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> Page[ResourceItem]:
    async with begin(database, principal) as tx:
        page = await list_resources(tx.connection, principal, wanted, sort=sort, cursor=cursor, limit=limit)
        await audit_classified(tx, "resource.read", [item.id for item in page.items])
        return page


@get("/resources/facets", tags=["resources"], summary="Counts by field", dependencies=_FILTER)
async def get_facets(database: TheDatabase, principal: ThePrincipal, wanted: TheFilter) -> dict[str, list[Facet]]:
    async with database.begin() as connection:
        return await read_facets(connection, principal, wanted)


@get("/resources/export", tags=["resources"], summary="Export the filtered ledger", dependencies=_FILTER)
async def export_resources(
    database: TheDatabase,
    principal: ThePrincipal,
    wanted: TheFilter,
    format: FromQuery[Literal["csv", "xlsx"]] = "csv",  # noqa: A002 - the query parameter's name
) -> Stream:
    async with begin(database, principal) as tx:
        if format == "xlsx":
            await refuse_too_many(tx.connection, principal, wanted)
        narrowed = {field: value for field, value in msgspec.to_builtins(wanted).items() if value is not None}
        await tx.audit("resource.export", "resource", format, narrowed)
    headers = {"content-disposition": f'attachment; filename="resources.{format}"'}
    writer, media_type = _EXPORTS[format]
    return Stream(_exported(database, principal, wanted, writer), media_type=media_type, headers=headers)


async def _exported(
    database: Database, principal: Principal, wanted: ResourceFilter, writer: ExportWriter
) -> AsyncIterator[bytes]:
    async with database.begin() as connection:
        async for chunk in writer(connection, principal, wanted):
            yield chunk


@get("/resources/{resource_id:uuid}", tags=["resources"], summary="One entry")
async def get_resource(
    database: TheDatabase, principal: ThePrincipal, resource_id: FromPath[UUID]
) -> Response[ResourceDetail]:
    async with begin(database, principal) as tx:
        return await _answer(tx, resource_id)


@post("/resources", tags=["resources"], summary="Register an entry")
async def post_resource(
    data: JSONBody[ResourceDraft], database: TheDatabase, principal: ThePrincipal
) -> Response[ResourceDetail]:
    async with begin(database, principal) as tx:
        return await _answer(tx, await create_resource(tx, data))


@patch("/resources/{resource_id:uuid}", tags=["resources"], summary="Change an entry (If-Match: its version)")
async def patch_resource(
    data: JSONBody[ResourceChange],
    database: TheDatabase,
    principal: ThePrincipal,
    resource_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[ResourceDetail]:
    version = version_of(if_match)
    if version is None:
        raise Problem("version_required")
    async with begin(database, principal) as tx:
        await change_resource(tx, resource_id, version, data)
        return await _answer(tx, resource_id)


@post("/resources/{resource_id:uuid}/life-cycle", tags=["resources"], summary="Move along a declared transition")
async def post_life_cycle(
    data: JSONBody[LifeCycleMove],
    database: TheDatabase,
    principal: ThePrincipal,
    resource_id: FromPath[UUID],
    if_match: IfMatch = None,
) -> Response[ResourceDetail]:
    async with begin(database, principal) as tx:
        await move_life_cycle(tx, resource_id, data.to, version_of(if_match))
        return await _answer(tx, resource_id)


@get("/resources/{resource_id:uuid}/history", tags=["resources"], summary="What changed, when, by whom")
async def get_history(
    database: TheDatabase,
    principal: ThePrincipal,
    resource_id: FromPath[UUID],
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> Page[HistoryEntry]:
    async with begin(database, principal) as tx:
        await _read(tx, resource_id)
        return await list_history(tx.connection, principal, resource_id, cursor=cursor, limit=limit)


@post("/resources/{resource_id:uuid}/credential", tags=["resources"], summary="Issue or replace a device credential")
async def post_credential(
    database: TheDatabase, principal: ThePrincipal, resource_id: FromPath[UUID]
) -> DeviceCredential:
    async with begin(database, principal) as tx:
        return await issue_credential(tx, resource_id)


@delete("/resources/{resource_id:uuid}/credential", tags=["resources"], summary="Revoke a device credential")
async def delete_credential(database: TheDatabase, principal: ThePrincipal, resource_id: FromPath[UUID]) -> None:
    async with begin(database, principal) as tx:
        await revoke_credential(tx, resource_id)


@post("/resources/{resource_id:uuid}/links", tags=["resources"], summary="Link to another entry")
async def post_link(
    data: JSONBody[LinkDraft], database: TheDatabase, principal: ThePrincipal, resource_id: FromPath[UUID]
) -> LinkMade:
    async with begin(database, principal) as tx:
        return LinkMade(await link_resources(tx, resource_id, data))


@delete("/resources/{resource_id:uuid}/links/{link_id:uuid}", tags=["resources"], summary="Remove a link")
async def delete_link(
    database: TheDatabase, principal: ThePrincipal, resource_id: FromPath[UUID], link_id: FromPath[UUID]
) -> None:
    async with begin(database, principal) as tx:
        await unlink_resources(tx, resource_id, link_id)


async def _answer(tx: Transaction, identifier: UUID) -> Response[ResourceDetail]:
    detail = await _read(tx, identifier)
    return Response(detail, headers={"etag": f'"{detail.version}"'})


async def _read(tx: Transaction, identifier: UUID) -> ResourceDetail:
    detail = await read_resource(tx.connection, tx.principal, identifier)
    if detail.classification >= CLASSIFIED:
        what: dict[str, Any] = {"code": detail.code, "classification": detail.classification}
        await tx.audit("resource.read", "resource", identifier, what, organization_id=detail.owner.id)
    return detail


ROUTES = [
    get_kinds,
    get_resources,
    get_facets,
    export_resources,
    get_resource,
    post_resource,
    patch_resource,
    post_life_cycle,
    get_history,
    post_credential,
    delete_credential,
    post_link,
    delete_link,
]

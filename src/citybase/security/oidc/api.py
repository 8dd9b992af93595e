"""Routes that register the systems which sign people in here."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from citybase.engines.paging import Page
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.oidc.clients import (
    ClientChange,
    NewClient,
    RegisteredClient,
    change_client,
    create_client,
    delete_client,
    list_clients,
)

__all__ = ["ROUTES"]


class CreatedClient(msgspec.Struct):
    """`client_secret` is shown this once; only its digest is kept. A public client has none."""

    client_id: UUID
    client_secret: str | None


@get("/oidc/clients", tags=["identity"], summary="Systems that sign people in here")
async def read_clients(
    database: TheDatabase,
    principal: ThePrincipal,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=200)]] = 50,
) -> Page[RegisteredClient]:
    return await list_clients(database, principal, cursor, limit)


@post("/oidc/clients", tags=["identity"], summary="Register a system")
async def add_client(data: JSONBody[NewClient], database: TheDatabase, principal: ThePrincipal) -> CreatedClient:
    return CreatedClient(*await create_client(database, principal, data))


@patch("/oidc/clients/{client_id:uuid}", tags=["identity"], summary="Change a system", status_code=204)
async def edit_client(
    client_id: FromPath[UUID], data: JSONBody[ClientChange], database: TheDatabase, principal: ThePrincipal
) -> None:
    await change_client(database, principal, client_id, data)


@delete("/oidc/clients/{client_id:uuid}", tags=["identity"], summary="Remove a system", status_code=204)
async def remove_client(client_id: FromPath[UUID], database: TheDatabase, principal: ThePrincipal) -> None:
    await delete_client(database, principal, client_id)


ROUTES = [read_clients, add_client, edit_client, remove_client]

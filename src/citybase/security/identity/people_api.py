"""Routes of people, roles and API tokens."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from citybase.engines.paging import Page
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.identity.people import (
    ROLES,
    NewPerson,
    Person,
    PersonChange,
    change_person,
    create_person,
    list_people,
    reset_password,
)
from citybase.security.identity.tokens import (
    Token,
    create_service_token,
    create_token,
    delete_token,
    list_tokens,
)

__all__ = ["ROUTES"]


class Created(msgspec.Struct):
    """`secret` is shown this once; only its hash is kept. A service account has none: give it a token."""

    id: UUID
    secret: str | None


class Role(msgspec.Struct):
    id: str
    name: str
    name_en: str


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    actions: list[str]
    expires_at: datetime | None = None


class TokenList(msgspec.Struct):
    items: list[Token]


@get("/people", tags=["identity"], summary="People and service accounts in my scope")
async def read_people(
    database: TheDatabase,
    principal: ThePrincipal,
    q: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=200)]] = 50,
) -> Page[Person]:
    return await list_people(database, principal, q, cursor, limit)


@post("/people", tags=["identity"], summary="Create an account")
async def add_person(data: JSONBody[NewPerson], database: TheDatabase, principal: ThePrincipal) -> Created:
    return Created(*await create_person(database, principal, data))


@patch("/people/{person_id:uuid}", tags=["identity"], summary="Change an account", status_code=204)
async def edit_person(
    person_id: FromPath[UUID], data: JSONBody[PersonChange], database: TheDatabase, principal: ThePrincipal
) -> None:
    await change_person(database, principal, person_id, data)


@post("/people/{person_id:uuid}/password", tags=["identity"], summary="Give a new first password")
async def renew_password(person_id: FromPath[UUID], database: TheDatabase, principal: ThePrincipal) -> Created:
    return Created(person_id, await reset_password(database, principal, person_id))


@get("/roles", tags=["identity"], summary="Roles that can be granted")
async def read_roles(principal: ThePrincipal) -> list[Role]:
    return [Role(role, zh, en) for role, (zh, en) in ROLES.items()]


@get("/tokens", tags=["identity"], summary="My API tokens")
async def read_tokens(database: TheDatabase, principal: ThePrincipal) -> TokenList:
    return TokenList(await list_tokens(database, principal))


@post("/tokens", tags=["identity"], summary="Make an API token")
async def add_token(data: JSONBody[NewToken], database: TheDatabase, principal: ThePrincipal) -> Created:
    return Created(*await create_token(database, principal, data.name, data.actions, data.expires_at))


@delete("/tokens/{token_id:uuid}", tags=["identity"], summary="Revoke one of my API tokens", status_code=204)
async def remove_token(token_id: FromPath[UUID], database: TheDatabase, principal: ThePrincipal) -> None:
    await delete_token(database, principal, token_id)


@post("/people/{person_id:uuid}/tokens", tags=["identity"], summary="Make a token for a service account")
async def add_service_token(
    person_id: FromPath[UUID], data: JSONBody[NewToken], database: TheDatabase, principal: ThePrincipal
) -> Created:
    return Created(
        *await create_service_token(database, principal, person_id, data.name, data.actions, data.expires_at)
    )


ROUTES = [
    add_service_token,
    read_people,
    add_person,
    edit_person,
    renew_password,
    read_roles,
    read_tokens,
    add_token,
    remove_token,
]

"""Systems that sign people in here: actions and reads of whoever administers identities at the root of the tree."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update

from citybase.engines.paging import Order, Page, fetch_page
from citybase.engines.postgres import Database
from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.ids import new_id
from citybase.security.identity.secrets import digest, new_secret
from citybase.security.oidc.addresses import address_errors
from citybase.security.oidc.models import oidc_client, oidc_code
from citybase.security.oidc.provider import SCOPES
from citybase.security.organizations import organization, read_root
from citybase.security.policy import require
from citybase.security.principals import Principal
from citybase.security.scope import visible
from citybase.security.transactions import Transaction, begin

__all__ = [
    "ClientChange",
    "NewClient",
    "RegisteredClient",
    "change_client",
    "create_client",
    "delete_client",
    "list_clients",
]

_MOST_ADDRESSES = 20


class NewClient(msgspec.Struct, forbid_unknown_fields=True):
    """`public`: an application that cannot keep a secret (in a browser, on a phone)."""

    name: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str] = []
    public: bool = False
    scopes: list[str] = msgspec.field(default_factory=lambda: list(SCOPES[:2]))


class ClientChange(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed; absent fields stay."""

    version: int
    name: str | None = None
    redirect_uris: list[str] | None = None
    post_logout_redirect_uris: list[str] | None = None
    scopes: list[str] | None = None
    disabled: bool | None = None


class RegisteredClient(msgspec.Struct):
    client_id: UUID
    name: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    public: bool
    scopes: list[str]
    disabled: bool
    version: int
    created_at: datetime


async def list_clients(
    database: Database, principal: Principal, cursor: str | None, limit: int
) -> Page[RegisteredClient]:
    """Registered clients, newest last."""
    statement = visible(select(oidc_client), principal, "identity.read", oidc_client.c.organization_id)
    async with database.begin() as connection:
        page = await fetch_page(connection, statement, [Order(oidc_client.c.id)], cursor, limit)
        return page.to([_registered(row) for row in page.rows])


async def create_client(database: Database, principal: Principal, data: NewClient) -> tuple[UUID, str | None]:
    """Register a client; returns its id and, unless it is public, the secret, which is not kept."""
    _check(data.name, data.redirect_uris, data.post_logout_redirect_uris, data.scopes)
    new, secret = new_id(), None if data.public else new_secret()
    async with begin(database, principal) as tx:
        root = await read_root(tx.connection)
        if root is None:
            raise Problem("not_found", what="organization")
        require(principal, "identity.write", root.path)
        await tx.connection.execute(
            insert(oidc_client).values(
                id=new,
                organization_id=root.id,
                name=data.name.strip(),
                secret_digest=digest(secret) if secret else None,
                redirect_uris=data.redirect_uris,
                post_logout_redirect_uris=data.post_logout_redirect_uris,
                scopes=_ordered(data.scopes),
            )
        )
        detail = {"name": data.name.strip(), "redirect_uris": data.redirect_uris, "public": data.public}
        await tx.audit("oidc_client.create", "oidc_client", new, detail, organization_id=root.id)
    return new, secret


async def change_client(database: Database, principal: Principal, client_id: UUID, change: ClientChange) -> None:
    """Change a client. One that is disabled, or loses an address, loses the codes that wait for it too."""
    async with begin(database, principal) as tx:
        row = await _locked(tx, client_id)
        if row.version != change.version:
            raise Problem("version_conflict", given=change.version, current=row.version)
        changed = {
            field: value
            for field, value in msgspec.structs.asdict(change).items()
            if field != "version" and value is not None
        }
        final = {**row._asdict(), **changed}
        _check(final["name"], final["redirect_uris"], final["post_logout_redirect_uris"], final["scopes"])
        if "scopes" in changed:
            changed["scopes"] = _ordered(changed["scopes"])
        await tx.connection.execute(
            update(oidc_client).where(oidc_client.c.id == client_id).values(changed | {"version": row.version + 1})
        )
        # Tokens hang on their codes, so what was granted on the old terms ends with them.
        await tx.connection.execute(delete(oidc_code).where(oidc_code.c.client_id == client_id))
        await tx.audit("oidc_client.change", "oidc_client", client_id, changed, organization_id=row.organization_id)


async def delete_client(database: Database, principal: Principal, client_id: UUID) -> None:
    """Remove a client with every code and token it holds."""
    async with begin(database, principal) as tx:
        row = await _locked(tx, client_id)
        await tx.connection.execute(delete(oidc_client).where(oidc_client.c.id == client_id))
        await tx.audit(
            "oidc_client.delete", "oidc_client", client_id, {"name": row.name}, organization_id=row.organization_id
        )


async def _locked(tx: Transaction, client_id: UUID) -> Any:
    statement = (
        select(oidc_client, organization.c.path)
        .join(organization, organization.c.id == oidc_client.c.organization_id)
        .where(oidc_client.c.id == client_id)
        .with_for_update(of=oidc_client)
    )
    scoped = visible(statement, tx.principal, "identity.read", oidc_client.c.organization_id)
    row = (await tx.connection.execute(scoped)).one_or_none()
    if row is None:
        raise Problem("not_found", what=client_id)
    require(tx.principal, "identity.write", row.path)
    return row


def _check(name: str, redirect: Sequence[str], post_logout: Sequence[str], scopes: Sequence[str]) -> None:
    errors = [
        *address_errors("/redirect_uris", redirect),
        *address_errors("/post_logout_redirect_uris", post_logout),
    ]
    if not 1 <= len(name.strip()) <= 100 or "\0" in name:
        errors.append(FieldError("/name", "length", "1–100 个字符 / 1–100 characters"))
    if not 1 <= len(redirect) <= _MOST_ADDRESSES or len(post_logout) > _MOST_ADDRESSES:
        errors.append(FieldError("/redirect_uris", "count", f"1–{_MOST_ADDRESSES}"))
    if "openid" not in scopes or not set(scopes) <= set(SCOPES):
        errors.append(FieldError("/scopes", "value", f"openid + {', '.join(SCOPES[1:])}"))
    if errors:
        raise Problem("invalid_input", errors, reason=", ".join(error.pointer for error in errors))


def _ordered(scopes: Sequence[str]) -> list[str]:
    return [scope for scope in SCOPES if scope in scopes]


def _registered(row: Any) -> RegisteredClient:
    return RegisteredClient(
        client_id=row.id,
        name=row.name,
        redirect_uris=row.redirect_uris,
        post_logout_redirect_uris=row.post_logout_redirect_uris,
        public=row.secret_digest is None,
        scopes=row.scopes,
        disabled=row.disabled,
        version=row.version,
        created_at=row.created_at,
    )

"""API tokens: what a program uses instead of a session. Each may do part of what its owner may do."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select

from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.identity.authenticate import load_principal
from citybase.security.identity.models import api_token
from citybase.security.identity.people import locked_below
from citybase.security.identity.secrets import digest, new_secret
from citybase.security.policy import actions, permitted_actions
from citybase.security.principals import Principal
from citybase.security.transactions import Transaction, begin

__all__ = ["Token", "create_service_token", "create_token", "delete_token", "list_tokens"]


class Token(msgspec.Struct):
    id: UUID
    name: str
    actions: list[str]
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


async def list_tokens(database: Database, principal: Principal) -> list[Token]:
    """One's own API tokens, newest first; their secrets are not kept."""
    async with database.begin() as connection:
        rows = await connection.execute(
            select(api_token).where(api_token.c.person_id == principal.id).order_by(api_token.c.id.desc())
        )
        return [Token(r.id, r.name, r.actions, r.expires_at, r.created_at, r.last_used_at) for r in rows]


async def create_token(
    database: Database, principal: Principal, name: str, wanted: Sequence[str], expires_at: datetime | None
) -> tuple[UUID, str]:
    """A token of one's own that may do at most `wanted`, and never more than its owner; the secret is shown once."""
    _refuse_token(principal)
    async with begin(database, principal) as tx:
        return await _insert(tx, principal, name, wanted, expires_at)


async def create_service_token(
    database: Database,
    principal: Principal,
    service_id: UUID,
    name: str,
    wanted: Sequence[str],
    expires_at: datetime | None,
) -> tuple[UUID, str]:
    """A token for a service account, made by whoever administers it: it cannot sign in to make its own."""
    async with begin(database, principal) as tx:
        row = await locked_below(tx, service_id)
        owner = await load_principal(tx.connection, service_id)
        if row.kind != "service" or owner is None:
            raise Problem("conflict", reason=f"{row.username}: {'disabled' if owner is None else row.kind}")
        return await _insert(tx, owner, name, wanted, expires_at)


async def delete_token(database: Database, principal: Principal, token_id: UUID) -> None:
    """Revoke one of one's own tokens, or of a service account one administers; its next request is refused."""
    _refuse_token(principal)
    async with begin(database, principal) as tx:
        owner = await tx.connection.scalar(select(api_token.c.person_id).where(api_token.c.id == token_id))
        if owner is None:
            raise Problem("not_found", what=token_id)
        if owner != principal.id and (await locked_below(tx, owner)).kind != "service":
            raise Problem("not_found", what=token_id)
        await tx.connection.execute(delete(api_token).where(api_token.c.id == token_id))
        await tx.audit("token.revoke", "token", token_id)


async def _insert(
    tx: Transaction, owner: Principal, name: str, wanted: Sequence[str], expires_at: datetime | None
) -> tuple[UUID, str]:
    unknown = [action for action in wanted if action not in actions()]
    beyond = set(wanted) - set(permitted_actions(owner))
    if unknown or beyond or not wanted:
        raise Problem("invalid_input", reason="actions: " + ", ".join(unknown or sorted(beyond) or ["(empty)"]))
    if not 1 <= len(name.strip()) <= 100 or "\0" in name:
        raise Problem("invalid_input", reason="name: 1–100 个字符 / 1–100 characters")
    secret, new = new_secret(), new_id()
    await tx.connection.execute(
        insert(api_token).values(
            id=new,
            digest=digest(secret),
            person_id=owner.id,
            name=name.strip(),
            actions=sorted(set(wanted)),
            expires_at=expires_at,
        )
    )
    await tx.audit(
        "token.create",
        "token",
        new,
        {"owner": owner.username, "actions": sorted(set(wanted))},
        organization_id=owner.organization_id,
    )
    return new, secret


def _refuse_token(principal: Principal) -> None:
    # A token that could make tokens would outlive its own revocation; nor may it revoke the others.
    if principal.actions is not None:
        raise Problem("forbidden", action="token")

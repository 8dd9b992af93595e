"""What a request of the protocol needs from the database before it is decided."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.kernel.clock import now
from citybase.security.identity.authenticate import load_principal
from citybase.security.identity.models import session
from citybase.security.identity.secrets import digest
from citybase.security.oidc.models import oidc_client
from citybase.security.oidc.provider import Client
from citybase.security.organizations import organization
from citybase.security.principals import Principal

__all__ = ["claims_of", "load_clients", "signed_in"]


async def load_clients(connection: AsyncConnection, ids: Iterable[str | None]) -> dict[str, Client]:
    """The enabled clients among these ids, whatever else the strings hold."""
    known = {text: parsed for text in ids if (parsed := _uuid(text)) is not None and text is not None}
    if not known:
        return {}
    rows = await connection.execute(
        select(oidc_client).where(oidc_client.c.id.in_(known.values()), oidc_client.c.disabled.is_(False))
    )
    clients = {row.id: _client(row) for row in rows}
    return {text: clients[parsed] for text, parsed in known.items() if parsed in clients}


async def signed_in(connection: AsyncConnection, secret: str | None) -> tuple[Principal, datetime] | None:
    """Who holds this session, and when they signed in; None too while a password change is pending."""
    if not secret:
        return None
    row = (
        await connection.execute(
            select(session.c.person_id, session.c.created_at).where(
                session.c.digest == digest(secret), session.c.expires_at > now()
            )
        )
    ).one_or_none()
    principal = await load_principal(connection, row.person_id) if row else None
    if row is None or principal is None or principal.must_change_password:
        return None
    return principal, row.created_at


async def claims_of(connection: AsyncConnection, person_id: UUID, scope: str) -> dict[str, Any] | None:
    """What a scope tells about a person; None when they may not sign in (any more)."""
    principal = await load_principal(connection, person_id)
    if principal is None or principal.must_change_password:
        return None
    claims: dict[str, Any] = {"sub": str(principal.id)}
    granted = scope.split()
    if "profile" in granted:
        code = await connection.scalar(
            select(organization.c.code).where(organization.c.id == principal.organization_id)
        )
        claims |= {
            "name": principal.name,
            "preferred_username": principal.username,
            "organization": {"code": code, "name": principal.organization_name},
        }
    if "roles" in granted:
        claims["roles"] = sorted(principal.roles)
    return claims


def _client(row: Any) -> Client:
    return Client(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        secret_digest=row.secret_digest,
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        scopes=tuple(row.scopes),
    )


def _uuid(text: str | None) -> UUID | None:
    # Only the form that was handed out: what Python also reads as a UUID (braces, no hyphens) is another string.
    try:
        parsed = UUID(text or "")
    except ValueError:
        return None
    return parsed if str(parsed) == text else None

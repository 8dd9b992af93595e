"""From a request to a principal: session cookie, API token (`Authorization: Bearer`), device (`Basic`)."""

import base64
import binascii
from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.security.identity.models import api_token, device_credential, person, role_grant, session
from citybase.security.identity.secrets import digest, same_digest
from citybase.security.organizations import organization
from citybase.security.principals import Grant, Principal

__all__ = ["SESSION_COOKIE", "SIGN_ON_COOKIE", "authenticate", "device_principal", "load_principal"]

SESSION_COOKIE = "citybase_session"
SIGN_ON_COOKIE = "citybase_sign_on"
"""The same session, for the OpenID Connect endpoints alone."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def authenticate(request: Request[Any, Any, Any], database: Database) -> Principal | None:
    """Who sends this request; None when it carries no credential. A wrong credential is an error, never a visitor."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(database, credential.strip())
    if scheme.lower() == "basic":
        return await _by_basic(database, credential.strip())
    if scheme:
        raise Problem("unauthenticated")
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is None:
        return None
    _refuse_cross_site(request)
    return await _by_session(database, secret)


def _refuse_cross_site(request: Request[Any, Any, Any]) -> None:
    # The cookie is SameSite=Strict already; this also covers browsers and proxies that lose the attribute.
    if request.method not in _SAFE_METHODS and request.headers.get("sec-fetch-site", "same-origin") not in {
        "same-origin",
        "none",
    }:
        raise Problem("forbidden", action="cross-site request")


async def _by_session(database: Database, secret: str) -> Principal | None:
    async with database.begin() as connection:
        person_id = await connection.scalar(
            select(session.c.person_id).where(session.c.digest == digest(secret), session.c.expires_at > now())
        )
        return await load_principal(connection, person_id) if person_id else None


async def _by_token(database: Database, secret: str) -> Principal:
    moment = now()
    async with database.begin() as connection:
        found = (
            await connection.execute(
                update(api_token)
                .where(
                    api_token.c.digest == digest(secret),
                    or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > moment),
                )
                .values(last_used_at=moment)
                .returning(api_token.c.person_id, api_token.c.actions)
            )
        ).one_or_none()
        principal = await load_principal(connection, found.person_id, frozenset(found.actions)) if found else None
    if principal is None:
        raise Problem("unauthenticated")
    return principal


async def _by_basic(database: Database, credential: str) -> Principal:
    try:
        device, _, secret = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Problem("unauthenticated") from error
    async with database.begin() as connection:
        found = await device_principal(connection, device, secret)
    if found is None:
        raise Problem("unauthenticated")
    return found


async def device_principal(connection: AsyncConnection, device: str, secret: str) -> Principal | None:
    """The device with this id and secret, as a principal that may deliver its own observations only."""
    if "\0" in device:
        # It cannot be stored, so no device has it; PostgreSQL would refuse the parameter.
        return None
    row = (
        await connection.execute(
            select(device_credential.c.resource_id, device_credential.c.digest).where(
                device_credential.c.device == device
            )
        )
    ).one_or_none()
    if row is None or not same_digest(secret, row.digest):
        return None
    return Principal(id=row.resource_id, kind="device", name=device, username=device)


async def load_principal(
    connection: AsyncConnection, person_id: UUID, actions: frozenset[str] | None = None
) -> Principal | None:
    """A person or service account with its grants; None when disabled or gone.

    A lock-out stops new sign-ins only: whoever types wrong passwords must not be able to end other people's work.
    """
    row = (
        await connection.execute(
            select(person, organization.c.name.label("organization_name"))
            .join(organization, organization.c.id == person.c.organization_id)
            .where(person.c.id == person_id, person.c.disabled.is_(False))
        )
    ).one_or_none()
    if row is None:
        return None
    grants = await connection.execute(
        select(role_grant.c.role, organization.c.path)
        .join(organization, organization.c.id == role_grant.c.organization_id)
        .where(role_grant.c.person_id == person_id)
    )
    return Principal(
        id=row.id,
        kind=row.kind,
        name=row.name,
        username=row.username,
        organization_id=row.organization_id,
        organization_name=row.organization_name,
        grants=tuple(Grant(grant.role, grant.path) for grant in grants),
        clearance=row.clearance,
        actions=actions,
        must_change_password=row.must_change_password,
    )

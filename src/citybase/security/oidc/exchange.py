"""The token endpoint's decision, and what an access token tells."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.identity.secrets import digest
from citybase.security.oidc.keys import SigningKeys
from citybase.security.oidc.loading import claims_of, load_clients
from citybase.security.oidc.models import oidc_client, oidc_code, oidc_token
from citybase.security.oidc.provider import (
    TOKEN_SECONDS,
    Answer,
    Client,
    Code,
    Provider,
    ProviderRequest,
    basic_user,
)
from citybase.security.principals import SYSTEM
from citybase.security.transactions import Transaction, begin

__all__ = ["exchange", "user_info"]


async def exchange(
    database: Database, issuer: str, keys: SigningKeys, parameters: Mapping[str, str], authorization: str
) -> Answer:
    """Tokens for an authorization code. A code used again revokes what its first use was given (RFC 6749 §4.1.2)."""
    user = basic_user(authorization)
    async with begin(database, SYSTEM) as tx:
        clients = await load_clients(tx.connection, [parameters.get("client_id"), user])
        code_digest = digest(parameters.get("code", ""))
        row = await _locked_code(tx.connection, code_digest)
        code = await _code(tx.connection, row) if row is not None else None
        provider = Provider(issuer, clients, code=code, keys=keys)
        request = ProviderRequest("POST", parameters, authorization if user is not None else "")
        answer: Answer = provider.create_token_response(request)
        if provider.issued_token is not None and row is not None:
            await _store(tx.connection, row, provider.issued_token)
        if provider.replayed:
            await tx.connection.execute(delete(oidc_token).where(oidc_token.c.code_digest == code_digest))
        client = clients.get(user or parameters.get("client_id", ""))
        await _audit(tx, client, row, answer, replayed=provider.replayed)
    return answer


async def _locked_code(connection: AsyncConnection, code_digest: bytes) -> Any:
    # Locked, so that of two simultaneous uses one is the second.
    statement = select(oidc_code).where(oidc_code.c.digest == code_digest).with_for_update()
    return (await connection.execute(statement)).one_or_none()


async def _code(connection: AsyncConnection, row: Any) -> Code:
    return Code(
        client_id=row.client_id,
        redirect_uri=row.redirect_uri,
        scope=row.scope,
        nonce=row.nonce,
        code_challenge=row.challenge,
        auth_time=int(row.auth_time.timestamp()),
        expired=row.expires_at <= now(),
        used=row.used_at is not None,
        claims=await claims_of(connection, row.person_id, row.scope),
    )


async def _store(connection: AsyncConnection, row: Any, token: str) -> None:
    moment = now()
    await connection.execute(update(oidc_code).where(oidc_code.c.digest == row.digest).values(used_at=moment))
    await connection.execute(delete(oidc_token).where(oidc_token.c.expires_at < moment))
    await connection.execute(
        insert(oidc_token).values(
            digest=digest(token),
            code_digest=row.digest,
            client_id=row.client_id,
            person_id=row.person_id,
            scope=row.scope,
            expires_at=moment + timedelta(seconds=TOKEN_SECONDS),
        )
    )


async def _audit(tx: Transaction, client: Client | None, row: Any, answer: Answer, *, replayed: bool) -> None:
    # An unknown client leaves no entry: anybody could fill the log with invented ones.
    if client is None:
        return
    detail: dict[str, Any] = {"error": answer.error, "replayed": replayed} if answer.error else {}
    if row is not None and row.client_id == client.id:
        detail["person"] = row.person_id
    outcome = "refused" if answer.error else "done"
    await tx.audit(
        "oidc.token", "oidc_client", client.id, detail, organization_id=client.organization_id, outcome=outcome
    )


async def user_info(database: Database, token: str) -> dict[str, Any] | None:
    """The claims that an access token gives; None when it is not, or no longer, good."""
    statement = (
        select(oidc_token.c.person_id, oidc_token.c.scope)
        .join(oidc_client, oidc_client.c.id == oidc_token.c.client_id)
        .where(oidc_token.c.digest == digest(token), oidc_token.c.expires_at > now(), oidc_client.c.disabled.is_(False))
    )
    async with database.begin() as connection:
        row = (await connection.execute(statement)).one_or_none()
        return await claims_of(connection, row.person_id, row.scope) if row else None

"""RP-Initiated Logout 1.0: a client ends the session of the person whom it signed in."""

from collections.abc import Mapping
from typing import Any

from authlib.common.urls import add_params_to_uri
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete

from citybase.engines.postgres import Database
from citybase.security.identity.models import session
from citybase.security.identity.secrets import digest
from citybase.security.oidc.keys import ALGORITHM, SigningKeys
from citybase.security.oidc.loading import load_clients, signed_in
from citybase.security.oidc.models import oidc_token
from citybase.security.oidc.provider import Client
from citybase.security.principals import Principal
from citybase.security.transactions import Transaction

__all__ = ["end_session"]

_HOME = "/"


async def end_session(
    database: Database, issuer: str, keys: SigningKeys, parameters: Mapping[str, str], secret: str | None
) -> str:
    """End the session that `id_token_hint` names; returns the address to go to.

    Without a hint of ours nobody is signed out and nobody is sent away: a link on a foreign page must do neither.
    """
    claims = _hint(parameters.get("id_token_hint", ""), issuer, keys)
    audience = str(claims.get("aud")) if claims else None
    if claims is None or parameters.get("client_id", audience) != audience:
        return _HOME
    async with database.begin() as connection:
        client = next(iter((await load_clients(connection, [audience])).values()), None)
        signed = await signed_in(connection, secret)
        if client is not None and signed is not None and claims.get("sub") == str(signed[0].id):
            await _end(Transaction(connection, signed[0]), client, signed[0], secret or "")
    return _way_back(client, parameters)


def _hint(token: str, issuer: str, keys: SigningKeys) -> dict[str, Any] | None:
    """The claims of an ID token of ours; one that has expired still says who signed in where (§2)."""
    try:
        claims = jwt.decode(token, KeySet(list(keys.published)), algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, TypeError):
        # A header may hold any JSON, and the library trusts some of its types.
        return None
    return claims if claims.get("iss") == issuer else None


async def _end(tx: Transaction, client: Client, principal: Principal, secret: str) -> None:
    await tx.connection.execute(delete(session).where(session.c.digest == digest(secret)))
    await tx.connection.execute(
        delete(oidc_token).where(oidc_token.c.person_id == principal.id, oidc_token.c.client_id == client.id)
    )
    await tx.audit("session.close", "person", principal.id, {"client": str(client.id)})


def _way_back(client: Client | None, parameters: Mapping[str, str]) -> str:
    address = parameters.get("post_logout_redirect_uri", "")
    if client is None or address not in client.post_logout_redirect_uris:
        return _HOME
    state = parameters.get("state")
    return str(add_params_to_uri(address, {"state": state})) if state else address

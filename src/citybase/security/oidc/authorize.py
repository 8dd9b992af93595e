"""The authorization endpoint's decision: a code, a way to the sign-in page, or a refusal."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from sqlalchemy import delete, insert

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.security.identity.secrets import digest
from citybase.security.oidc.loading import load_clients, signed_in
from citybase.security.oidc.models import oidc_code
from citybase.security.oidc.provider import Answer, Client, OAuth2Error, Provider, ProviderRequest
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import Transaction, begin

__all__ = ["CODE_SECONDS", "authorize"]

CODE_SECONDS = 60
_REMEMBERED = timedelta(days=1)
_FRESH_AGAIN = {"login", "select_account"}


async def authorize(database: Database, issuer: str, parameters: Mapping[str, str], secret: str | None) -> Answer:
    """Answer an authorization request of whoever holds the session `secret`.

    Raises `oidc_client_refused` where the request must not be sent back to the address it names.
    """
    async with database.begin() as connection:
        client = (await load_clients(connection, [parameters.get("client_id")])).get(parameters.get("client_id", ""))
        session = await signed_in(connection, secret)
        if client is not None and client.check_redirect_uri(parameters.get("redirect_uri", "")):
            tx = Transaction(connection, session[0] if session else SYSTEM)
            return await _decide(tx, client, issuer, parameters, session)
    await _refuse(database, client, session[0] if session else SYSTEM)
    raise Problem("oidc_client_refused")


async def _refuse(database: Database, client: Client | None, principal: Principal) -> None:
    # An unknown client leaves no entry: anybody could fill the log with invented ones.
    if client is not None:
        async with begin(database, principal) as tx:
            await _audit(tx, client, {"error": "redirect_uri"}, "refused")


async def _decide(
    tx: Transaction,
    client: Client,
    issuer: str,
    parameters: Mapping[str, str],
    session: tuple[Principal, datetime] | None,
) -> Answer:
    principal = session[0] if session and not _is_stale(session[1], parameters) else None
    provider = Provider(issuer, {client.get_client_id(): client})
    request = ProviderRequest("GET", parameters)
    try:
        grant = provider.get_consent_grant(request, end_user=principal)
    except OAuth2Error as error:
        answer: Answer = provider.handle_error_response(request, error)
    else:
        if principal is None or grant.prompt in _FRESH_AGAIN:
            return _to_sign_in(parameters, again=session is not None)
        answer = provider.create_authorization_response(request, grant_user=principal, grant=grant)
    if provider.issued_code is not None and session is not None:
        await _store(tx, client, provider, parameters, session)
    outcome = "refused" if provider.issued_code is None else "done"
    await _audit(tx, client, {"scope": provider.issued_scope} if outcome == "done" else {"error": "request"}, outcome)
    answer.headers["location"] = add_params_to_uri(answer.headers["location"], {"iss": issuer})
    return answer


def _is_stale(since: datetime, parameters: Mapping[str, str]) -> bool:
    """Whether the session is older than the client, or our own way through the sign-in page, accepts."""
    oldest = _seconds(parameters, "signed_in_after")
    if (limit := _seconds(parameters, "max_age")) is not None:
        oldest = max(oldest or 0, int(now().timestamp()) - limit)
    return oldest is not None and since.timestamp() < oldest


def _seconds(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= 12 else None


def _to_sign_in(parameters: Mapping[str, str], *, again: bool) -> Answer:
    """The sign-in page, which leads back here; `fresh` asks it for the password though somebody is signed in.

    On the way back `prompt` and `max_age` are spent: a session younger than this moment satisfies both.
    """
    back = {name: value for name, value in parameters.items() if name not in {"prompt", "max_age"}}
    if again or "prompt" in parameters or "max_age" in parameters:
        back["signed_in_after"] = str(int(now().timestamp()))
    query = {"next": f"/oidc/authorize?{urlencode(back)}"} | ({"fresh": "1"} if again else {})
    return Answer(302, "", {"location": f"/sign-in?{urlencode(query)}"})


async def _store(
    tx: Transaction,
    client: Client,
    provider: Provider,
    parameters: Mapping[str, str],
    session: tuple[Principal, datetime],
) -> None:
    await tx.connection.execute(delete(oidc_code).where(oidc_code.c.expires_at < now() - _REMEMBERED))
    await tx.connection.execute(
        insert(oidc_code).values(
            digest=digest(provider.issued_code or ""),
            client_id=client.id,
            person_id=session[0].id,
            redirect_uri=parameters["redirect_uri"],
            scope=provider.issued_scope,
            nonce=parameters.get("nonce"),
            challenge=parameters.get("code_challenge"),
            auth_time=session[1],
            expires_at=now() + timedelta(seconds=CODE_SECONDS),
        )
    )


async def _audit(tx: Transaction, client: Client, detail: Mapping[str, str], outcome: str) -> None:
    await tx.audit(
        "oidc.authorize", "oidc_client", client.id, detail, organization_id=client.organization_id, outcome=outcome
    )

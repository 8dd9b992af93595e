"""The protocol's routes, at the root of the address: discovery, keys, authorize, token, userinfo, logout."""

import re
from typing import Any
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from litestar import Request, Response, get, post, route

from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.dependencies import TheDatabase, TheSettings
from citybase.security.identity.authenticate import SIGN_ON_COOKIE
from citybase.security.oidc.addresses import issuer_of
from citybase.security.oidc.authorize import authorize
from citybase.security.oidc.exchange import exchange, user_info
from citybase.security.oidc.keys import ALGORITHM, SigningKeys, signing_keys
from citybase.security.oidc.logout import end_session
from citybase.security.oidc.provider import SCOPES

__all__ = ["ROOT_ROUTES"]

_FORM = "application/x-www-form-urlencoded"
_PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}
_MOST_PARAMETERS = 40
_PROTOCOL_TEXT = re.compile(r"[ !#-\[\]-~]*")
_FREE_TEXT = frozenset({"state", "nonce", "login_hint"})

AnyRequest = Request[Any, Any, Any]


@get("/.well-known/openid-configuration", tags=["oidc"], summary="What this OpenID provider offers (Discovery 1.0)")
async def read_configuration(request: AnyRequest, settings: TheSettings) -> dict[str, Any]:
    issuer = issuer_of(settings, request)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oidc/authorize",
        "token_endpoint": f"{issuer}/oidc/token",
        "userinfo_endpoint": f"{issuer}/oidc/userinfo",
        "jwks_uri": f"{issuer}/oidc/jwks",
        "end_session_endpoint": f"{issuer}/oidc/logout",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "claims_supported": ["sub", "name", "preferred_username", "organization", "roles", "auth_time", "nonce"],
        "ui_locales_supported": ["zh-CN", "en"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


@get("/oidc/jwks", tags=["oidc"], summary="Public keys that verify ID tokens")
async def read_keys(settings: TheSettings) -> Response[dict[str, Any]]:
    keys = await _keys(settings)
    return Response(keys.jwks(), headers={"cache-control": "public, max-age=300"})


@route(
    "/oidc/authorize", http_method=["GET", "POST"], tags=["oidc"], summary="Ask to sign a person in", status_code=302
)
async def ask(request: AnyRequest, database: TheDatabase, settings: TheSettings) -> Response[Any]:
    parameters = await _parameters(request)
    answer = await authorize(database, issuer_of(settings, request), parameters, request.cookies.get(SIGN_ON_COOKIE))
    return Response(answer.body, status_code=answer.status, headers=_PRIVATE | answer.headers)


@post("/oidc/token", tags=["oidc"], summary="Exchange a code for tokens", status_code=200)
async def give_tokens(request: AnyRequest, database: TheDatabase, settings: TheSettings) -> Response[Any]:
    issuer = issuer_of(settings, request)
    try:
        parameters = await _form(request)
    except Problem as problem:
        refusal = {"error": "invalid_request", "error_description": problem.document("en").detail}
        return Response(refusal, status_code=400, headers=_PRIVATE)
    authorization = request.headers.get("authorization", "")
    answer = await exchange(database, issuer, await _keys(settings), parameters, authorization)
    headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
    return Response(answer.body, status_code=answer.status, headers=_PRIVATE | headers)


@route(
    "/oidc/userinfo",
    http_method=["GET", "POST"],
    tags=["oidc"],
    summary="Claims about who signed in, for an access token",
    status_code=200,
)
async def read_user_info(request: AnyRequest, database: TheDatabase) -> Response[Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    claims = await user_info(database, token.strip()) if scheme.lower() == "bearer" else None
    if claims is None:
        challenge = 'Bearer error="invalid_token"' if scheme else "Bearer"
        refusal = {"error": "invalid_token"}
        return Response(refusal, status_code=401, headers=_PRIVATE | {"www-authenticate": challenge})
    return Response(claims, headers=_PRIVATE)


@route(
    "/oidc/logout", http_method=["GET", "POST"], tags=["oidc"], summary="End a session for a client", status_code=302
)
async def log_out(request: AnyRequest, database: TheDatabase, settings: TheSettings) -> Response[None]:
    issuer, parameters = issuer_of(settings, request), await _parameters(request)
    secret = request.cookies.get(SIGN_ON_COOKIE)
    address = await end_session(database, issuer, await _keys(settings), parameters, secret)
    return Response(None, status_code=302, headers=_PRIVATE | {"location": address})


async def _keys(settings: Settings) -> SigningKeys:
    # In a thread: the first request of a period makes its key.
    return await run_sync(signing_keys, settings.data / "keys", now())


async def _parameters(request: AnyRequest) -> dict[str, str]:
    if request.method == "POST":
        return await _form(request)
    return _pairs(request.scope["query_string"])


async def _form(request: AnyRequest) -> dict[str, str]:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != _FORM:
        raise Problem("unsupported_media_type", given=given, expected=_FORM)
    return _pairs(await request.body())


def _pairs(encoded: bytes) -> dict[str, str]:
    """Parameters, each at most once (RFC 6749 §3.1) and in the characters that its Appendix A allows."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict"
        )
    except ValueError as error:
        raise Problem("invalid_input", reason="form encoding") from error
    if len(dict(pairs)) != len(pairs):
        raise Problem("invalid_input", reason="a parameter stands twice")
    for name, value in pairs:
        if "\0" in value or (name not in _FREE_TEXT and not _PROTOCOL_TEXT.fullmatch(value)):
            raise Problem("invalid_input", reason=f"{name}: characters")
    # An empty parameter counts as absent (RFC 6749 §3.1).
    return {name: value for name, value in pairs if value}


ROOT_ROUTES = [read_configuration, read_keys, ask, give_tokens, read_user_info, log_out]

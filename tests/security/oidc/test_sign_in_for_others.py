"""Another system signs people in here, with a client library that is not ours."""

import warnings

import httpx
import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select

from citybase.security.identity.secrets import digest
from citybase.security.oidc.models import oidc_client, oidc_code, oidc_token
from citybase.security.transactions import audit_pending
from tests.security.oidc.applications import BACK, VERIFIER, Registered, code_for
from tests.security.small_city import ADDRESS, SmallCity

with warnings.catch_warnings():
    # Authlib asks for the successor of httpx, which nothing else here uses yet.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

pytestmark = pytest.mark.anyio


async def test_a_foreign_client_library_signs_a_person_in_and_verifies_the_id_token(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    found = OpenIDProviderMetadata((await browser.get("/.well-known/openid-configuration")).json())
    found.validate()
    async with AsyncOAuth2Client(
        confidential.id,
        confidential.secret,
        redirect_uri=BACK,
        scope="openid profile roles email",
        code_challenge_method="S256",
        transport=httpx.ASGITransport(town.app),
    ) as client:
        address, state = client.create_authorization_url(
            found["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-9"
        )
        returned = (await browser.get(address)).headers["location"]
        token = await client.fetch_token(
            found["token_endpoint"], authorization_response=returned, state=state, code_verifier=VERIFIER
        )
        info = (await client.get(found["userinfo_endpoint"])).json()

    keys = KeySet.import_key_set((await browser.get(found["jwks_uri"])).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={"iss": {"value": ADDRESS}, "aud": {"value": confidential.id}},
        params={"nonce": "n-9", "access_token": token["access_token"], "client_id": confidential.id},
    )
    claims.validate()
    assert claims["sub"] == info["sub"] == str(town.people["duty"])
    assert info == {
        "sub": str(town.people["duty"]),
        "name": "duty 先生",
        "preferred_username": "duty",
        "organization": {"code": "east", "name": "east 局"},
        "roles": ["clerk", "operator"],
    }
    assert token["scope"] == "openid profile roles"


async def test_a_public_client_proves_itself_by_pkce_alone(public: Registered, browser: httpx.AsyncClient) -> None:
    code = await code_for(browser, public)
    answer = await browser.post("/oidc/token", data=public.form(code))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"


async def test_roles_and_name_are_told_only_for_their_scope(
    confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential, scope="openid")
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    info = await browser.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})
    assert set(info.json()) == {"sub"}


async def test_secrets_codes_and_tokens_rest_only_as_digests(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    stored = repr([*await town.rows(select(oidc_client)), *await town.rows(select(oidc_code))])
    stored += repr([*await town.rows(select(oidc_token)), *await town.rows(select(audit_pending))])
    for secret in (str(confidential.secret), code, token):
        assert secret not in stored
    assert [row.digest for row in await town.rows(select(oidc_token))] == [digest(token)]


async def test_an_access_token_does_not_open_our_own_interface(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    answer = await town.browser().get("/api/v1/people", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_sign_in_and_exchange_are_audited(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    await browser.post("/oidc/token", data=confidential.form(code))
    rows = await town.rows(select(audit_pending).where(audit_pending.c.action.like("oidc%")))
    assert [row.action for row in rows] == ["oidc_client.create", "oidc.authorize", "oidc.token"]
    assert rows[1].actor["username"] == "duty"
    assert all(row.organization_id == town.organizations["city"] for row in rows)

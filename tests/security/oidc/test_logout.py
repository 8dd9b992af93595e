"""A client ends the session it began, and nobody else does."""

from urllib.parse import urlencode

import httpx
import pytest

from tests.security.oidc.applications import BACK, BYE, Registered, tokens_of
from tests.security.small_city import SmallCity

pytestmark = pytest.mark.anyio


async def test_a_client_ends_the_session_it_began(confidential: Registered, browser: httpx.AsyncClient) -> None:
    tokens = await tokens_of(browser, confidential)
    query = urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "x y"})
    answer = await browser.get(f"/oidc/logout?{query}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{BYE}?state=x+y")
    assert (await browser.get("/api/v1/session")).json()["principal"] is None
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await browser.get("/oidc/userinfo", headers=bearer)).status_code == 401


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", BYE + "/x", BACK])
async def test_signing_out_leads_to_registered_addresses_only(
    confidential: Registered, browser: httpx.AsyncClient, away: str
) -> None:
    tokens = await tokens_of(browser, confidential)
    query = urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": away})
    assert (await browser.get(f"/oidc/logout?{query}")).headers["location"] == "/"


@pytest.mark.parametrize(
    "hint", ["", "x", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsImNyaXQiOjF9.e30.eA"]
)
async def test_a_foreign_link_can_sign_nobody_out(
    confidential: Registered, browser: httpx.AsyncClient, hint: str
) -> None:
    query = urlencode({"id_token_hint": hint, "client_id": confidential.id, "post_logout_redirect_uri": BYE})
    assert (await browser.get(f"/oidc/logout?{query}")).headers["location"] == "/"
    assert (await browser.get("/api/v1/session")).json()["principal"]["username"] == "duty"


async def test_one_persons_token_does_not_sign_another_out(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    tokens = await tokens_of(browser, confidential)
    admin = await town.sign_in("admin")
    await admin.get(f"/oidc/logout?{urlencode({'id_token_hint': tokens['id_token']})}")
    assert (await admin.get("/api/v1/session")).json()["principal"]["username"] == "admin"

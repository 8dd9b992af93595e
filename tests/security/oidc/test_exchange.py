"""What a code is exchanged for, and when not."""

import asyncio

import httpx
import pytest
from sqlalchemy import select, update

from citybase.kernel.clock import now
from citybase.security.oidc.models import oidc_code, oidc_token
from tests.security.oidc.applications import BACK, VERIFIER, Registered, code_for, refusals, register
from tests.security.small_city import SmallCity

pytestmark = pytest.mark.anyio


async def test_a_code_used_again_is_refused_and_revokes_what_it_gave(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await browser.get("/oidc/userinfo", headers=bearer)).status_code == 200
    again = await browser.post("/oidc/token", data=confidential.form(code))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await browser.get("/oidc/userinfo", headers=bearer)).status_code == 401
    assert [row.detail["replayed"] for row in await refusals(town, "oidc.token")] == [True]


async def test_of_two_simultaneous_uses_of_a_code_one_is_the_second(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    form = confidential.form(await code_for(browser, confidential))
    answers = await asyncio.gather(*(browser.post("/oidc/token", data=form) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert await town.rows(select(oidc_token)) == []


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 400, "invalid_client"),
        ({"redirect_uri": "https://transport.example/other"}, 400, "invalid_grant"),
        ({"redirect_uri": ""}, 400, "invalid_grant"),
        ({"code": "wrong"}, 400, "invalid_grant"),
        ({"code": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"code_verifier": VERIFIER}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_exchange_gives_nothing_and_does_not_spend_the_code(
    confidential: Registered, browser: httpx.AsyncClient, wrong: dict[str, str], status: int, error: str
) -> None:
    code = await code_for(browser, confidential)
    answer = await browser.post("/oidc/token", data=confidential.form(code, **wrong))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "access_token" not in answer.json()
    assert (await browser.post("/oidc/token", data=confidential.form(code))).status_code == 200


@pytest.mark.parametrize(
    ("verifier", "error"), [("w" * 43, "invalid_grant"), ("", "invalid_request"), ("short", "invalid_request")]
)
async def test_a_wrong_verifier_is_refused(
    public: Registered, browser: httpx.AsyncClient, verifier: str, error: str
) -> None:
    code = await code_for(browser, public)
    answer = await browser.post("/oidc/token", data=public.form(code, code_verifier=verifier))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_an_expired_code_is_refused(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    await town.execute(update(oidc_code).values(expires_at=now()))
    assert (await browser.post("/oidc/token", data=confidential.form(code))).json()["error"] == "invalid_grant"


async def test_an_expired_access_token_tells_nothing(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    await town.execute(update(oidc_token).values(expires_at=now()))
    assert (await browser.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})).status_code == 401


async def test_a_code_serves_only_the_client_it_was_given_to(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    other = await register(town, name="另一系统")
    code = await code_for(browser, confidential)
    assert (await browser.post("/oidc/token", data=other.form(code))).json()["error"] == "invalid_grant"


async def test_a_public_client_cannot_stand_in_for_a_confidential_one(
    confidential: Registered, public: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    without = confidential.form(code, client_secret="", code_verifier=VERIFIER)
    assert (await browser.post("/oidc/token", data=without)).json()["error"] == "invalid_client"
    assert (await browser.post("/oidc/token", data=public.form(code))).json()["error"] == "invalid_grant"


async def test_a_disabled_client_gets_nothing_and_loses_what_it_had(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(code))).json()["access_token"]
    admin = await town.sign_in("admin")
    changed = await admin.patch(f"/api/v1/oidc/clients/{confidential.id}", json={"version": 1, "disabled": True})
    assert changed.status_code == 204
    assert (await browser.get(confidential.asks())).json()["code"] == "oidc_client_refused"
    assert (await browser.post("/oidc/token", data=confidential.form(code))).json()["error"] == "invalid_client"
    assert (await browser.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})).status_code == 401


@pytest.mark.parametrize(
    "authorization", ["Basic", "Basic !!!", "Basic /////w==", "Basic YQ==", "Bearer x", "Digest a"]
)
async def test_a_broken_client_credential_is_refused(
    confidential: Registered, browser: httpx.AsyncClient, authorization: str
) -> None:
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": BACK}
    answer = await browser.post("/oidc/token", data=form, headers={"authorization": authorization})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "basic" in answer.headers["www-authenticate"].lower()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"", ""),
        (b"a=%FF", "application/x-www-form-urlencoded"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"code=1&code=2", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_malformed_token_request_is_an_oauth_error(browser: httpx.AsyncClient, body: bytes, kind: str) -> None:
    answer = await browser.post("/oidc/token", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_page_for_every_other_address_does_not_shadow_the_protocol(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/oidc/token")).status_code == 405
    assert (await browser.get("/oidc/nothing")).json()["code"] == "not_found"
    assert (await browser.get("/.well-known/nothing")).json()["code"] == "not_found"

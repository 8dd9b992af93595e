"""Another system signs people in here, with a client library that is not ours."""

import base64
import hashlib
import os
import stat
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select, update

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.identity.models import person, session
from citybase.security.identity.secrets import digest
from citybase.security.oidc.keys import ROTATION, signing_keys
from citybase.security.oidc.models import oidc_client, oidc_code, oidc_token
from citybase.security.transactions import audit_pending
from tests.security.small_city import ADDRESS, SmallCity, small_city

with warnings.catch_warnings():
    # Authlib asks for the successor of httpx, which nothing else here uses yet.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

pytestmark = pytest.mark.anyio

BACK = "https://transport.example/callback"
BYE = "https://transport.example/bye"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class Registered:
    id: str
    secret: str | None

    def asks(self, **parameters: str) -> str:
        """The address an application sends its visitor to."""
        query = {
            "client_id": self.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid profile",
            "state": "s-1",
            "nonce": "n-1",
        }
        if self.secret is None:
            query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        query |= parameters
        return "/oidc/authorize?" + urlencode({name: value for name, value in query.items() if value})

    def form(self, code: str, /, **parameters: str) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": self.id}
        form |= {"client_secret": self.secret} if self.secret else {"code_verifier": VERIFIER}
        return {name: value for name, value in (form | parameters).items() if value}


@pytest.fixture
async def town(city: SmallCity) -> SmallCity:
    await city.add("admin", "city", ("administrator", "city"), clearance=4)
    await city.add("duty", "east", ("operator", "east"), ("clerk", "street"))
    return city


async def register(town: SmallCity, **fields: Any) -> Registered:
    browser = await town.sign_in("admin")
    body = {
        "name": "交通一张图",
        "redirect_uris": [BACK],
        "post_logout_redirect_uris": [BYE],
        "scopes": ["openid", "profile", "roles"],
    }
    answer = await browser.post("/api/v1/oidc/clients", json=body | fields)
    assert answer.status_code == 201, answer.text
    return Registered(answer.json()["client_id"], answer.json()["client_secret"])


@pytest.fixture
async def confidential(town: SmallCity) -> Registered:
    return await register(town)


@pytest.fixture
async def public(town: SmallCity) -> Registered:
    return await register(town, public=True)


@pytest.fixture
async def browser(town: SmallCity) -> AsyncIterator[httpx.AsyncClient]:
    async with town.browser() as browser:
        yield await town.sign_in("duty", browser)


def answer_of(response: httpx.Response) -> dict[str, str]:
    """What the application is told at its redirect address."""
    assert response.status_code == 302, response.text
    location = response.headers["location"]
    assert location.startswith(BACK + "?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def code_for(browser: httpx.AsyncClient, client: Registered, **parameters: str) -> str:
    answer = answer_of(await browser.get(client.asks(**parameters)))
    assert answer["iss"] == ADDRESS
    assert answer["state"] == "s-1"
    return answer["code"]


async def refusals(town: SmallCity, action: str) -> list[Any]:
    rows = await town.rows(select(audit_pending).where(audit_pending.c.action == action))
    return [row for row in rows if row.outcome == "refused"]


# --- the way that works -------------------------------------------------------------------------------------------


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


# --- who is asked to sign in -----------------------------------------------------------------------------------------


def sign_in_page(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 302
    location = urlsplit(response.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/sign-in")
    query = {name: values[0] for name, values in parse_qs(location.query).items()}
    assert query["next"].startswith("/oidc/authorize?")
    return query


async def test_a_visitor_is_led_to_the_sign_in_page_and_back(town: SmallCity, confidential: Registered) -> None:
    visitor = town.browser()
    page = sign_in_page(await visitor.get(confidential.asks()))
    await town.sign_in("duty", visitor)
    assert "code" in answer_of(await visitor.get(page["next"]))


async def test_prompt_none_without_a_session_tells_the_client_so(town: SmallCity, confidential: Registered) -> None:
    answer = answer_of(await town.browser().get(confidential.asks(prompt="none")))
    assert (answer["error"], answer["state"], answer["iss"]) == ("login_required", "s-1", ADDRESS)
    assert len(await refusals(town, "oidc.authorize")) == 1


async def test_prompt_none_with_a_session_answers_at_once(confidential: Registered, browser: httpx.AsyncClient) -> None:
    assert "code" in answer_of(await browser.get(confidential.asks(prompt="none")))


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}])
async def test_a_client_can_demand_the_password_again(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient, demand: dict[str, str]
) -> None:
    await town.execute(update(session).values(created_at=now() - timedelta(minutes=5)))
    page = sign_in_page(await browser.get(confidential.asks(**demand)))
    assert page["fresh"] == "1"
    # The old session does not satisfy the demand on the way back either; a new one does.
    assert sign_in_page(await browser.get(page["next"]))["fresh"] == "1"
    await town.sign_in("duty", browser)
    assert "code" in answer_of(await browser.get(page["next"]))


async def test_max_age_accepts_a_younger_session_and_refuses_an_older_one_silently_for_prompt_none(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    assert "code" in answer_of(await browser.get(confidential.asks(max_age="600")))
    await town.execute(update(session).values(created_at=now() - timedelta(hours=1)))
    answer = answer_of(await browser.get(confidential.asks(max_age="600", prompt="none")))
    assert answer["error"] == "login_required"


async def test_nobody_is_signed_in_while_their_password_change_is_pending(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    code = await code_for(browser, confidential)
    await town.execute(update(person).values(must_change_password=True))
    assert answer_of(await browser.get(confidential.asks(prompt="none")))["error"] == "login_required"
    sign_in_page(await browser.get(confidential.asks()))
    assert (await browser.post("/oidc/token", data=confidential.form(code))).json()["error"] == "invalid_grant"


async def test_a_disabled_person_gets_neither_code_nor_token_nor_claims(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    first = await code_for(browser, confidential)
    token = (await browser.post("/oidc/token", data=confidential.form(first))).json()["access_token"]
    second = await code_for(browser, confidential)
    await town.execute(update(person).where(person.c.username == "duty").values(disabled=True))
    assert answer_of(await browser.get(confidential.asks(prompt="none")))["error"] == "login_required"
    assert (await browser.post("/oidc/token", data=confidential.form(second))).json()["error"] == "invalid_grant"
    info = await browser.get("/oidc/userinfo", headers={"authorization": f"Bearer {token}"})
    assert (info.status_code, "invalid_token" in info.headers["www-authenticate"]) == (401, True)


# --- requests that are refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://transport.example/callback/"},
        {"redirect_uri": "https://transport.example/callback?x=1"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "https://transport.example@evil.example/callback"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": ""},
        {"client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "00000000-0000-0000-0000-000000000000"},
    ],
)
async def test_an_unregistered_address_or_client_is_never_redirected_to(
    confidential: Registered, browser: httpx.AsyncClient, wrong: dict[str, str]
) -> None:
    answer = await browser.get(confidential.asks(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (400, "oidc_client_refused")
    assert "location" not in answer.headers


async def test_a_wrong_address_of_a_known_client_is_audited(
    town: SmallCity, confidential: Registered, browser: httpx.AsyncClient
) -> None:
    await browser.get(confidential.asks(redirect_uri="https://evil.example/"))
    assert [row.detail for row in await refusals(town, "oidc.authorize")] == [{"error": "redirect_uri"}]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
    ],
)
async def test_a_request_against_the_rules_goes_back_as_an_error(
    public: Registered, browser: httpx.AsyncClient, wrong: dict[str, str], error: str
) -> None:
    answer = answer_of(await browser.get(public.asks(**wrong)))
    assert (answer["error"], answer["state"]) == (error, "s-1")
    assert "code" not in answer


@pytest.mark.parametrize(
    "query",
    [
        "client_id=a&client_id=b",
        "client_id=%FF",
        "client_id=a%00",
        "client_id=中",
        "response_type=%22%5C",
        "nonce=%00",
        "&".join(f"p{n}=1" for n in range(60)),
    ],
)
async def test_hostile_parameters_are_a_clear_problem(browser: httpx.AsyncClient, query: str) -> None:
    answer = await browser.get(f"/oidc/authorize?{query}")
    assert answer.status_code == 400
    assert answer.json()["remedy"]


@pytest.mark.parametrize("wrong", ["https://evil.example", "//evil.example", "javascript:alert(1)"])
async def test_what_a_visitor_adds_cannot_lead_the_sign_in_page_elsewhere(
    town: SmallCity, confidential: Registered, wrong: str
) -> None:
    page = sign_in_page(await town.browser().get(confidential.asks(next=wrong, login_hint="x")))
    assert page["next"].startswith("/oidc/authorize?client_id=")


# --- codes and tokens ---------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("authorization", ["Basic", "Basic !!!", "Basic /////w==", "Basic YQ==", "Bearer x", "Digest a"])
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


# --- signing out ---------------------------------------------------------------------------------------------------


async def tokens_of(browser: httpx.AsyncClient, client: Registered) -> dict[str, str]:
    code = await code_for(browser, client)
    tokens: dict[str, str] = (await browser.post("/oidc/token", data=client.form(code))).json()
    return tokens


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


@pytest.mark.parametrize("hint", ["", "x", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."])
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


# --- keys and address ----------------------------------------------------------------------------------------------


def test_a_new_key_signs_each_period_while_the_one_before_still_verifies(tmp_path: Path) -> None:
    first = signing_keys(tmp_path, now())
    assert signing_keys(tmp_path, now()).current.kid == first.current.kid
    second = signing_keys(tmp_path, now() + ROTATION)
    assert second.current.kid != first.current.kid
    assert {key["kid"] for key in second.jwks()["keys"]} == {first.current.kid, second.current.kid}
    third = signing_keys(tmp_path, now() + 2 * ROTATION)
    assert first.current.kid not in {key["kid"] for key in third.jwks()["keys"]}
    assert len(list(tmp_path.iterdir())) == 2


def test_keys_are_readable_by_their_owner_only_and_published_without_their_secret(tmp_path: Path) -> None:
    keys = signing_keys(tmp_path / "keys", now())
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert set(keys.jwks()["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}


async def test_the_operators_public_address_is_the_issuer(database: Database, tmp_path: Path) -> None:
    async with small_city(database, tmp_path, public_url="http://city.example/") as town:
        found = (await town.browser().get("/.well-known/openid-configuration")).json()
    assert (found["issuer"], found["jwks_uri"]) == ("http://city.example", "http://city.example/oidc/jwks")


async def test_plain_http_from_elsewhere_is_refused_unless_the_operator_named_it(town: SmallCity) -> None:
    async with town.browser(headers={"host": "10.1.2.3:8080"}) as browser:
        answer = await browser.get("/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["code"]) == (400, "insecure_issuer")


# --- registering systems -------------------------------------------------------------------------------------------


async def test_clients_are_listed_changed_and_removed_without_their_secret(
    town: SmallCity, confidential: Registered
) -> None:
    admin = await town.sign_in("admin")
    listed = (await admin.get("/api/v1/oidc/clients")).json()
    assert [item["client_id"] for item in listed["items"]] == [confidential.id]
    assert str(confidential.secret) not in str(listed)
    address = f"/api/v1/oidc/clients/{confidential.id}"
    assert (await admin.patch(address, json={"version": 1, "name": "交通"})).status_code == 204
    assert (await admin.patch(address, json={"version": 1, "name": "旧"})).json()["code"] == "version_conflict"
    assert (await admin.delete(address)).status_code == 204
    assert (await admin.get("/api/v1/oidc/clients")).json()["items"] == []


@pytest.mark.parametrize(
    "address",
    [
        "http://transport.example/callback",
        "https://transport.example/#fragment",
        "https://user@transport.example/",
        "https://*.example/",
        "javascript:alert(1)",
        "/callback",
        "https://",
        "https://[",
        "https://a:99999/",
        "https://a\\b/",
        "https://例子.example/",
        "https://a/\u0000",
    ],
)
async def test_only_whole_safe_addresses_can_be_registered(town: SmallCity, address: str) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [address]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/redirect_uris/0"


@pytest.mark.parametrize("address", ["http://127.0.0.1:7000/cb", "http://[::1]/cb", "http://localhost/cb"])
async def test_an_application_on_the_persons_own_machine_may_use_http(town: SmallCity, address: str) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [address]})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["profile"]}, {"scopes": ["openid", "email"]}, {"redirect_uris": []}, {"name": " "}]
)
async def test_a_senseless_registration_is_refused(town: SmallCity, wrong: dict[str, Any]) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [BACK]} | wrong)
    assert answer.status_code == 400


async def test_only_who_administers_the_root_registers_and_sees_clients(
    town: SmallCity, confidential: Registered
) -> None:
    await town.add("district", "east", ("administrator", "east"))
    for name in ("district", "duty"):
        browser = await town.sign_in(name)
        body = {"name": "x", "redirect_uris": [BACK]}
        assert (await browser.post("/api/v1/oidc/clients", json=body)).status_code == 403
        assert (await browser.get("/api/v1/oidc/clients")).json()["items"] == []
        assert (await browser.delete(f"/api/v1/oidc/clients/{UUID(confidential.id)}")).status_code == 404

"""Whom the authorization endpoint asks to sign in, and what it refuses."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from citybase.kernel.clock import now
from citybase.security.identity.models import person, session
from tests.security.oidc.applications import Registered, answer_of, code_for, refusals, sign_in_page
from tests.security.small_city import ADDRESS, SmallCity

pytestmark = pytest.mark.anyio


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

"""From a request to a principal: a wrong credential is an error, never a visitor."""

import base64
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from citybase.kernel.clock import now
from citybase.kernel.ids import new_id
from citybase.security.identity.models import api_token, device_credential, person, session
from citybase.security.identity.secrets import digest
from tests.security.small_city import PASSWORD, SmallCity

pytestmark = pytest.mark.anyio

SECRET = "s" * 43


@pytest.fixture(autouse=True)
async def duty(city: SmallCity) -> None:
    await city.add("duty", "east", ("operator", "east"))


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


async def give_device(city: SmallCity, device: str = "AIR-1") -> None:
    await city.execute(insert(device_credential).values(device=device, resource_id=new_id(), digest=digest(SECRET)))


async def give_token(city: SmallCity, **columns: object) -> None:
    values = {"id": new_id(), "digest": digest(SECRET), "person_id": city.people["duty"], "name": "x"}
    await city.execute(insert(api_token).values(values | {"actions": ["case.read"]} | columns))


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "bearer \xff",
        "Basic",
        "Basic !",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"no-colon").decode(),
        basic("AIR-1", "wrong"),
        basic("AIR-2", SECRET),
        basic("AIR\0-1", SECRET),
        basic("duty", PASSWORD),
        "Digest username=duty",
        "Negotiate abc",
        SECRET,
    ],
)
async def test_a_wrong_credential_is_a_problem_even_beside_a_good_session(city: SmallCity, authorization: str) -> None:
    await give_device(city)
    browser = await city.sign_in("duty")
    answer = await browser.get("/api/v1/session", headers={b"authorization": authorization.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_device_is_itself_and_may_only_deliver(city: SmallCity) -> None:
    await give_device(city)
    headers = {"authorization": basic("AIR-1", SECRET)}
    me = (await city.browser().get("/api/v1/session", headers=headers)).json()["principal"]
    assert (me["username"], me["permissions"]) == ("AIR-1", ["observation.write"])


@pytest.mark.parametrize("kind", ["device", "token"])
async def test_neither_a_device_nor_a_token_can_change_a_password(city: SmallCity, kind: str) -> None:
    await give_device(city, "duty")
    await give_token(city)
    headers = {"authorization": basic("duty", SECRET) if kind == "device" else f"Bearer {SECRET}"}
    body = {"current": PASSWORD, "new": "a better password"}
    answer = await city.browser().post("/api/v1/session/password", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await city.sign_in("duty")


async def test_a_request_without_a_credential_is_a_visitors(city: SmallCity) -> None:
    browser = city.browser()
    assert (await browser.get("/api/v1/session")).json()["principal"] is None
    assert (await browser.get("/api/v1/people")).status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_sites_page_cannot_write_with_the_cookie(city: SmallCity, site: str) -> None:
    browser = await city.sign_in("duty")
    answer = await browser.delete("/api/v1/session", headers={"sec-fetch-site": site})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await browser.get("/api/v1/session")).json()["principal"]["username"] == "duty"


async def test_a_disabled_accounts_session_and_token_die_at_once(city: SmallCity) -> None:
    browser = await city.sign_in("duty")
    await give_token(city)
    await city.execute(update(person).values(disabled=True))
    assert (await browser.get("/api/v1/session")).json()["principal"] is None
    refused = await city.browser().get("/api/v1/session", headers={"authorization": f"Bearer {SECRET}"})
    assert refused.status_code == 401


async def test_an_expired_session_is_a_visitors_and_an_expired_token_refused(city: SmallCity) -> None:
    browser = await city.sign_in("duty")
    await city.execute(update(session).values(expires_at=now()))
    assert (await browser.get("/api/v1/session")).json()["principal"] is None
    await give_token(city, expires_at=now() - timedelta(seconds=1))
    refused = await city.browser().get("/api/v1/session", headers={"authorization": f"Bearer {SECRET}"})
    assert refused.status_code == 401


async def test_a_lock_out_stops_sign_ins_but_not_the_work_under_way(city: SmallCity) -> None:
    browser = await city.sign_in("duty")
    for _ in range(3):
        await city.browser().post("/api/v1/session", json={"username": "duty", "password": "x"})
    assert (await browser.get("/api/v1/session")).json()["principal"]["username"] == "duty"

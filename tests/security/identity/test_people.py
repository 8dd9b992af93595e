"""People, roles and tokens: nobody reaches further through an account than they reach themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from citybase.security.identity.models import api_token, person, role_grant
from citybase.security.identity.secrets import digest
from citybase.security.transactions import audit_pending
from tests.security.small_city import PASSWORD, SmallCity

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def staff(city: SmallCity) -> None:
    await city.add("boss", "city", ("administrator", "city"), clearance=4)
    await city.add("chief", "east", ("administrator", "east"))
    await city.add("duty", "east", ("operator", "east"))
    await city.add("guest", "east", ("administrator", "city"))
    await city.add("keeper", "east", ("operator", "east"), clearance=4)
    await city.add("westerner", "west", ("operator", "west"))


def new_person(city: SmallCity, **fields: Any) -> dict[str, Any]:
    body = {"username": "new", "name": "新人", "organization_id": str(city.organizations["east"])}
    return body | fields


def grant(city: SmallCity, role: str, place: str) -> dict[str, str]:
    return {"role": role, "organization_id": str(city.organizations[place])}


def address(city: SmallCity, username: str) -> str:
    return f"/api/v1/people/{city.people[username]}"


async def roles(city: SmallCity, username: str) -> set[tuple[str, Any]]:
    rows = await city.rows(
        select(role_grant.c.role, role_grant.c.organization_id).where(role_grant.c.person_id == city.people[username])
    )
    return {tuple(row) for row in rows}


# --- accounts --------------------------------------------------------------------------------------------------------


async def test_an_account_begins_with_a_password_shown_once_that_must_be_changed(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    made = await chief.post("/api/v1/people", json=new_person(city, grants=[grant(city, "clerk", "street")]))
    assert made.status_code == 201
    secret = made.json()["secret"]
    browser = city.browser()
    me = await browser.post("/api/v1/session", json={"username": "new", "password": secret})
    assert me.json()["must_change_password"] is True
    assert secret not in repr(await city.rows(select(person))) + repr(await city.rows(select(audit_pending)))
    assert secret not in (await chief.get("/api/v1/people")).text


async def test_people_are_listed_within_scope_and_found_by_what_was_typed(city: SmallCity) -> None:
    chief, boss = await city.sign_in("chief"), await city.sign_in("boss")
    listed = [item["username"] for item in (await chief.get("/api/v1/people")).json()["items"]]
    assert listed == ["chief", "duty", "guest", "keeper"]
    assert len((await boss.get("/api/v1/people")).json()["items"]) == 6
    for words, found in (("DUTY", 1), ("先生", 6), ("%", 0), ("_", 0), ("\\", 0), ("\0", 6)):
        items = (await boss.get("/api/v1/people", params={"q": words})).json()["items"]
        assert len(items) == found, words


async def test_a_user_name_is_given_once(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    answer = await chief.post("/api/v1/people", json=new_person(city, username="duty"))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "a b"},
        {"username": "a\0"},
        {"username": "x" * 65},
        {"name": " "},
        {"name": "\0"},
        {"clearance": 0},
        {"clearance": 5},
        {"kind": "system"},
        {"extra": 1},
    ],
)
async def test_a_senseless_account_is_refused(city: SmallCity, wrong: dict[str, Any]) -> None:
    boss = await city.sign_in("boss")
    answer = await boss.post("/api/v1/people", json=new_person(city, **wrong))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


async def test_a_change_on_an_older_version_is_refused(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    assert (await chief.patch(address(city, "duty"), json={"version": 1, "name": "甲"})).status_code == 204
    late = await chief.patch(address(city, "duty"), json={"version": 1, "name": "乙"})
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")


async def test_disabling_an_account_ends_its_sessions(city: SmallCity) -> None:
    chief, duty = await city.sign_in("chief"), await city.sign_in("duty")
    assert (await chief.patch(address(city, "duty"), json={"version": 1, "disabled": True})).status_code == 204
    assert (await duty.get("/api/v1/session")).json()["principal"] is None
    # Enabling it again does not bring them back.
    assert (await chief.patch(address(city, "duty"), json={"version": 2, "disabled": False})).status_code == 204
    assert (await duty.get("/api/v1/session")).json()["principal"] is None


async def test_who_lost_a_password_gets_a_first_one_again(city: SmallCity) -> None:
    chief, duty = await city.sign_in("chief"), await city.sign_in("duty")
    for _ in range(3):
        await city.browser().post("/api/v1/session", json={"username": "duty", "password": "forgotten"})
    secret = (await chief.post(f"{address(city, 'duty')}/password")).json()["secret"]
    assert (await duty.get("/api/v1/session")).json()["principal"] is None
    me = await city.browser().post("/api/v1/session", json={"username": "duty", "password": secret})
    assert me.json()["must_change_password"] is True


# --- reaching further ------------------------------------------------------------------------------------------------


async def test_nobody_without_the_right_makes_or_changes_accounts(city: SmallCity) -> None:
    duty = await city.sign_in("duty")
    assert (await duty.get("/api/v1/people")).json()["items"] == []
    assert (await duty.post("/api/v1/people", json=new_person(city))).status_code == 403
    assert (await duty.patch(address(city, "duty"), json={"version": 1, "name": "x"})).status_code == 404


async def test_accounts_of_other_organisations_are_out_of_reach(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    west = str(city.organizations["west"])
    assert (await chief.post("/api/v1/people", json=new_person(city, organization_id=west))).status_code == 403
    assert (await chief.patch(address(city, "westerner"), json={"version": 1, "name": "x"})).status_code == 404
    assert (await chief.post(f"{address(city, 'westerner')}/password")).status_code == 404


@pytest.mark.parametrize("place", ["city", "west"])
async def test_roles_are_granted_only_where_one_administers(city: SmallCity, place: str) -> None:
    chief = await city.sign_in("chief")
    beyond = {"grants": [grant(city, "clerk", "east"), grant(city, "administrator", place)]}
    assert (await chief.post("/api/v1/people", json=new_person(city, **beyond))).status_code == 403
    assert (await chief.patch(address(city, "duty"), json={"version": 1, **beyond})).status_code == 403
    assert await roles(city, "duty") == {("operator", city.organizations["east"])}
    assert len(await city.rows(select(person))) == 6


@pytest.mark.parametrize("role", ["system", "", "Administrator"])
async def test_only_known_roles_can_be_granted(city: SmallCity, role: str) -> None:
    boss = await city.sign_in("boss")
    answer = await boss.patch(address(city, "duty"), json={"version": 1, "grants": [grant(city, role, "city")]})
    assert answer.json()["code"] == "invalid_input"


async def test_an_account_that_also_holds_a_role_elsewhere_cannot_be_taken_over(city: SmallCity) -> None:
    # guest's home is in east, but guest administers the whole city.
    chief = await city.sign_in("chief")
    refused = [
        await chief.post(f"{address(city, 'guest')}/password"),
        await chief.patch(address(city, "guest"), json={"version": 1, "grants": []}),
        await chief.patch(address(city, "guest"), json={"version": 1, "disabled": True}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    assert await roles(city, "guest") == {("administrator", city.organizations["city"])}
    assert await city.sign_in("guest")


async def test_clearance_is_neither_given_nor_taken_beyond_ones_own(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    assert (await chief.post("/api/v1/people", json=new_person(city, clearance=3))).status_code == 403
    assert (await chief.patch(address(city, "duty"), json={"version": 1, "clearance": 3})).status_code == 403
    # First lowered, then taken over: keeper's clearance is above chief's.
    assert (await chief.patch(address(city, "keeper"), json={"version": 1, "clearance": 1})).status_code == 403
    assert (await chief.post(f"{address(city, 'keeper')}/password")).status_code == 403


@pytest.mark.parametrize("change", [{"clearance": 1}, {"clearance": 4}, {"disabled": True}, {"grants": []}])
async def test_nobody_changes_their_own_powers(city: SmallCity, change: dict[str, Any]) -> None:
    for name in ("boss", "chief"):
        browser = await city.sign_in(name)
        answer = await browser.patch(address(city, name), json={"version": 1, **change})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_nobody_resets_their_own_password_without_knowing_it(city: SmallCity) -> None:
    boss = await city.sign_in("boss")
    assert (await boss.post(f"{address(city, 'boss')}/password")).status_code == 403
    assert (await boss.patch(address(city, "boss"), json={"version": 1, "name": "局长"})).status_code == 204


async def test_the_audit_entry_says_which_power_was_given_to_whom(city: SmallCity) -> None:
    boss = await city.sign_in("boss")
    given = grant(city, "leader", "west")
    await boss.patch(address(city, "duty"), json={"version": 1, "clearance": 3, "grants": [given]})
    (entry,) = await city.rows(select(audit_pending).where(audit_pending.c.action == "person.change"))
    assert (entry.target_id, entry.actor["username"]) == (str(city.people["duty"]), "boss")
    assert (entry.detail["clearance"], entry.detail["grants"]) == (3, [given])


# --- tokens ----------------------------------------------------------------------------------------------------------

Ask = Callable[..., Awaitable[httpx.Response]]


def bearer(city: SmallCity, secret: str) -> httpx.AsyncClient:
    return city.browser(headers={"authorization": f"Bearer {secret}"})


async def token_of(browser: httpx.AsyncClient, *actions: str) -> dict[str, str]:
    answer = await browser.post("/api/v1/tokens", json={"name": "脚本", "actions": list(actions)})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_tokens_secret_is_shown_once_and_rests_as_a_digest(city: SmallCity) -> None:
    duty = await city.sign_in("duty")
    made = await token_of(duty, "case.read", "alarm.read")
    listed = (await duty.get("/api/v1/tokens")).json()["items"]
    assert [item["actions"] for item in listed] == [["alarm.read", "case.read"]]
    assert made["secret"] not in str(listed)
    assert [row.digest for row in await city.rows(select(api_token))] == [digest(made["secret"])]
    me = (await bearer(city, made["secret"]).get("/api/v1/session")).json()["principal"]
    assert me["permissions"] == ["alarm.read", "case.read"]


@pytest.mark.parametrize("wanted", [["identity.write"], ["case.read", "identity.read"], [], ["no.such"]])
async def test_a_token_is_never_made_for_more_than_its_owner_may(city: SmallCity, wanted: list[str]) -> None:
    duty = await city.sign_in("duty")
    answer = await duty.post("/api/v1/tokens", json={"name": "x", "actions": wanted})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


async def test_a_token_loses_what_its_owner_loses(city: SmallCity) -> None:
    chief, duty = await city.sign_in("chief"), await city.sign_in("duty")
    token = bearer(city, (await token_of(duty, "case.dispatch"))["secret"])
    await chief.patch(address(city, "duty"), json={"version": 1, "grants": [grant(city, "leader", "east")]})
    assert (await token.get("/api/v1/session")).json()["principal"]["permissions"] == []


async def test_a_revoked_token_is_refused(city: SmallCity) -> None:
    duty = await city.sign_in("duty")
    made = await token_of(duty, "case.read")
    assert (await duty.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await bearer(city, made["secret"]).get("/api/v1/session")).status_code == 401
    assert (await duty.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404


async def test_a_token_neither_makes_nor_revokes_tokens(city: SmallCity) -> None:
    duty = await city.sign_in("duty")
    made = await token_of(duty, "case.read")
    token = bearer(city, made["secret"])
    assert (await token.post("/api/v1/tokens", json={"name": "x", "actions": ["case.read"]})).status_code == 403
    assert (await token.delete(f"/api/v1/tokens/{made['id']}")).status_code == 403


async def test_another_persons_token_can_be_neither_seen_nor_revoked(city: SmallCity) -> None:
    made = await token_of(await city.sign_in("duty"), "case.read")
    for name, status in (("westerner", 404), ("boss", 404)):
        browser = await city.sign_in(name)
        assert (await browser.get("/api/v1/tokens")).json()["items"] == []
        assert (await browser.delete(f"/api/v1/tokens/{made['id']}")).status_code == status


async def test_a_service_account_works_with_tokens_that_its_administrator_makes_and_revokes(city: SmallCity) -> None:
    chief = await city.sign_in("chief")
    body = new_person(city, kind="service", grants=[grant(city, "collector", "east")])
    made = (await chief.post("/api/v1/people", json=body)).json()
    assert made["secret"] is None
    place = f"/api/v1/people/{made['id']}"
    assert (await chief.post(f"{place}/password")).json()["code"] == "conflict"
    asked = {"name": "采集", "actions": ["observation.write"]}
    token = (await chief.post(f"{place}/tokens", json=asked)).json()
    me = (await bearer(city, token["secret"]).get("/api/v1/session")).json()["principal"]
    assert (me["username"], me["permissions"]) == ("new", ["observation.write"])
    assert (await chief.post(f"{place}/tokens", json=asked | {"actions": ["identity.write"]})).status_code == 400
    westerner = await city.sign_in("westerner")
    assert (await westerner.post(f"{place}/tokens", json=asked)).status_code == 404
    assert (await chief.delete(f"/api/v1/tokens/{token['id']}")).status_code == 204
    assert (await bearer(city, token["secret"]).get("/api/v1/session")).status_code == 401


async def test_nobody_makes_a_token_in_another_persons_name(city: SmallCity) -> None:
    boss = await city.sign_in("boss")
    asked = {"name": "x", "actions": ["case.read"]}
    assert (await boss.post(f"{address(city, 'duty')}/tokens", json=asked)).json()["code"] == "conflict"
    assert (await city.sign_in("duty")) is not None
    assert PASSWORD not in repr(await city.rows(select(audit_pending)))

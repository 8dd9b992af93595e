"""Signing in: sessions, lock-out, passwords."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

import citybase.security.identity.sign_in as sign_in_module
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.security.identity.first import recover_password
from citybase.security.identity.models import person, session
from citybase.security.identity.secrets import verify_password
from citybase.security.identity.sign_in import sign_in
from citybase.security.transactions import audit_pending
from tests.security.small_city import PASSWORD, SmallCity

pytestmark = pytest.mark.anyio

NEW = "a better password"


@pytest.fixture(autouse=True)
async def duty(city: SmallCity) -> None:
    await city.add("duty", "east", ("operator", "east"))


async def outcome(city: SmallCity, username: str, password: str) -> str:
    try:
        await sign_in(city.database, city.settings, username, password)
    except Problem as problem:
        return problem.code
    return "in"


async def failures(city: SmallCity) -> Any:
    return (await city.rows(select(person.c.failures, person.c.locked_until)))[0]


@pytest.mark.parametrize("seed", range(3))
async def test_parallel_guesses_get_no_more_tries_than_the_lock_out_allows(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    looked_at: list[str] = []

    def counting(stored: str | None, password: str) -> bool:
        looked_at.append(password)
        return verify_password(stored, password)

    monkeypatch.setattr(sign_in_module, "verify_password", counting)
    answers = await asyncio.gather(*(outcome(city, "duty", f"guess {seed} {n}") for n in range(12)))
    assert len(looked_at) == city.settings.lockout_failures == 3
    assert sorted(answers) == ["locked_out"] * 9 + ["wrong_credentials"] * 3
    assert await outcome(city, "duty", PASSWORD) == "locked_out"


async def test_wrong_passwords_are_counted_one_by_one_and_a_right_one_sets_the_count_back(city: SmallCity) -> None:
    answers = await asyncio.gather(outcome(city, "duty", "x"), outcome(city, "duty", "y"))
    assert set(answers) == {"wrong_credentials"}
    assert (await failures(city)).failures == 2
    assert await outcome(city, "duty", PASSWORD) == "in"
    assert tuple(await failures(city)) == (0, None)


async def test_a_lock_that_has_run_out_gives_the_full_number_of_tries_again(city: SmallCity) -> None:
    for _ in range(3):
        await outcome(city, "duty", "x")
    assert await outcome(city, "duty", PASSWORD) == "locked_out"
    await city.execute(update(person).values(locked_until=now() - timedelta(seconds=1)))
    assert [await outcome(city, "duty", "x") for _ in range(2)] == ["wrong_credentials"] * 2
    assert await outcome(city, "duty", PASSWORD) == "in"


async def test_tries_that_a_crash_left_uncounted_lock_for_a_while_only(city: SmallCity) -> None:
    await city.execute(update(person).values(failures=3))
    assert await outcome(city, "duty", PASSWORD) == "locked_out"
    assert (await failures(city)).locked_until > now()


async def test_an_unknown_name_costs_the_same_work_and_leaves_the_same_trace(
    city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str | None] = []

    def counting(stored: str | None, password: str) -> bool:
        looked_at.append(stored)
        return verify_password(stored, password)

    monkeypatch.setattr(sign_in_module, "verify_password", counting)
    await city.add("machine", "east", kind="service", password_hash=None)
    for name in ("nobody", "duty\0", "machine", "duty"):
        assert await outcome(city, name, "x") == "wrong_credentials"
    assert len(looked_at) == 4
    rows = await city.rows(select(audit_pending.c.action, audit_pending.c.outcome, audit_pending.c.detail))
    assert [tuple(row) for row in rows] == [("session.open", "refused", {"locked": False})] * 4


@pytest.mark.parametrize("columns", [{"disabled": True}, {"kind": "service"}, {"password_hash": None}])
async def test_whoever_may_not_sign_in_is_told_no_more_than_a_stranger(
    city: SmallCity, columns: dict[str, Any]
) -> None:
    await city.execute(update(person).values(columns))
    assert await outcome(city, "duty", PASSWORD) == "wrong_credentials"


async def test_each_sign_in_makes_a_new_secret_and_ends_the_session_it_replaces(city: SmallCity) -> None:
    browser = city.browser(cookies={"citybase_session": "chosen-by-a-stranger"})
    await city.sign_in("duty", browser)
    first = browser.cookies.get("citybase_session", domain="127.0.0.1")
    browser.cookies.delete("citybase_session", domain="")
    await city.sign_in("duty", browser)
    second = browser.cookies.get("citybase_session", domain="127.0.0.1")
    assert len({first, second, "chosen-by-a-stranger", None}) == 4
    assert len(await city.rows(select(session))) == 1
    for secret in (first, "chosen-by-a-stranger"):
        stale = city.browser(cookies={"citybase_session": secret})
        assert (await stale.get("/api/v1/session")).json()["principal"] is None


async def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(city: SmallCity) -> None:
    answer = await city.browser().post("/api/v1/session", json={"username": "duty", "password": PASSWORD})
    main, sign_on = (cookie.lower() for cookie in answer.headers.get_list("set-cookie"))
    assert "httponly" in main
    assert "samesite=strict" in main
    assert "httponly" in sign_on
    assert "samesite=lax" in sign_on
    assert "path=/oidc" in sign_on


async def test_signing_out_ends_this_session_only(city: SmallCity) -> None:
    one, other = await city.sign_in("duty"), await city.sign_in("duty")
    assert (await one.delete("/api/v1/session")).status_code == 204
    assert (await one.get("/api/v1/session")).json()["principal"] is None
    assert (await other.get("/api/v1/session")).json()["principal"]["username"] == "duty"


# --- one's own password ----------------------------------------------------------------------------------------------


async def test_changing_the_password_ends_every_session(city: SmallCity) -> None:
    one, other = await city.sign_in("duty"), await city.sign_in("duty")
    answer = await one.post("/api/v1/session/password", json={"current": PASSWORD, "new": NEW})
    assert answer.status_code == 204
    for browser in (one, other):
        assert (await browser.get("/api/v1/session")).json()["principal"] is None
    assert await outcome(city, "duty", PASSWORD) == "wrong_credentials"
    assert await outcome(city, "duty", NEW) == "in"


@pytest.mark.parametrize("new", ["short", PASSWORD, ""])
async def test_a_weak_or_unchanged_password_is_refused(city: SmallCity, new: str) -> None:
    browser = await city.sign_in("duty")
    answer = await browser.post("/api/v1/session/password", json={"current": PASSWORD, "new": new})
    assert answer.json()["code"] == "weak_password"
    assert await outcome(city, "duty", PASSWORD) == "in"


async def test_a_found_session_cannot_be_used_to_guess_the_password(city: SmallCity) -> None:
    browser = await city.sign_in("duty")
    body = {"current": "guess", "new": NEW}
    answers = [(await browser.post("/api/v1/session/password", json=body)).json()["code"] for _ in range(4)]
    assert answers == ["wrong_credentials"] * 3 + ["locked_out"]


async def test_a_first_password_opens_nothing_until_it_is_changed(city: SmallCity) -> None:
    await city.add("boss", "city", ("administrator", "city"), must_change_password=True)
    browser = await city.sign_in("boss")
    assert (await browser.get("/api/v1/session")).json()["principal"]["permissions"] == []
    assert (await browser.get("/api/v1/people")).json()["items"] == []
    await browser.post("/api/v1/session/password", json={"current": PASSWORD, "new": NEW})
    await browser.post("/api/v1/session", json={"username": "boss", "password": NEW})
    assert len((await browser.get("/api/v1/people")).json()["items"]) == 2


async def test_recovery_at_the_machine_gives_a_first_password_and_ends_every_session(city: SmallCity) -> None:
    browser = await city.sign_in("duty")
    await city.execute(update(person).values(failures=3, locked_until=now() + timedelta(hours=1)))
    secret = await recover_password(city.database, "duty")
    assert (await browser.get("/api/v1/session")).json()["principal"] is None
    assert await outcome(city, "duty", secret) == "in"
    assert (await city.rows(select(person.c.must_change_password)))[0][0] is True
    with pytest.raises(Problem):
        await recover_password(city.database, "nobody")

"""Signing in: what a person meets at the door."""

from typing import Any

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import insert

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.identity.models import person, role_grant
from citybase.security.identity.secrets import hash_password
from citybase.security.organizations import organization
from citybase.server.app import create_app

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


@pytest.fixture
async def client(database: Database) -> Any:
    bureau = new_id()
    someone = new_id()
    async with database.begin() as connection:
        await connection.execute(
            insert(organization).values(
                id=bureau, code="610100-data", name="市数据局", kind="department", path="/610100/"
            )
        )
        await connection.execute(
            insert(person).values(
                id=someone,
                username="duty",
                name="值班员",
                organization_id=bureau,
                password_hash=hash_password(PASSWORD),
            )
        )
        await connection.execute(
            insert(role_grant).values(id=new_id(), person_id=someone, role="operator", organization_id=bureau)
        )
    async with AsyncTestClient(create_app(Settings(lockout_failures=3), database)) as client:
        yield client


async def test_a_visitor_learns_the_city_but_not_who_is_in_it(client: Any) -> None:
    answer = await client.get("/api/v1/session")
    assert answer.status_code == 200
    assert answer.json()["principal"] is None


async def test_a_right_password_opens_a_session_and_signing_out_ends_it(client: Any) -> None:
    opened = await client.post("/api/v1/session", json={"username": "duty", "password": PASSWORD})
    assert opened.status_code == 200
    assert "case.dispatch" in opened.json()["permissions"]
    assert (await client.get("/api/v1/session")).json()["principal"]["username"] == "duty"
    assert (await client.delete("/api/v1/session")).status_code == 204
    assert (await client.get("/api/v1/session")).json()["principal"] is None


async def test_a_wrong_password_says_so_in_the_readers_language(client: Any) -> None:
    answer = await client.post("/api/v1/session", json={"username": "duty", "password": "x"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == "wrong_credentials"
    assert "用户名" in answer.json()["title"]
    english = await client.post(
        "/api/v1/session", json={"username": "duty", "password": "x"}, headers={"accept-language": "en"}
    )
    assert "Wrong" in english.json()["title"]


async def test_repeated_failures_lock_the_account_even_for_the_right_password(client: Any) -> None:
    for _ in range(3):
        await client.post("/api/v1/session", json={"username": "duty", "password": "x"})
    answer = await client.post("/api/v1/session", json={"username": "duty", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"username": 1}', b'{"username": "a\\u0000", "password": "x"}'])
async def test_a_malformed_sign_in_is_refused_with_a_clear_problem(client: Any, body: bytes) -> None:
    answer = await client.post("/api/v1/session", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 401}
    assert answer.json()["remedy"]

"""The audit log as an auditor reads it over HTTP."""

import base64
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import insert

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.audit.entries import decode
from citybase.security.audit.integrate import city_log, integrate_once
from citybase.security.audit.keys import VerifierKey
from citybase.security.audit.merkle import TreeHash
from citybase.security.audit.proof import InclusionProof
from citybase.security.identity.models import person, role_grant
from citybase.security.identity.secrets import hash_password
from citybase.security.organizations import organization
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import begin
from citybase.server.app import create_app

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"
HASHED = hash_password(PASSWORD)


class City:
    """A root with two bureaus, an auditor at each of the three and an operator at the root."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = {code: new_id() for code in ("city", "water", "air")}

    async def build(self) -> None:
        async with self.database.begin() as connection:
            for code, identity in self.ids.items():
                await connection.execute(
                    insert(organization).values(
                        id=identity,
                        code=code,
                        name=code,
                        kind="department",
                        parent_id=None if code == "city" else self.ids["city"],
                        path="/city/" if code == "city" else f"/city/{code}/",
                    )
                )
            accounts = [(code, "auditor", code) for code in self.ids] + [("duty", "operator", "city")]
            for username, role, code in accounts:
                someone = new_id()
                await connection.execute(
                    insert(person).values(
                        id=someone,
                        username=username,
                        name=username,
                        organization_id=self.ids[code],
                        password_hash=HASHED,
                    )
                )
                await connection.execute(
                    insert(role_grant).values(id=new_id(), person_id=someone, role=role, organization_id=self.ids[code])
                )

    async def act(self, action: str, target: str, owner: str | None, actor: Principal = SYSTEM) -> None:
        async with begin(self.database, actor) as tx:
            await tx.audit(action, "thing", target, organization_id=self.ids[owner] if owner else None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
async def city(database: Database, settings: Settings) -> City:
    """Six entries: two of water, three of air, one of nobody."""
    city = City(database)
    await city.build()
    fang = Principal(id=UUID(int=7), kind="person", name="王芳", username="fang")
    await city.act("case.accept", "w-1", "water", fang)
    await city.act("case.dispatch", "w-2", "water")
    for number in range(3):
        await city.act("resource.update", f"a_{number}", "air")
    await city.act("pack.apply", "xian", None)
    await integrate_once(database, city_log(settings))
    return city


@pytest.fixture
async def client(city: City, settings: Settings) -> AsyncIterator[Any]:
    async with AsyncTestClient(create_app(settings, city.database)) as client:
        yield client


async def sign_in(client: Any, username: str) -> None:
    answer = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text


async def found(client: Any, **query: Any) -> list[str]:
    answer = await client.get("/api/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [item["target"]["id"] for item in answer.json()["items"]]


async def test_an_auditor_sees_the_entries_of_their_organisation_newest_first(client: Any) -> None:
    await sign_in(client, "water")
    assert await found(client) == ["w-2", "w-1"]
    await sign_in(client, "air")
    assert await found(client) == ["a_2", "a_1", "a_0"]
    await sign_in(client, "city")
    assert await found(client) == ["xian", "a_2", "a_1", "a_0", "w-2", "w-1"]


async def test_an_entry_out_of_scope_is_not_found_even_by_its_index(client: Any) -> None:
    await sign_in(client, "air")
    assert (await client.get("/api/v1/audit/0")).status_code == 404
    assert (await client.get("/api/v1/audit/5")).status_code == 404
    assert (await client.get("/api/v1/audit/2")).status_code == 200


@pytest.mark.parametrize("path", ["", "/0", "/checkpoint"])
async def test_only_auditors_read_the_log(client: Any, path: str) -> None:
    assert (await client.get(f"/api/v1/audit{path}")).status_code == 401
    await sign_in(client, "duty")
    assert (await client.get(f"/api/v1/audit{path}")).status_code == 403


async def test_entries_are_searched_by_who_what_and_when(client: Any) -> None:
    await sign_in(client, "city")
    assert await found(client, q="王芳") == ["w-1"]
    assert await found(client, q="A_1") == ["a_1"]
    assert await found(client, q="%") == []
    assert await found(client, q="\0") == []
    assert await found(client, actor=str(UUID(int=7))) == ["w-1"]
    assert await found(client, action="case.dispatch") == ["w-2"]
    assert await found(client, action="case.") == ["w-2", "w-1"]
    assert await found(client, target_type="thing", target="w-1") == ["w-1"]
    assert await found(client, outcome="denied") == []
    assert await found(client, until="2000-01-01T00:00:00") == []
    assert len(await found(client, since="2000-01-01T00:00:00+08:00")) == 6


async def test_since_is_inclusive_and_until_is_not(client: Any) -> None:
    await sign_in(client, "city")
    items = (await client.get("/api/v1/audit")).json()["items"]
    times = {item["target"]["id"]: item["time"] for item in items}
    later = [target for target, time in times.items() if time >= times["a_0"]]
    assert await found(client, since=times["a_0"]) == later
    assert set(await found(client, until=times["a_0"])) == set(times) - set(later)


async def test_pages_follow_their_cursor_without_gap_or_repeat(client: Any) -> None:
    await sign_in(client, "city")
    first = (await client.get("/api/v1/audit", params={"limit": 4})).json()
    rest = (await client.get("/api/v1/audit", params={"limit": 4, "cursor": first["next"]})).json()
    assert [item["index"] for item in first["items"] + rest["items"]] == [5, 4, 3, 2, 1, 0]
    assert (rest["next"], first["total"]) == (None, {"count": 6, "exact": True})


async def test_an_entry_comes_with_a_proof_that_anybody_can_check(client: Any, settings: Settings) -> None:
    await sign_in(client, "city")
    answer = (await client.get("/api/v1/audit/0")).json()
    signed = (await client.get("/api/v1/audit/checkpoint")).json()
    key = VerifierKey.parse(signed["public_key"])
    data = city_log(settings).entry(0)
    assert InclusionProof.parse(answer["tlog_proof"]).shows(data, key)
    assert answer["checkpoint"] == signed["checkpoint"]
    assert base64.b64decode(answer["leaf_hash"]) == TreeHash(answer["hash"]).leaf(data)
    assert answer["entry"]["actor"]["name"] == answer["actor"]["name"] == "王芳"
    assert datetime.fromisoformat(answer["time"]) == decode(data).time
    assert signed["size"] == 6


async def test_a_damaged_log_is_said_to_be_damaged(client: Any, settings: Settings) -> None:
    await sign_in(client, "city")
    (settings.data / "audit" / "checkpoint").write_bytes(b"nonsense")
    answer = await client.get("/api/v1/audit/0")
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_log_damaged")
    (settings.data / "audit" / "public-key").unlink()
    assert (await client.get("/api/v1/audit/checkpoint")).json()["code"] == "audit_log_damaged"


@pytest.mark.parametrize("index", ["-1", "9223372036854775808", "99999999999999999999999", "x", "7"])
async def test_an_index_that_is_none_is_refused(client: Any, index: str) -> None:
    await sign_in(client, "city")
    assert (await client.get(f"/api/v1/audit/{index}")).status_code in {400, 404}


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"limit": 0}, {"limit": 201}, {"cursor": "%%%"}])
async def test_a_malformed_query_is_refused_with_a_remedy(client: Any, query: dict[str, Any]) -> None:
    await sign_in(client, "city")
    answer = await client.get("/api/v1/audit", params=query)
    assert answer.status_code == 400
    assert answer.json()["remedy"]


async def test_times_at_the_edge_of_the_calendar_are_answered(client: Any) -> None:
    await sign_in(client, "city")
    assert await found(client, until="0001-01-01T00:00:00") == []
    assert await found(client, since="9999-12-31T23:59:59-23:59") == []


async def test_the_api_document_describes_the_audit_routes(client: Any) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    assert {"/api/v1/audit", "/api/v1/audit/{index}", "/api/v1/audit/checkpoint"} <= set(document["paths"])

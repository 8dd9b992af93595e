"""The organisation tree as its keepers meet it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import select

from citybase.city.organizations.queries import find_by_name
from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.security.transactions import audit_pending
from citybase.server.app import create_app
from tests.worlds import Districts, client_of, found_districts, new_person

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]


@pytest.fixture
async def world(database: Database) -> Districts:
    return await found_districts(database)


@pytest.fixture
async def client(database: Database, world: Districts) -> AsyncIterator[Client]:
    async with client_of(create_app(Settings(), database), world.city_token) as client:
        yield client


async def create(client: Client, parent: object, code: str, name: str, **more: Any) -> Any:
    body = {"code": code, "name": name, "kind": "department", "parent_id": str(parent)} | more
    answer = await client.post("/api/v1/organizations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_new_organisation_stands_below_its_parent(client: Client, world: Districts) -> None:
    made = await create(client, world.yanta, "610113-eco", "生态环境局雁塔分局", short_name="雁塔环保")
    assert made["path"] == "/610100/610113/610113-eco/"
    listed = (await client.get("/api/v1/organizations", params={"below": str(world.yanta)})).json()["items"]
    assert [item["code"] for item in listed] == ["610113", "610113-eco"]


async def test_a_code_is_given_once(client: Client, world: Districts) -> None:
    await create(client, world.city, "610100-gx", "工信局")
    again = await client.post(
        "/api/v1/organizations",
        json={"code": "610100-gx", "name": "另一个", "kind": "department", "parent_id": str(world.city)},
    )
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_renamed_body_is_found_by_every_name_it_ever_had(
    client: Client, world: Districts, database: Database
) -> None:
    made = await create(client, world.city, "610100-gx", "西安市工业和信息化委员会", short_name="市工信委")
    url = f"/api/v1/organizations/{made['id']}"
    renamed = await client.patch(url, json={"name": "西安市工业和信息化局", "short_name": "市工信局"})
    assert renamed.json()["former_names"] == ["西安市工业和信息化委员会", "市工信委"]
    found = (await client.get("/api/v1/organizations", params={"q": "工信委"})).json()["items"]
    assert [item["id"] for item in found] == [made["id"]]
    async with database.begin() as connection:
        for name in ("市工信委", "市工信局", "西安市工业和信息化委员会", "610100-gx"):
            assert str(await find_by_name(connection, name)) == made["id"]
        assert await find_by_name(connection, "没有这个局") is None


async def test_a_moved_body_takes_everything_below_it_along(client: Client, world: Districts) -> None:
    bureau = await create(client, world.yanta, "610113-a", "甲")
    desk = await create(client, bureau["id"], "610113-a1", "甲一")
    moved = await client.patch(f"/api/v1/organizations/{bureau['id']}", json={"parent_id": str(world.weiyang)})
    assert moved.json()["path"] == "/610100/610112/610113-a/"
    below = (await client.get(f"/api/v1/organizations/{desk['id']}")).json()
    assert below["path"] == "/610100/610112/610113-a/610113-a1/"


async def test_a_body_cannot_be_put_below_itself(client: Client, world: Districts) -> None:
    bureau = await create(client, world.yanta, "610113-a", "甲")
    desk = await create(client, bureau["id"], "610113-a1", "甲一")
    answer = await client.patch(f"/api/v1/organizations/{bureau['id']}", json={"parent_id": desk["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_another_district_is_neither_seen_nor_changed(database: Database, world: Districts) -> None:
    async with client_of(create_app(Settings(), database), world.yanta_token) as stranger:
        listed = (await stranger.get("/api/v1/organizations")).json()["items"]
        assert [item["code"] for item in listed] == ["610113"]
        assert (await stranger.get(f"/api/v1/organizations/{world.weiyang}")).status_code == 404
        answer = await stranger.patch(f"/api/v1/organizations/{world.weiyang}", json={"name": "x"})
        assert answer.status_code == 404


async def test_reading_does_not_permit_writing(database: Database, world: Districts) -> None:
    clerk = await new_person(database, world.yanta, roles=("clerk",))
    async with client_of(create_app(Settings(), database), clerk) as client:
        answer = await client.patch(f"/api/v1/organizations/{world.yanta}", json={"name": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_every_change_leaves_an_audit_entry(client: Client, world: Districts, database: Database) -> None:
    made = await create(client, world.yanta, "610113-a", "甲")
    await client.patch(f"/api/v1/organizations/{made['id']}", json={"name": "乙", "parent_id": str(world.city)})
    async with database.begin() as connection:
        actions = (
            (await connection.execute(select(audit_pending.c.action).order_by(audit_pending.c.id))).scalars().all()
        )
    assert actions == ["organization.create", "organization.rename", "organization.move"]


async def test_a_name_with_a_zero_character_is_refused(client: Client, world: Districts) -> None:
    answer = await client.patch(f"/api/v1/organizations/{world.yanta}", json={"name": "a\0b"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/name")
    assert (await client.get("/api/v1/organizations", params={"q": "a\0"})).status_code == 400

"""The one ledger as its keepers meet it."""

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from citybase.engines.outbox import outbox
from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.security.transactions import audit_pending
from citybase.server.app import create_app
from tests.worlds import Districts, client_of, found_districts, new_person

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]
RESOURCES = "/api/v1/resources"


@pytest.fixture
async def world(database: Database) -> Districts:
    return await found_districts(database)


@pytest.fixture
async def client(database: Database, world: Districts) -> AsyncIterator[Client]:
    async with client_of(create_app(Settings(), database), world.city_token) as client:
        yield client


def draft(owner: object, code: str = "APP-1", **more: Any) -> dict[str, Any]:
    return {"kind": "application", "code": code, "name": f"政务应用{code}", "owner_id": str(owner)} | more


async def register(client: Client, owner: object, code: str = "APP-1", **more: Any) -> Any:
    answer = await client.post(RESOURCES, json=draft(owner, code, **more))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_registered_entry_starts_its_life_and_can_be_read_back(client: Client, world: Districts) -> None:
    made = await register(client, world.yanta, attributes={"users": 12, "domestic": True}, tags=["信创"])
    assert (made["life_cycle"], made["version"]) == ("planned", 1)
    answer = await client.get(f"{RESOURCES}/{made['id']}")
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["attributes"] == {"users": 12, "domestic": True}
    assert answer.json()["owner"]["name"] == "雁塔区"


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ({"attributes": {"users": "many"}}, "/attributes/users", "wrong_type"),
        ({"attributes": {"users": -1}}, "/attributes/users", "minimum"),
        ({"attributes": {"level": "五级"}}, "/attributes/level", "enum"),
        ({"attributes": {"colour": 1}}, "/attributes/colour", "unknown_field"),
        ({"attributes": {"vendor": "x" * 51}}, "/attributes/vendor", "maxLength"),
        ({"attributes": {"vendor": "a\0"}}, "/attributes/vendor", "unstorable_text"),
        ({"longitude": 108.9}, "/longitude", "half_a_point"),
        ({"life_cycle": "sleeping"}, "/life_cycle", "unknown_state"),
    ],
)
async def test_an_entry_that_its_kind_does_not_allow_is_refused_at_the_place(
    client: Client, world: Districts, more: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await client.post(RESOURCES, json=draft(world.yanta, **more))
    assert answer.status_code == 400
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert "{" not in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "nothing"},
        {"owner_id": str(uuid4())},
        {"classification": 5},
        {"latitude": 91, "longitude": 0},
        {"x": 1},
    ],
)
async def test_what_no_entry_may_hold_is_refused(client: Client, world: Districts, more: dict[str, Any]) -> None:
    answer = await client.post(RESOURCES, json=draft(world.yanta) | more)
    assert answer.status_code == 400
    assert answer.json()["remedy"]


async def test_a_code_is_registered_once(client: Client, world: Districts) -> None:
    await register(client, world.yanta)
    answer = await client.post(RESOURCES, json=draft(world.weiyang))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_change_names_the_version_it_is_based_on(client: Client, world: Districts) -> None:
    made = await register(client, world.yanta)
    url = f"{RESOURCES}/{made['id']}"
    assert (await client.patch(url, json={"name": "新名"})).status_code == 428
    changed = await client.patch(url, json={"name": "新名"}, headers={"if-match": '"1"'})
    assert (changed.json()["name"], changed.json()["version"]) == ("新名", 2)
    late = await client.patch(url, json={"name": "旧人"}, headers={"if-match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "version_conflict")
    assert (await client.patch(url, json={"name": "x"}, headers={"if-match": "abc"})).status_code == 400


async def test_history_tells_each_field_before_and_after(client: Client, world: Districts) -> None:
    made = await register(client, world.yanta, address="小寨东路 1 号")
    url = f"{RESOURCES}/{made['id']}"
    await client.patch(url, json={"address": "小寨西路 2 号", "name": made["name"]}, headers={"if-match": '"1"'})
    await client.post(f"{url}/life-cycle", json={"to": "running"})
    entries = (await client.get(f"{url}/history")).json()["items"]
    assert [entry["action"] for entry in entries] == ["life_cycle", "change", "create"]
    assert entries[0]["changes"] == {"life_cycle": ["planned", "running"]}
    assert entries[1]["changes"] == {"address": ["小寨东路 1 号", "小寨西路 2 号"]}
    assert entries[1]["actor"]["organization"] == "西安市"


async def test_a_life_moves_only_along_declared_transitions(client: Client, world: Districts) -> None:
    made = await register(client, world.yanta)
    url = f"{RESOURCES}/{made['id']}/life-cycle"
    skipped = await client.post(url, json={"to": "retired"})
    assert (skipped.status_code, skipped.json()["code"]) == (409, "conflict")
    assert (await client.post(url, json={"to": "running"})).json()["life_cycle"] == "running"
    assert (await client.post(url, json={"to": "retired"})).json()["life_cycle"] == "retired"


async def test_every_write_is_audited_and_announced(client: Client, world: Districts, database: Database) -> None:
    made = await register(client, world.yanta)
    await client.patch(f"{RESOURCES}/{made['id']}", json={"name": "新"}, headers={"if-match": "1"})
    async with database.begin() as connection:
        audited = (await connection.execute(select(audit_pending.c.action).order_by(audit_pending.c.id))).scalars()
        announced = (await connection.execute(select(outbox.c.type).order_by(outbox.c.id))).scalars()
    assert list(audited) == ["resource.create", "resource.change"]
    assert list(announced) == ["resource.created", "resource.changed"]


async def test_chinese_search_finds_a_part_of_name_code_or_address(client: Client, world: Districts) -> None:
    await register(client, world.yanta, "APP-1", name="智慧环保平台")
    await register(client, world.yanta, "APP-2", address="雁塔南路 100%")
    for q, code in (("环保", "APP-1"), ("app-2", "APP-2"), ("南路", "APP-2"), ("100%", "APP-2")):
        listed = (await client.get(RESOURCES, params={"q": q})).json()
        assert [item["code"] for item in listed["items"]] == [code], q
    assert (await client.get(RESOURCES, params={"q": "100_"})).json()["items"] == []


async def test_filters_and_facets_agree(client: Client, world: Districts) -> None:
    await register(client, world.yanta, "A", area_code="610113001", classification=2)
    await register(client, world.weiyang, "B", area_code="610112")
    await register(client, world.weiyang, "SENSOR-1", kind="sensor")
    facets = (await client.get(f"{RESOURCES}/facets")).json()
    assert {facet["value"]: facet["count"] for facet in facets["kind"]} == {"application": 2, "sensor": 1}
    assert {facet["value"]: facet["count"] for facet in facets["area"]} == {"610113": 1, "610112": 1}
    cases: tuple[tuple[dict[str, str], list[str]], ...] = (
        ({"kind": "sensor"}, ["SENSOR-1"]),
        ({"area": "610113"}, ["A"]),
        ({"classification": "2"}, ["A"]),
        ({"organization": str(world.weiyang)}, ["B", "SENSOR-1"]),
        ({"organization": str(world.city)}, ["A", "B", "SENSOR-1"]),
        ({"life_cycle": "running"}, []),
    )
    for params, codes in cases:
        listed = (await client.get(RESOURCES, params=params)).json()
        assert [item["code"] for item in listed["items"]] == codes, params


@pytest.mark.parametrize("sort", ["code", "-code", "name", "-updated_at"])
async def test_pages_show_every_entry_once(client: Client, world: Districts, sort: str) -> None:
    for number in range(7):
        await register(client, world.yanta, f"APP-{number}", name="同名")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"sort": sort, "limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(RESOURCES, params=params)).json()
        seen += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"APP-{number}" for number in range(7)]
    assert page["total"] == {"count": 7, "exact": True}


@pytest.mark.parametrize("params", [{"sort": "owner"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"kind": "\0"}])
async def test_an_impossible_list_is_refused(client: Client, params: dict[str, Any]) -> None:
    answer = await client.get(RESOURCES, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


async def test_what_is_above_ones_clearance_does_not_exist(
    client: Client, world: Districts, database: Database
) -> None:
    core = await register(client, world.yanta, "CORE", classification=4)
    open_ = await register(client, world.yanta, "OPEN")
    await client.post(f"{RESOURCES}/{open_['id']}/links", json={"to_id": core["id"], "relation": "runs-on"})
    low = await new_person(database, world.yanta, clearance=2)
    async with client_of(create_app(Settings(), database), low) as reader:
        assert [item["code"] for item in (await reader.get(RESOURCES)).json()["items"]] == ["OPEN"]
        assert (await reader.get(f"{RESOURCES}/{core['id']}")).status_code == 404
        assert (await reader.get(f"{RESOURCES}/{core['id']}/history")).status_code == 404
        assert (await reader.get(f"{RESOURCES}/{open_['id']}")).json()["links"] == []
        refused = await reader.post(RESOURCES, json=draft(world.yanta, "SECRET", classification=4))
        assert refused.status_code == 403
        raised = await reader.patch(f"{RESOURCES}/{open_['id']}", json={"classification": 4}, headers={"if-match": "1"})
        assert raised.status_code == 403


async def test_reading_an_important_entry_is_audited(client: Client, world: Districts, database: Database) -> None:
    made = await register(client, world.yanta, classification=3)
    await client.get(f"{RESOURCES}/{made['id']}")
    async with database.begin() as connection:
        rows = await connection.execute(
            select(audit_pending.c.target_id).where(audit_pending.c.action == "resource.read")
        )
    assert made["id"] in rows.scalars().all()


async def test_a_list_that_shows_classified_entries_is_audited_with_their_codes(
    client: Client, world: Districts, database: Database
) -> None:
    await register(client, world.yanta, "OPEN", classification=2)
    assert (await client.get(RESOURCES)).status_code == 200
    await register(client, world.yanta, "IMPORTANT", classification=3)
    assert (await client.get(RESOURCES)).status_code == 200
    async with database.begin() as connection:
        entries = await connection.execute(
            select(audit_pending.c.detail).where(
                audit_pending.c.action == "resource.read", audit_pending.c.target_id == "list"
            )
        )
    assert list(entries.scalars()) == [{"codes": ["IMPORTANT"]}]


async def test_links_are_seen_from_both_ends(client: Client, world: Districts) -> None:
    app, host = await register(client, world.yanta, "A"), await register(client, world.yanta, "B")
    body = {"to_id": host["id"], "relation": "runs-on"}
    link = (await client.post(f"{RESOURCES}/{app['id']}/links", json=body)).json()["id"]
    assert (await client.post(f"{RESOURCES}/{app['id']}/links", json=body)).status_code == 409
    seen = (await client.get(f"{RESOURCES}/{host['id']}")).json()["links"]
    assert [(entry["direction"], entry["resource"]["code"]) for entry in seen] == [("in", "A")]
    assert (await client.delete(f"{RESOURCES}/{host['id']}/links/{link}")).status_code == 404
    assert (await client.delete(f"{RESOURCES}/{app['id']}/links/{link}")).status_code == 204
    assert (await client.get(f"{RESOURCES}/{app['id']}")).json()["links"] == []


async def test_a_device_credential_is_shown_once_and_ends_with_the_device(
    client: Client, world: Districts, database: Database
) -> None:
    sensor = await register(client, world.yanta, "SENSOR-1", kind="sensor")
    url = f"{RESOURCES}/{sensor['id']}/credential"
    first, second = (await client.post(url)).json(), (await client.post(url)).json()
    assert first["device"] == "SENSOR-1"
    assert first["password"] != second["password"]
    async with AsyncTestClient(create_app(Settings(), database)) as device:
        session = "/api/v1/session"
        assert (await device.get(session, auth=("SENSOR-1", first["password"]))).status_code == 401
        assert (await device.get(session, auth=("SENSOR-1", second["password"]))).status_code == 200
        await client.post(f"{RESOURCES}/{sensor['id']}/life-cycle", json={"to": "running"})
        await client.post(f"{RESOURCES}/{sensor['id']}/life-cycle", json={"to": "retired"})
        assert (await device.get(session, auth=("SENSOR-1", second["password"]))).status_code == 401
    assert (await client.post(url)).status_code == 409
    assert (await client.delete(url)).status_code == 404


async def test_only_terminals_have_credentials_and_their_codes_fit_the_wire(client: Client, world: Districts) -> None:
    app = await register(client, world.yanta)
    assert (await client.post(f"{RESOURCES}/{app['id']}/credential")).status_code == 409
    answer = await client.post(RESOURCES, json=draft(world.yanta, "A.B>*", kind="sensor"))
    assert {error["code"] for error in answer.json()["errors"]} == {"bad_device_id", "bad_code"}


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1"])
async def test_an_exported_csv_holds_no_formula(client: Client, world: Districts, text: str) -> None:
    await register(client, world.yanta, name=text, longitude=-108.9, latitude=34.2)
    answer = await client.get(f"{RESOURCES}/export")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert f"'{text}" in answer.content.decode("utf-8-sig")
    assert ",-108.9," in answer.text


async def test_an_exported_workbook_holds_text_as_text(client: Client, world: Districts) -> None:
    await register(client, world.yanta, name="=1+1", attributes={"users": 3})
    answer = await client.get(f"{RESOURCES}/export", params={"format": "xlsx"})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[1][2] == "=1+1"
    assert rows[1][13] == '{"users":3}'


async def test_kinds_tell_pages_how_to_draw_forms(client: Client) -> None:
    kinds = {kind["id"]: kind for kind in (await client.get("/api/v1/kinds")).json()["items"]}
    assert kinds["application"]["life_cycle"]["transitions"][0] == {
        "from": "planned", "to": "running", "name": "投运", "name_en": "",
    }  # fmt: skip
    assert kinds["sensor"]["properties"][0]["id"] == "pm25"

"""Bulk import into the ledger: a preview that tells everything, and all or nothing."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import func, select

from citybase.city.resources.models import resource, resource_history
from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.security.transactions import audit_pending
from citybase.server.app import create_app
from tests.worlds import Districts, client_of, found_districts, new_person

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]
IMPORTS = "/api/v1/imports"
GOOD = "编码,名称,权属部门,用户数\nAPP-1,智慧环保,雁塔区,12\nAPP-2,智慧城管,610112,7\n"


@pytest.fixture
async def world(database: Database) -> Districts:
    return await found_districts(database)


@pytest.fixture
async def client(database: Database, world: Districts) -> AsyncIterator[Client]:
    async with client_of(create_app(Settings(), database), world.city_token) as client:
        yield client


async def upload(client: Client, content: str | bytes, **fields: str) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    files = {"file": ("资源.csv", raw, "text/csv")}
    return await client.post(IMPORTS, files=files, data={"kind": "application"} | fields)


async def rows_in(database: Database) -> int:
    async with database.begin() as connection:
        return (await connection.execute(select(func.count()).select_from(resource))).scalar_one()


async def test_a_preview_tells_what_was_recognised_and_registers_nothing(client: Client, database: Database) -> None:
    answer = await upload(client, GOOD.encode("gbk"))
    assert answer.status_code == 201, answer.text
    preview = answer.json()
    assert (preview["encoding"], preview["delimiter"], preview["rows_ok"], preview["rows_bad"]) == (
        "gb18030",
        ",",
        2,
        0,
    )
    assert preview["columns"][0] == {"header": "编码", "field": "code"}
    assert preview["columns"][3] == {"header": "用户数", "field": "attributes.users"}
    assert preview["rows"][0] == {"编码": "APP-1", "名称": "智慧环保", "权属部门": "雁塔区", "用户数": "12"}
    assert await rows_in(database) == 0
    assert (await client.get(f"{IMPORTS}/{preview['id']}")).json() == preview


async def test_applying_registers_every_row_once(client: Client, world: Districts, database: Database) -> None:
    preview = (await upload(client, GOOD)).json()
    applied = await client.post(f"{IMPORTS}/{preview['id']}/apply")
    assert (applied.status_code, applied.json()["state"]) == (201, "applied")
    listed = (await client.get("/api/v1/resources")).json()["items"]
    assert [(item["code"], item["owner"]["name"]) for item in listed] == [("APP-1", "雁塔区"), ("APP-2", "未央区")]
    again = await client.post(f"{IMPORTS}/{preview['id']}/apply")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    async with database.begin() as connection:
        audited = (await connection.execute(select(audit_pending.c.organization_id))).scalars().all()
        histories = await connection.scalar(select(func.count()).select_from(resource_history))
    assert set(audited) == {world.yanta, world.weiyang}
    assert histories == 2


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("APP-1,甲,没有的局,1", "权属部门", "unknown_owner"),
        (",甲,雁塔区,1", "编码", "required"),
        ("APP-1,,雁塔区,1", "名称", "required"),
        ("APP-1,甲,雁塔区,许多", "用户数", "wrong_type"),
        ("APP-1,甲,雁塔区,-1", "用户数", "minimum"),
        ("APP-1,甲,雁塔区", None, "missing_cells"),
        ("APP-1,甲,雁塔区,1,多余", None, "extra_cells"),
        ("APP-1,甲,雁塔区,1,", None, ""),
        ("APP-0,甲,雁塔区,1", "编码", "repeated_code"),
        ("OLD,甲,雁塔区,1", "编码", "code_taken"),
        ("APP-1,甲\0乙,雁塔区,1", "名称", "unstorable_text"),
        ("\uff21PP-1,甲,雁塔区,1", "编码", "disguised_characters"),
        ("APP-1\u200b,甲,雁塔区,1", "编码", "disguised_characters"),
    ],
)
async def test_a_bad_row_is_told_at_its_cell_and_good_rows_stay_good(
    client: Client, world: Districts, row: str, column: str | None, code: str
) -> None:
    body = {"kind": "application", "code": "OLD", "name": "旧", "owner_id": str(world.yanta)}
    await client.post("/api/v1/resources", json=body)
    preview = (await upload(client, f"编码,名称,权属部门,用户数\nAPP-0,零,雁塔区,0\n{row}\n")).json()
    if not code:
        assert (preview["rows_ok"], preview["errors"]) == (2, [])
        return
    assert (preview["rows_ok"], preview["rows_bad"]) == (1, 1)
    [error] = preview["errors"]
    assert (error["row"], error["column"], error["code"]) == (3, column, code)
    assert error["message"]
    assert error["remedy"]


async def test_bad_rows_stop_everything_unless_only_the_good_are_wanted(client: Client, database: Database) -> None:
    preview = (await upload(client, GOOD + "APP-3,,雁塔区,1\n")).json()
    refused = await client.post(f"{IMPORTS}/{preview['id']}/apply")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_rows")
    assert await rows_in(database) == 0
    assert (await client.post(f"{IMPORTS}/{preview['id']}/apply", params={"only_good": "true"})).status_code == 201
    assert await rows_in(database) == 2


async def test_what_became_wrong_since_the_preview_is_found_when_applying(
    client: Client, world: Districts, database: Database
) -> None:
    preview = (await upload(client, GOOD)).json()
    body = {"kind": "application", "code": "APP-2", "name": "抢先", "owner_id": str(world.yanta)}
    await client.post("/api/v1/resources", json=body)
    refused = await client.post(f"{IMPORTS}/{preview['id']}/apply")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_rows")
    assert await rows_in(database) == 1


async def test_one_imports_only_for_ones_own_organisations(world: Districts, database: Database) -> None:
    async with client_of(create_app(Settings(), database), world.yanta_token) as stranger:
        preview = (await upload(stranger, GOOD)).json()
        assert [error["code"] for error in preview["errors"]] == ["unknown_owner"]
        without_owner = (await upload(stranger, "code,name\nAPP-9,九\n")).json()
        assert without_owner["rows_ok"] == 1
    async with client_of(create_app(Settings(), database), world.weiyang_token) as other:
        assert (await other.get(f"{IMPORTS}/{preview['id']}")).status_code == 404
        assert (await other.post(f"{IMPORTS}/{preview['id']}/apply")).status_code == 404
        assert (await other.delete(f"{IMPORTS}/{preview['id']}")).status_code == 404
    clerk = await new_person(database, world.yanta, roles=("clerk",))
    async with client_of(create_app(Settings(), database), clerk) as reader:
        assert (await upload(reader, GOOD)).status_code == 403


async def test_what_is_above_ones_clearance_cannot_be_imported(world: Districts, database: Database) -> None:
    low = await new_person(database, world.yanta, clearance=2)
    async with client_of(create_app(Settings(), database), low) as client:
        preview = (await upload(client, "编码,名称,密级\nA,甲,公开\nB,乙,核心\n")).json()
    assert (preview["rows_ok"], [error["code"] for error in preview["errors"]]) == (1, ["above_clearance"])


async def test_a_title_above_the_header_is_skipped(client: Client) -> None:
    preview = (await upload(client, "2026 年政务应用清单,,\n,,\n编码(必填),名称 *,备注\nA,甲,x\n")).json()
    assert [column["field"] for column in preview["columns"]] == ["code", "name", None]
    assert preview["rows_ok"] == 1


@pytest.mark.parametrize("content", ["", "\n\n", "甲,乙\n1,2\n", "编码\nA\n"])
async def test_a_file_without_the_needed_columns_says_which(client: Client, content: str) -> None:
    preview = (await upload(client, content)).json()
    assert {error["code"] for error in preview["errors"]} <= {"missing_column", "empty"}
    assert preview["errors"]
    assert (await client.post(f"{IMPORTS}/{preview['id']}/apply")).status_code == 422


@pytest.mark.parametrize(
    ("content", "fields", "status"),
    [
        (b"\xff\xff\x81,1\n", {}, 400),
        (b"PK\x03\x04", {}, 400),
        (GOOD.encode(), {"kind": "nothing"}, 400),
        (GOOD.encode(), {"encoding": "klingon"}, 400),
        (GOOD.encode(), {"sheet": "a\0"}, 400),
    ],
)
async def test_an_impossible_upload_is_refused_clearly(
    client: Client, content: bytes, fields: dict[str, str], status: int
) -> None:
    answer = await upload(client, content, **fields)
    assert answer.status_code == status
    assert answer.json()["remedy"]


async def test_an_upload_without_a_file_is_refused(client: Client) -> None:
    assert (await client.post(IMPORTS, data={"kind": "application"})).status_code == 400
    assert (await client.post(IMPORTS, files={"file": ("a.csv", b"x")})).status_code == 400


async def test_a_workbook_is_imported_with_its_dates_and_numbers(client: Client) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    page = book.add_worksheet("应用")
    page.write_row(0, 0, ["编码", "名称", "用户数", "是否信创", "经度", "纬度"])
    page.write_row(1, 0, [610113001, "甲", 3, True, 108.9, 34.2])
    book.close()
    preview = (await upload(client, buffer.getvalue())).json()
    assert (preview["sheet"], preview["format"], preview["errors"]) == ("应用", "xlsx", [])
    await client.post(f"{IMPORTS}/{preview['id']}/apply")
    [item] = (await client.get("/api/v1/resources")).json()["items"]
    detail = (await client.get(f"/api/v1/resources/{item['id']}")).json()
    assert (detail["code"], detail["longitude"]) == ("610113001", 108.9)
    assert detail["attributes"] == {"users": 3, "domestic": True}


async def test_what_was_exported_can_be_imported_again(client: Client, world: Districts, database: Database) -> None:
    body = {
        "kind": "application", "code": "A", "name": "=危险", "owner_id": str(world.yanta), "classification": 2,
        "attributes": {"users": 3}, "tags": ["一", "二"], "longitude": 108.9, "latitude": 34.2, "area_code": "610113",
    }  # fmt: skip
    made = (await client.post("/api/v1/resources", json=body)).json()
    exported = (await client.get("/api/v1/resources/export")).content
    async with database.begin() as connection:
        await connection.execute(resource.delete())
    preview = (await upload(client, exported)).json()
    assert preview["errors"] == []
    await client.post(f"{IMPORTS}/{preview['id']}/apply")
    [item] = (await client.get("/api/v1/resources")).json()["items"]
    again = (await client.get(f"/api/v1/resources/{item['id']}")).json()
    changing = {"id", "created_at", "updated_at"}
    assert {k: v for k, v in again.items() if k not in changing} == {k: v for k, v in made.items() if k not in changing}


async def test_a_discarded_upload_is_gone(client: Client) -> None:
    preview = (await upload(client, GOOD)).json()
    assert (await client.delete(f"{IMPORTS}/{preview['id']}")).status_code == 204
    assert (await client.get(f"{IMPORTS}/{preview['id']}")).status_code == 404


async def test_the_dirty_chinese_file_keeps_its_good_rows(client: Client, shared_data: Path) -> None:
    content = (shared_data / "09_bad_inputs" / "derived_cn" / "streets_dirty_utf8.csv").read_text(encoding="utf-8")
    renamed = content.replace("区划代码", "编码", 1).replace("街道名称", "名称", 1)
    preview = (await upload(client, renamed)).json()
    # Data row n of the manifest is row n + 1 of the sheet; two of the listed oddities (a line end inside a name, an
    # empty cell of a column that means nothing here) are no errors.
    assert [(error["row"], error["code"]) for error in preview["errors"]] == [
        (9, "extra_cells"), (13, "missing_cells"), (21, "disguised_characters"), (33, "repeated_code"),
    ]  # fmt: skip
    assert preview["rows_ok"] == 36


async def test_no_bad_file_breaks_the_import(client: Client, shared_data: Path) -> None:
    for path in sorted((shared_data / "09_bad_inputs").rglob("*")):
        if path.is_file():
            answer = await upload(client, path.read_bytes())
            assert answer.status_code in {201, 400}, path
            assert answer.status_code == 201 or answer.json()["remedy"], path


async def test_every_naughty_string_is_stored_faithfully_or_refused_clearly(
    client: Client, world: Districts, shared_data: Path
) -> None:
    strings: list[str] = json.loads((shared_data / "09_bad_inputs" / "blns.json").read_text(encoding="utf-8"))
    for number, text in enumerate(strings):
        body = {
            "kind": "application", "code": f"B-{number}", "name": text, "address": text, "tags": [text],
            "owner_id": str(world.yanta), "attributes": {"vendor": text[:50]},
        }  # fmt: skip
        answer = await client.post("/api/v1/resources", json=body)
        assert answer.status_code == (201 if 1 <= len(text) <= 200 else 400), repr(text)
        if answer.status_code == 201:
            kept = answer.json()
            assert (kept["name"], kept["address"], kept["attributes"]["vendor"]) == (text, text, text[:50])
        else:
            assert answer.json()["detail"], repr(text)


async def test_naughty_strings_in_every_query_are_answered(client: Client, shared_data: Path) -> None:
    strings: list[str] = json.loads((shared_data / "09_bad_inputs" / "blns.json").read_text(encoding="utf-8"))
    for text in [*strings[::7], "\0", "%", "_", "\\"]:
        for field in ("q", "kind", "life_cycle", "area", "sort", "cursor"):
            answer = await client.get("/api/v1/resources", params={field: text})
            assert answer.status_code in {200, 400}, (field, text)
        assert (await client.get("/api/v1/organizations", params={"q": text})).status_code in {200, 400}

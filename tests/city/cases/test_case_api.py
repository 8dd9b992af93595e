"""Cases over HTTP: what a page and another system meet."""

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.city.a_city import City

pytestmark = pytest.mark.anyio

INTAKE = {"type": "air-pollution", "title": "工地扬尘", "area_code": "610116", "data": {"description": "未覆盖"}}


async def test_a_case_is_taken_in_found_and_acted_on(client: Any) -> None:
    made = await client.post("/api/v1/cases", json=INTAKE)
    assert made.status_code == 201, made.text
    case = made.json()
    assert case["state"] == {"id": "received", "name": "待受理", "name_en": "To accept"}
    assert [action["id"] for action in case["available_actions"]] == ["accept", "reject"]
    assert 0 < case["remaining_seconds"] <= 7200
    assert case["timeline"][0]["from"] is None
    listed = (await client.get("/api/v1/cases", params={"queue": "mine", "q": "扬尘", "sort": "due_at"})).json()
    assert [item["id"] for item in listed["items"]] == [case["id"]]
    assert listed["items"][0]["last_step"]["name"] == "事项生成"
    queues = (await client.get("/api/v1/cases/queues")).json()
    assert [(queue["id"], queue["count"]) for queue in queues] == [("mine", 1), ("late", 0), ("all", 1), ("closed", 0)]
    acted = await client.post(f"/api/v1/cases/{case['id']}/actions/accept", json={"version": case["version"]})
    assert acted.json()["state"]["id"] == "accepted"
    again = await client.post(f"/api/v1/cases/{case['id']}/actions/accept", json={"version": case["version"]})
    assert (again.status_code, again.json()["code"]) == (412, "version_conflict")


async def test_case_types_are_listed_with_their_forms(client: Any) -> None:
    (type_,) = (await client.get("/api/v1/case-types")).json()
    assert (type_["id"], type_["version"]) == ("air-pollution", 1)
    assert type_["actions"][0]["from"] == ["received"]
    assert type_["intake_form"]["required"] == ["description"]


async def test_a_visitor_sees_nothing(city: City) -> None:
    async with AsyncTestClient(create_app(Settings(), city.database)) as visitor:
        for path in ("/cases", "/cases/queues", f"/cases/{new_id()}", "/case-types", "/calendar"):
            assert (await visitor.get(f"/api/v1{path}")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/cases?cursor=%00", None),
        ("GET", "/cases?cursor=W10", None),
        ("GET", "/cases?limit=0", None),
        ("GET", "/cases?queue=theirs", None),
        ("GET", "/cases?sort=title", None),
        ("GET", "/cases?q=%00", None),
        ("GET", "/cases?state=%00", None),
        ("GET", "/cases/not-an-id", None),
        ("POST", "/cases", {}),
        ("POST", "/cases", INTAKE | {"title": "a\0b"}),
        ("POST", "/cases", INTAKE | {"title": ""}),
        ("POST", "/cases", INTAKE | {"area_code": "长安"}),
        ("POST", "/cases", INTAKE | {"data": {}}),
        ("POST", "/cases", INTAKE | {"data": {"description": "x" * 1001}}),
        ("POST", "/cases", INTAKE | {"unknown": 1}),
        ("POST", f"/cases/{new_id()}/actions/accept", {}),
        ("POST", f"/cases/{new_id()}/actions/%00", {}),
        ("PUT", "/calendar/2026-13-01", {"working": True}),
        ("PUT", "/calendar/2026-12-01", {"working": True, "note": "\0"}),
        ("GET", "/calendar?year=0", None),
    ],
)
async def test_bad_input_gets_a_clear_problem(client: Any, method: str, path: str, body: Any) -> None:
    answer = await client.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["remedy"]


async def test_a_day_of_the_calendar_is_set_and_given_back(client: Any) -> None:
    def day(answer: Any) -> Any:
        return next(item for item in answer.json()["items"] if item["date"] == "2026-12-05")

    path, year = "/api/v1/calendar/2026-12-05", "/api/v1/calendar?year=2026"
    assert day(await client.get(year)) == {
        "date": "2026-12-05",
        "working": False,
        "statutory": False,
        "own": False,
        "note": "",
    }
    changed = day(await client.put(path, json={"working": True, "note": "补班"}))
    assert (changed["working"], changed["own"], changed["note"]) == (True, True, "补班")
    back = day(await client.put(path, json={"working": None}))
    assert (back["working"], back["own"]) == (False, False)

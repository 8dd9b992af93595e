"""Indicators over HTTP: from the list down to the case behind a number."""

from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.city.a_city import City
from tests.city.indicators.test_indicators import SHIPPED, keep, open_cases

pytestmark = pytest.mark.anyio


async def test_the_way_down_from_a_number_ends_at_the_thing(client: Any, city: City) -> None:
    await keep(city, *SHIPPED)
    await open_cases(city, city.operator, 2)
    computed = await client.post("/api/v1/indicators/cases-open/compute")
    assert computed.status_code == 200, computed.text
    listed = (await client.get("/api/v1/indicators")).json()
    assert listed["total"] == {"count": len(SHIPPED), "exact": True}
    item = next(item for item in listed["items"] if item["id"] == "cases-open")
    assert (item["value"], item["trend"], item["period"]) == (2.0, [2.0], "PT60S")
    assert next(item for item in listed["items"] if item["id"] == "cases-late")["value"] is None
    one = (await client.get("/api/v1/indicators/cases-open")).json()
    assert "FROM case_record" in one["sql"]
    assert one["tables"] == [{"name": "case_record", "title": "事项", "title_en": "Cases", "kind": "record", "rows": 2}]
    rows = (await client.get("/api/v1/indicators/cases-open/rows", params={"limit": 1})).json()
    assert [column["id"] for column in rows["columns"]][:3] == ["case_id", "number", "title"]
    link = rows["items"][0]["_link"]
    assert link["kind"] == "case"
    assert (await client.get(f"/api/v1/cases/{link['id']}")).status_code == 200
    rest = (await client.get("/api/v1/indicators/cases-open/rows", params={"cursor": rows["next"]})).json()
    assert len(rest["items"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/indicators/nothing"),
        ("GET", "/indicators/%00"),
        ("GET", "/indicators/nothing/rows"),
        ("GET", "/indicators/cases-open/rows?cursor=%00"),
        ("GET", "/indicators/cases-open/rows?cursor=MTIzNDU2Nzg5MDEyMzQ1"),
        ("GET", "/indicators/cases-open/rows?limit=0"),
        ("POST", "/indicators/nothing/compute"),
    ],
)
async def test_bad_input_gets_a_clear_problem(client: Any, city: City, method: str, path: str) -> None:
    await keep(city, *SHIPPED)
    answer = await client.request(method, f"/api/v1{path}")
    assert answer.status_code in {400, 404}, answer.text
    assert answer.json()["remedy"]


async def test_a_visitor_sees_no_number(city: City) -> None:
    async with AsyncTestClient(create_app(Settings(), city.database)) as visitor:
        for path in ("", "/cases-open", "/cases-open/rows", f"/{new_id()}"):
            assert (await visitor.get(f"/api/v1/indicators{path}")).status_code == 401

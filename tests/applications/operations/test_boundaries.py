"""Official boundaries: imported whole or not at all, shown with their 审图号, and taken away again."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from litestar.testing import AsyncTestClient

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.worlds import client_of, found_districts

pytestmark = pytest.mark.anyio

SQUARE = [[[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.9, 34.3], [108.9, 34.2]]]
BOW_TIE = [[[108.9, 34.2], [109.0, 34.3], [109.0, 34.2], [108.9, 34.3], [108.9, 34.2]]]
APPROVAL = "GS(2024)0000号"


@pytest.fixture
async def client(database: Database, tmp_path: Any) -> AsyncIterator[AsyncTestClient[Any]]:
    world = await found_districts(database)
    app = create_app(Settings(data=tmp_path), Database(database.url))
    async with client_of(app, world.city_token) as client:
        yield client


def feature(code: Any = "610113", coordinates: Any = SQUARE, kind: str = "Polygon") -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"adcode": code},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


async def send(client: AsyncTestClient[Any], content: bytes, approval: str = APPROVAL) -> Any:
    return await client.post(
        "/api/v1/map/boundaries", files={"file": ("b.geojson", content)}, data={"approval": approval}
    )


def collection(*features: Any) -> bytes:
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


async def test_official_boundaries_replace_the_schematic_cells_and_can_be_taken_away(client: Any) -> None:
    before = (await client.get("/api/v1/operations/map")).json()
    assert (before["schematic"], before["approval"]) == (True, None)
    answer = await send(client, collection(feature(), feature("610112")))
    assert (answer.status_code, answer.json()["areas"]) == (201, ["610112", "610113"])
    shown = (await client.get("/api/v1/operations/map")).json()
    assert (shown["schematic"], shown["approval"]) == (False, APPROVAL)
    assert {cell["properties"]["area_code"] for cell in shown["cells"]["features"]} == {"610112", "610113"}
    assert (await client.delete("/api/v1/map/boundaries")).status_code == 204
    assert (await client.get("/api/v1/operations/map")).json()["schematic"] is True


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "GeoJSON"),
        (b"{", "GeoJSON"),
        (b'{"type": "Feature"}', "GeoJSON"),
        (b"\xff\xfe\x00", "GeoJSON"),
        (collection(), "没有要素"),
        (collection(feature(), feature(code=None)), "区划代码"),
        (collection(feature(), feature("610112", BOW_TIE)), "610112"),
        (collection(feature(), feature("610112", [[[500000.0, 3800000.0], [1.0, 2.0], [3.0, 4.0]]])), "610112"),
        (collection(feature(), feature("610112", [108.9, 34.2], "Point")), "610112"),
        (collection(feature(), feature()), "重复"),
        (collection(feature(), "not a feature"), "区划代码"),
    ],
)
async def test_a_file_with_one_bad_feature_changes_nothing(client: Any, content: bytes, word: str) -> None:
    answer = await send(client, content)
    assert answer.status_code == 400
    assert word in answer.text
    assert (await client.get("/api/v1/operations/map")).json()["schematic"] is True


async def test_without_an_approval_number_nothing_is_imported(client: Any) -> None:
    assert (await send(client, collection(feature()), " ")).status_code == 400


async def test_a_district_may_not_change_the_citys_map(database: Database, tmp_path: Any) -> None:
    world = await found_districts(database)
    async with client_of(create_app(Settings(data=tmp_path), Database(database.url)), world.yanta_token) as client:
        assert (await send(client, collection(feature()))).status_code == 403

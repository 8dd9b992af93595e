"""Readings over HTTP: what is good reaches the lake, what is not is said item by item."""

import time
from collections.abc import AsyncIterator, Iterator

import pytest
from httpx import BasicAuth
from litestar import Litestar
from litestar.testing import AsyncTestClient

from citybase.engines.postgres import Database
from citybase.server.app import create_app
from tests.collection.city import City, eventually, rows_in_lake, running_city, secret_of

pytestmark = [pytest.mark.anyio, pytest.mark.city]

NOW = int(time.time() * 1000)


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with running_city(["web-1", "web-2"]) as city:
        yield city


@pytest.fixture
async def client(city: City) -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with AsyncTestClient(create_app(city.settings, Database(city.url))) as client:
        yield client


async def test_a_device_delivers_its_own_readings_and_the_bad_ones_are_named(
    city: City, client: AsyncTestClient[Litestar]
) -> None:
    batch = [
        {"device": "web-1", "t": NOW, "v": {"pm25": 35.0, "pm10": None}},
        {"device": "web-2", "t": NOW, "v": {"pm25": 1.0}},
        {"device": "web-1", "t": NOW + 100 * 3_600_000, "v": {"pm25": 1.0}},
        {"device": "web-1", "t": "yesterday", "v": {"pm25": 1.0}},
        {"device": "web-1", "t": NOW, "v": {"pm25": "x"}},
        {"device": "a.b", "t": NOW, "v": {}},
        7,
        {"device": "web-1", "t": NOW + 1, "v": {"pm25": 36.0}},
    ]
    answer = await client.post("/api/v1/observations", json=batch, auth=BasicAuth("web-1", secret_of("web-1")))
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [(item["index"], item["code"]) for item in answer.json()["refused"]] == [
        (1, "unknown_device"),
        (2, "clock_ahead"),
        (3, "wrong_type"),
        (4, "wrong_type"),
        (5, "unknown_device"),
        (6, "wrong_type"),
    ]
    expected = [("web-1", "pm25", NOW, 35.0), ("web-1", "pm25", NOW + 1, 36.0)]
    eventually(lambda: rows_in_lake(city) == expected)
    assert rows_in_lake(city) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b'[{"v": NaN}]', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_batch_is_refused_whole(
    city: City, client: AsyncTestClient[Litestar], body: bytes
) -> None:
    answer = await client.post(
        "/api/v1/observations",
        content=body,
        headers={"content-type": "application/json"},
        auth=BasicAuth("web-1", secret_of("web-1")),
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


async def test_a_stranger_delivers_nothing(city: City, client: AsyncTestClient[Litestar]) -> None:
    assert (await client.post("/api/v1/observations", json=[])).status_code == 401
    wrong = await client.post("/api/v1/observations", json=[], auth=BasicAuth("web-1", "wrong"))
    assert wrong.status_code == 401

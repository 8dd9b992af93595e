"""The editable working calendar: the city's, so changed only by who reaches the whole city."""

from pathlib import Path

import pytest

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.worlds import client_of, found_districts

pytestmark = pytest.mark.anyio

DAY = "/api/v1/calendar/2026-11-21"


async def test_the_city_may_declare_a_saturday_worked_and_give_it_back(database: Database, tmp_path: Path) -> None:
    world = await found_districts(database)
    async with client_of(create_app(Settings(data=tmp_path), Database(database.url)), world.city_token) as client:
        assert (await client.put(DAY, json={"working": True, "note": "调休"})).status_code < 300
        assert "2026-11-21" in (await client.get("/api/v1/calendar?year=2026")).text
        assert (await client.put(DAY, json={"working": None})).status_code < 300


async def test_a_district_may_read_the_calendar_but_not_change_it(database: Database, tmp_path: Path) -> None:
    world = await found_districts(database)
    async with client_of(create_app(Settings(data=tmp_path), Database(database.url)), world.yanta_token) as client:
        assert (await client.get("/api/v1/calendar?year=2026")).status_code == 200
        assert (await client.put(DAY, json={"working": True})).status_code == 403

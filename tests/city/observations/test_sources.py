"""Observations from a real lake, as indicators meet them."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from citybase.city.indicators import compute_due, read_indicator, read_rows
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.sources import CityObservations
from citybase.engines.lake import OBSERVATION_COLUMNS, Lake, open_lake
from citybase.kernel.settings import Settings
from tests.city.a_city import City
from tests.city.indicators.test_indicators import SHIPPED, keep

pytestmark = pytest.mark.anyio


def rows(terminal: str, times: list[datetime]) -> pa.Table:
    row = {"series": 1, "terminal": terminal, "property": "pm25", "value": 1.0, "quality": 0, "source": "mqtt"}
    return pa.Table.from_pylist([row | {"time": time, "received": time} for time in times], OBSERVATION_COLUMNS)


async def test_readings_are_counted_from_the_lake_in_each_readers_scope(city: City, tmp_path: Path) -> None:
    moment = datetime.now(UTC)

    def fill() -> Lake:
        lake = open_lake(Settings(data=tmp_path), city.database.url)
        lake.append(rows("XA-AIR-001", [moment, moment, moment - timedelta(days=3)]), {})
        lake.append(rows("SOMEBODY-ELSE", [moment]), {})
        return lake

    lake = await asyncio.to_thread(fill)
    sources = CityObservations(city.database, lambda: lake, LatestReader(tmp_path / "latest"))
    await keep(city, *(one for one in SHIPPED if one.id == "readings-today"))
    assert await compute_due(city.database, sources) == 1
    assert (await read_indicator(city.database, city.leader, "readings-today")).value == 3.0
    seen = await read_rows(city.database, sources, city.clerk, "readings-today", cursor=None, limit=50)
    assert [(item["terminal"], item["readings"]) for item in seen.items] == [("XA-AIR-001", 2)]
    assert (
        await read_rows(city.database, sources, city.neighbour, "readings-today", cursor=None, limit=50)
    ).items == []
    await asyncio.to_thread(lake.close)


async def test_a_time_without_any_file_counts_nothing(city: City, tmp_path: Path) -> None:
    lake = await asyncio.to_thread(open_lake, Settings(data=tmp_path), city.database.url)
    sources = CityObservations(city.database, lambda: lake, LatestReader(tmp_path / "latest"))
    dataset = await sources.observation(datetime.now(UTC) + timedelta(days=2), None)
    assert dataset.count_rows() == 0
    await asyncio.to_thread(lake.close)

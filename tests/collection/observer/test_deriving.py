"""Deriving: the air quality index of a station from what it observed at one moment."""

import pytest

from citybase.collection.observer.deriving import Derivations
from citybase.collection.observer.intake import SOURCES
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.postgres import Database
from tests.collection.observer.readings import rows

pytestmark = pytest.mark.anyio

CLEAN = [("pm10", 10.0), ("so2", 10.0), ("no2", 10.0), ("co", 1.0), ("o3", 10.0)]


async def test_the_index_follows_from_the_worst_pollutant_of_the_moment(database: Database, index: SeriesIndex) -> None:
    derivations = Derivations(database)
    await derivations.refresh()
    observed = rows(index, ("a", "pm25", 1, 80.0), *(("a", name, 1, value) for name, value in CLEAN))
    derived = derivations.derive(observed, index)
    derived = derived.take(derived.source == SOURCES.index("derived"))
    # HJ 633-2012 (3.1): PM2.5 of 80 lies between 75 (IAQI 100) and 115 (150): 100 + 50 * 5 / 40, rounded up.
    assert derived.value.tolist() == [107.0]
    assert derived.time.tolist() == [1_000_000]
    device = index.device_of[derived.series]
    assert [index.devices.names[number] for number in device] == ["a"]
    assert [index.properties.names[number] for number in index.property_of[derived.series]] == ["aqi"]


async def test_nothing_is_derived_from_nothing(database: Database, index: SeriesIndex) -> None:
    derivations = Derivations(database)
    await derivations.refresh()
    observed = rows(index)
    assert len(derivations.derive(observed, index)) == 0

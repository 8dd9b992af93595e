"""Pivot: what was observed at one moment stands side by side."""

from pathlib import Path

import numpy as np
import pytest

from citybase.city.observations.latest import LatestValues, LatestWriter
from citybase.collection.observer.pivot import Moments, pivot
from citybase.collection.observer.series import SeriesIndex
from tests.collection.observer.readings import rows

pytestmark = pytest.mark.anyio


def moments_of(index: SeriesIndex, *values: tuple[str, str, int, float]) -> Moments:
    numbers = [index.properties.number(name) for name in ("pm25", "pm10")]
    found = pivot(rows(index, *values), index, index.kinds.number("air-station"), numbers)
    assert found is not None
    return found


def columns(index: SeriesIndex, found: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[list[float]]:
    return [found[index.properties.number(name)].tolist() for name in ("pm25", "pm10")]


async def test_values_of_one_station_and_moment_make_one_row_and_what_is_missing_is_nan(index: SeriesIndex) -> None:
    found = moments_of(
        index, ("b", "pm25", 1, 5.0), ("a", "pm10", 2, 4.0), ("a", "pm25", 1, 1.0), ("a", "pm10", 1, 2.0)
    )
    assert [index.devices.names[number] for number in found.devices[found.terminal]] == ["a", "a", "b"]
    assert found.time.tolist() == [1_000_000, 2_000_000, 1_000_000]
    np.testing.assert_equal(columns(index, found.columns), [[1.0, np.nan, 5.0], [2.0, 4.0, np.nan]])


async def test_a_missing_value_is_known_from_the_batch_before_or_from_the_latest_but_never_from_another_station(
    index: SeriesIndex, tmp_path: Path
) -> None:
    latest = LatestWriter(tmp_path)
    latest.reserve(index.size)
    before = rows(index, ("a", "pm10", 0, 9.0))
    latest.write(before.series, LatestValues(before.time + 1, before.value, before.received, np.zeros(1, np.int32)))
    found = moments_of(
        index, ("a", "pm25", 1, 1.0), ("a", "pm10", 2, 2.0), ("a", "pm25", 3, 3.0), ("b", "pm25", 3, 5.0)
    )
    known = columns(index, found.known(index, latest))
    np.testing.assert_equal(known, [[1.0, 1.0, 3.0, 5.0], [9.0, 2.0, 2.0, np.nan]])


async def test_rows_of_other_properties_make_no_moment(index: SeriesIndex) -> None:
    numbers = [index.properties.number("pm25")]
    assert pivot(rows(index, ("a", "so2", 1, 1.0)), index, index.kinds.number("air-station"), numbers) is None

"""Latest values come back from the lake: torn ones alone, all of them when the file is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from citybase.city.observations.latest import LatestReader, LatestValues, LatestWriter
from citybase.collection.observer.mending import mend
from citybase.engines.lake import OBSERVATION_COLUMNS, Lake

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def lake(empty_lake: Lake) -> Lake:
    """Series 1 with two values at different times, series 2 with one."""
    row = {"terminal": "a", "property": "pm25", "quality": 0, "received": NOON, "source": "mqtt"}
    values = [(1, NOON, 11.0), (1, NOON - timedelta(hours=1), 10.0), (2, NOON, 20.0)]
    rows = [row | {"series": series, "time": time, "value": value} for series, time, value in values]
    empty_lake.append(pa.Table.from_pylist(rows, OBSERVATION_COLUMNS), {})
    return empty_lake


def show(latest: LatestWriter, series: int, value: float) -> None:
    time = np.array([int(NOON.timestamp()) * 1_000_000 + 1])
    latest.reserve(series + 1)
    latest.write(np.array([series]), LatestValues(time, np.array([value]), time, np.zeros(1, np.int32)))


def values(folder: Path) -> list[float]:
    found: list[float] = LatestReader(folder).read(np.array([1, 2, 3])).value.tolist()
    return found


def test_a_lost_file_is_made_again_from_the_lake(lake: Lake, tmp_path: Path) -> None:
    mend(LatestWriter(tmp_path / "latest"), lake)
    assert values(tmp_path / "latest") == [11.0, 20.0, 0.0]


def test_after_a_power_cut_nothing_in_the_file_is_trusted(lake: Lake, tmp_path: Path) -> None:
    latest = LatestWriter(tmp_path / "latest")
    mend(latest, lake)
    show(latest, 3, 99.0)
    (tmp_path / "latest" / "in-use").write_text("another boot of the machine")
    mend(LatestWriter(tmp_path / "latest"), lake)
    assert values(tmp_path / "latest") == [11.0, 20.0, 0.0]


def test_a_rebuilding_that_was_interrupted_begins_anew(lake: Lake, tmp_path: Path) -> None:
    show(LatestWriter(tmp_path / "latest"), 1, 99.0)
    mend(LatestWriter(tmp_path / "latest"), lake)
    assert values(tmp_path / "latest") == [11.0, 20.0, 0.0]


def test_after_a_kill_only_torn_records_are_mended(lake: Lake, tmp_path: Path) -> None:
    latest = LatestWriter(tmp_path / "latest")
    mend(latest, lake)
    show(latest, 2, 21.0)
    show(latest, 3, 30.0)
    for series in (1, 3):
        latest._records["version"][series] |= 1
        latest._records["value"][series] = -1.0
    again = LatestWriter(tmp_path / "latest")
    mend(again, lake)
    assert values(tmp_path / "latest") == [11.0, 21.0, 0.0]
    assert not len(again.torn())


def test_a_clean_stop_is_trusted_after_a_reboot(lake: Lake, tmp_path: Path) -> None:
    latest = LatestWriter(tmp_path / "latest")
    mend(latest, lake)
    show(latest, 3, 30.0)
    latest.close()
    assert not LatestWriter(tmp_path / "latest").lost

"""When is a load durable: all of it in the lake, and the last of it shown as latest."""

import time

import numpy as np
import psycopg

from citybase.city.observations.latest import LatestReader
from citybase.engines.lake import open_lake
from tests.collection.city import City

__all__ = ["await_durable", "series_of"]


def await_durable(city: City, devices: list[str], rows: int, last_ms: int) -> None:
    """Until the lake holds so many rows and every device's latest value is the last one."""
    lake = open_lake(city.settings, city.url)
    while not len(series := series_of(city, devices)):
        time.sleep(0.05)
    reader = LatestReader(city.settings.data / "latest")
    # Asking costs the processor that is measured: the cheap question comes first.
    while (reader.read(series).time != last_ms * 1000).any():
        time.sleep(0.02)
    while lake.totals()[0] < rows:
        time.sleep(0.05)
    stored = lake.totals()[0]
    lake.close()
    assert stored == rows, f"{rows} rows were sent, {stored} are stored"


def series_of(city: City, devices: list[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    with psycopg.connect(city.url) as connection:
        rows = connection.execute("SELECT id FROM series WHERE device = ANY(%s)", [devices]).fetchall()
    return np.array([row[0] for row in rows], np.int64)

"""The delay from a device to its latest value, while others publish."""

import asyncio
import threading
import time

import numpy as np

from benchmarks.ingest.durable import series_of
from benchmarks.ingest.publisher import Load, over_nats, publish_all
from citybase.city.observations.latest import LatestReader
from citybase.engines.nats import nats_address
from citybase.engines.streams import Broker
from tests.collection.city import City

__all__ = ["PROBE", "delays"]

PROBE = "probe"


def delays(city: City, load: Load, publishers: int) -> dict[str, float | int]:
    """Percentiles in milliseconds of a probe's readings, one after another, while the load is published."""
    publish = over_nats(nats_address(city.settings))
    busy = threading.Thread(target=publish_all, args=(publish, load, publishers))
    busy.start()
    found = asyncio.run(_probe(city, busy))
    busy.join()
    return {
        "load_messages_per_second": round(load.pace),
        "readings": len(found),
        "p50_ms": round(float(np.percentile(found, 50)), 1),
        "p99_ms": round(float(np.percentile(found, 99)), 1),
    }


async def _probe(city: City, busy: threading.Thread) -> list[float]:
    found: list[float] = []
    reader = LatestReader(city.settings.data / "latest")
    series = np.zeros(0, np.int64)
    async with Broker(nats_address(city.settings)) as broker:
        while busy.is_alive():
            sent = time.time()
            await broker.publish(f"readings.http.{PROBE}", b'{"t":%d,"v":{"pm25":1}}' % (sent * 1000))
            while not len(series):
                series = series_of(city, [PROBE])
            await asyncio.to_thread(_await_seen, reader, series[:1], int(sent * 1000) * 1000)
            found.append((time.time() - sent) * 1000)
            await asyncio.sleep(0.005)
    return found[1:]


def _await_seen(reader: LatestReader, series: np.ndarray[tuple[int], np.dtype[np.int64]], time_us: int) -> None:
    while reader.read(series).time[0] < time_us:
        time.sleep(0.001)

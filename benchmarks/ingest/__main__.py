"""Run the benchmark: see the package's text."""

import argparse
import asyncio
import json
import os
import threading
import time

import numpy as np
import psycopg
from natsrpy.js import StorageType, StreamConfig

from benchmarks.ingest.publisher import Load, publish_all
from citybase.city.observations.latest import LatestReader
from citybase.engines.lake import Lake, open_lake
from citybase.engines.nats import nats_address
from citybase.engines.streams import Broker
from tests.collection.city import City, running_city

_PROPERTIES = 2
_PROBE = "probe"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--devices", type=int, default=2_000)
    parser.add_argument("--publishers", type=int, default=4)
    options = parser.parse_args()
    devices = [f"device-{number:06d}" for number in range(options.devices)]
    with running_city([*devices, _PROBE], flush_seconds=1.0) as city:
        print(json.dumps(measure(city, devices, options.messages // options.devices, options.publishers)))


def measure(city: City, devices: list[str], rounds: int, publishers: int) -> dict[str, float | int]:
    """All figures of one run."""
    address = nats_address(city.settings)
    start = int(time.time() * 1000) - rounds * 3_000
    asyncio.run(_create_stream(city))
    bare = Load("benches.http.", devices, rounds, start)
    began, ended = publish_all(address, bare, publishers)
    stored = bare.count / (ended - began)
    _warm_up(city, devices, publishers, start - 60_000)
    load = Load("readings.http.", devices, rounds, start)
    began, ended = publish_all(address, load, publishers)
    acknowledged = load.count / (ended - began)
    _await_durable(city, devices, (rounds + 1) * len(devices) * _PROPERTIES, start + (rounds - 1) * 1000)
    durable = load.count / (time.perf_counter() - began)
    delays = _delays(city, devices, durable / 2, publishers, start + rounds * 1000)
    return {
        "messages": load.count,
        "cores": os.cpu_count() or 0,
        "broker_messages_per_second": round(stored),
        "acknowledged_messages_per_second": round(acknowledged),
        "durable_messages_per_second": round(durable),
        "durable_observations_per_second": round(durable * _PROPERTIES),
        "ratio_to_broker": round(durable / stored, 2),
        "delay_p50_ms": round(float(np.percentile(delays, 50)), 1),
        "delay_p99_ms": round(float(np.percentile(delays, 99)), 1),
    }


async def _create_stream(city: City) -> None:
    async with Broker(nats_address(city.settings)) as broker:
        await broker.jetstream.streams.create(StreamConfig("BENCH", ["benches.>"], storage=StorageType.FILE))


def _warm_up(city: City, devices: list[str], publishers: int, time_ms: int) -> None:
    """Every device is learnt once: the run measures a city at work, not its first minute."""
    publish_all(nats_address(city.settings), Load("readings.http.", devices, 1, time_ms), publishers)
    _await_durable(city, devices, len(devices) * _PROPERTIES, time_ms)


def _await_durable(city: City, devices: list[str], rows: int, last_ms: int) -> None:
    """Until the lake holds so many rows and every device's latest value is the last one."""
    lake = open_lake(city.settings, city.url)
    series = _series(city, devices)
    reader = LatestReader(city.settings.data / "latest")
    while _rows(lake) < rows or (reader.read(series).time != last_ms * 1000).any():
        time.sleep(0.02)
        if len(series) < len(devices) * _PROPERTIES:
            series = _series(city, devices)
    assert _rows(lake) == rows, "stored more than was sent"
    lake.close()


def _rows(lake: Lake) -> int:
    snapshot = lake.refresh().current_snapshot()
    return int(snapshot.summary["total-records"]) if snapshot and snapshot.summary else 0


def _series(city: City, devices: list[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    with psycopg.connect(city.url) as connection:
        rows = connection.execute("SELECT id FROM series WHERE device = ANY(%s)", [devices]).fetchall()
    return np.array([row[0] for row in rows], np.int64)


def _delays(city: City, devices: list[str], pace: float, publishers: int, start_ms: int) -> list[float]:
    """Milliseconds from a probe's publishing to its latest value, under half of the load that was sustained."""
    address = nats_address(city.settings)
    load = Load("readings.http.", devices, max(1, int(pace * 4 / len(devices))), start_ms, pace)
    busy = threading.Thread(target=publish_all, args=(address, load, publishers))
    busy.start()
    delays = asyncio.run(_probe(city, busy))
    busy.join()
    return delays


async def _probe(city: City, busy: threading.Thread) -> list[float]:
    delays: list[float] = []
    reader = LatestReader(city.settings.data / "latest")
    series = np.zeros(0, np.int64)
    async with Broker(nats_address(city.settings)) as broker:
        while busy.is_alive():
            sent = time.time()
            await broker.publish(f"readings.http.{_PROBE}", b'{"t":%d,"v":{"pm25":1}}' % (sent * 1000))
            while not len(series):
                series = _series(city, [_PROBE])
            await asyncio.to_thread(_await_seen, reader, series[:1], int(sent * 1000) * 1000)
            delays.append((time.time() - sent) * 1000)
            await asyncio.sleep(0.005)
    return delays[1:]


def _await_seen(reader: LatestReader, series: np.ndarray[tuple[int], np.dtype[np.int64]], time_us: int) -> None:
    while reader.read(series).time[0] < time_us:
        time.sleep(0.001)


if __name__ == "__main__":
    main()

"""Run the benchmark: see the package's text."""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable

from natsrpy.js import StorageType, StreamConfig

from benchmarks.ingest.delay import PROBE, delays
from benchmarks.ingest.durable import await_durable
from benchmarks.ingest.mqtt import over_mqtt
from benchmarks.ingest.publisher import Load, Publish, over_nats, publish_all
from citybase.engines.nats import nats_address, nats_ports
from citybase.engines.streams import Broker
from tests.collection.city import City, running_city

_PROPERTIES = 2
_MQTT_DEVICES = 100
_Figures = dict[str, float | int]
_PublishAll = Callable[[Load], tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--mqtt-messages", type=int, default=200_000)
    parser.add_argument("--devices", type=int, default=2_000)
    parser.add_argument("--publishers", type=int, default=4)
    options = parser.parse_args()
    devices = [f"device-{number:06d}" for number in range(options.devices)]
    with running_city([*devices, PROBE], flush_seconds=1.0) as city:
        run = Run(city, devices, options.publishers)
        figures = {
            "cores": os.cpu_count(),
            "load_average_before": os.getloadavg()[0],
            "gateways": run.gateways(options.messages),
            "mqtt": run.mqtt(options.mqtt_messages),
            "delay": run.delay(),
        }
        print(json.dumps(figures, indent=1))


class Run:
    """Loads one after another on one city; every reading has a time of its own."""

    def __init__(self, city: City, devices: list[str], publishers: int) -> None:
        self._city = city
        self._devices = devices
        self._publishers = publishers
        self._rows = 0
        self._pace = 0.0
        self._clock_ms = int(time.time() * 1000) - 86_400_000

    def gateways(self, messages: int) -> _Figures:
        """As our gateways publish: NATS with acknowledgement. Alone: into a stream that nobody reads."""
        asyncio.run(_create_stream(self._city))
        publish = _publishing(over_nats(nats_address(self._city.settings)), self._publishers)
        rounds = messages // len(self._devices)
        bare = self._load("benches.http.", self._devices, rounds)
        began, ended = publish(bare)
        # Every device is learnt once: the run measures a city at work, not its first minute.
        self._durable(self._load("readings.http.", self._devices, 1), publish)
        load = self._load("readings.http.", self._devices, rounds)
        figures = self._durable(load, publish, bare.count / (ended - began))
        self._pace = figures["durable_messages_per_second"] / 2
        return figures

    def mqtt(self, messages: int) -> _Figures:
        """As devices publish: MQTT QoS 1, a connection each. Alone: while the observer is stopped."""
        settings = self._city.settings
        publish = _publishing(over_mqtt(settings.host, nats_ports(settings).mqtt), self._publishers)
        devices = self._devices[:_MQTT_DEVICES]
        rounds = messages // len(devices) // 50 * 50
        self._city.observer.stop()
        bare = self._load("obs/", devices, rounds)
        began, ended = publish(bare)
        self._city.observer.start()
        self._wait(bare)
        return self._durable(self._load("obs/", devices, rounds), publish, bare.count / (ended - began))

    def delay(self) -> _Figures:
        """From a reading's publishing to its latest value, under half of the load that was sustained."""
        rounds = max(1, int(self._pace * 4 / len(self._devices)))
        load = self._load("readings.http.", self._devices, rounds, self._pace)
        return delays(self._city, load, self._publishers)

    def _load(self, prefix: str, devices: list[str], rounds: int, pace: float = 0.0) -> Load:
        load = Load(prefix, devices, rounds, self._clock_ms, pace)
        self._clock_ms += rounds * 1000
        return load

    def _durable(self, load: Load, publish: _PublishAll, alone: float = 1.0) -> _Figures:
        began, ended = publish(load)
        acknowledged = load.count / (ended - began)
        self._wait(load)
        durable = load.count / (time.perf_counter() - began)
        return {
            "messages": load.count,
            "broker_alone_messages_per_second": round(alone),
            "acknowledged_messages_per_second": round(acknowledged),
            "durable_messages_per_second": round(durable),
            "durable_observations_per_second": round(durable * _PROPERTIES),
            "ratio_to_broker": round(durable / alone, 2),
        }

    def _wait(self, load: Load) -> None:
        self._rows += load.count * _PROPERTIES
        await_durable(self._city, list(load.devices), self._rows, load.start_ms + (load.rounds - 1) * 1000)


def _publishing(publish: Publish, publishers: int) -> _PublishAll:
    return lambda load: publish_all(publish, load, publishers)


async def _create_stream(city: City) -> None:
    async with Broker(nats_address(city.settings)) as broker:
        await broker.jetstream.streams.create(StreamConfig("BENCH", ["benches.>"], storage=StorageType.FILE))


if __name__ == "__main__":
    main()

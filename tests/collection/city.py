"""A small city for tests of the observation way: real engines, real processes, stations with credentials."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import create_engine, insert

from citybase.city.observations.models import alarm_rule
from citybase.city.resources.models import resource, resource_kind
from citybase.engines.nats import embedded_nats, nats_address, nats_ports
from citybase.engines.ports import free_port, is_free
from citybase.engines.postgres import EmbeddedPostgres, sqlalchemy_url
from citybase.engines.processes import ChildProcess
from citybase.engines.streams import Broker
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.identity.models import device_credential
from citybase.security.identity.secrets import digest
from citybase.security.organizations import organization
from citybase.server.schema import migrate

KIND = "air-station"
PROPERTIES: list[dict[str, Any]] = [
    {"id": "pm25", "name": "PM2.5", "unit": "µg/m³", "range": [0, 2000]},
    {"id": "pm10", "name": "PM10", "unit": "µg/m³"},
]


RULE: dict[str, Any] = {
    "id": "pm25-high",
    "name": "PM2.5 偏高",
    "name_en": "PM2.5 high",
    "kind": KIND,
    "condition": "pm25 > 150",
    "clear": "pm25 < 130",
    "for": "PT1H",
    "priority": "high",
    "case_type": "air-pollution",
    "message": "{name} PM2.5 {pm25} µg/m³",
    "message_en": "{name}: PM2.5 {pm25} µg/m³",
}


def secret_of(device: str) -> str:
    return f"secret of {device}"


def found_city(url: str, devices: list[str]) -> None:
    """An organisation, a kind and its stations, straight into the tables."""
    bureau = new_id()
    engine = create_engine(sqlalchemy_url(url))
    with engine.begin() as connection:
        connection.execute(
            insert(organization).values(id=bureau, code="bureau", name="生态环境局", kind="bureau", path="/bureau/")
        )
        connection.execute(
            insert(resource_kind).values(
                id=KIND, pack="test", name="空气站", name_en="Air station", definition={"properties": PROPERTIES}
            )
        )
        stations: list[dict[str, Any]] = [
            {"id": new_id(), "kind": KIND, "code": code, "name": code, "owner_id": bureau, "life_cycle": "in_use"}
            for code in devices
        ]
        connection.execute(insert(resource), stations)
        columns = {name: RULE[name] for name in ("id", "name", "name_en", "kind", "priority", "case_type")}
        connection.execute(insert(alarm_rule).values(**columns, pack="test", definition=RULE))
        connection.execute(
            insert(device_credential),
            [
                {"device": station["code"], "resource_id": station["id"], "digest": digest(secret_of(station["code"]))}
                for station in stations
            ],
        )
    engine.dispose()


@dataclass
class City:
    """Engines and processes of one data folder."""

    settings: Settings
    postgres: EmbeddedPostgres
    nats: ChildProcess
    gateways: ChildProcess
    observer: ChildProcess

    @property
    def url(self) -> str:
        assert self.settings.postgres_url
        return self.settings.postgres_url

    def device(self, code: str, secret: str | None = None, client_id: str = "") -> Client:
        """A connected MQTT client of that device."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id or code)
        client.username_pw_set(code, secret_of(code) if secret is None else secret)
        client.connect(self.settings.host, nats_ports(self.settings).mqtt)
        client.loop_start()
        return client

    def restart(self, process: ChildProcess) -> None:
        process.stop()
        process.start()


def publish(client: Client, device: str, *readings: dict[str, Any]) -> MQTTMessageInfo:
    payload = msgspec.json.encode(readings[0] if len(readings) == 1 else list(readings))
    return client.publish(f"obs/{device}", payload, qos=1)


@contextmanager
def running_city(devices: list[str], **options: Any) -> Iterator[City]:
    """Engines started, tables migrated, gateways and observer running, in a folder of their own."""
    # Not pytest's own folder: that is private, and PostgreSQL runs as another user where we are root.
    with tempfile.TemporaryDirectory(prefix="citybase-test-", ignore_cleanup_errors=True) as name:
        yield from _run(Path(name), devices, options)


def _run(folder: Path, devices: list[str], options: dict[str, Any]) -> Iterator[City]:
    postgres = EmbeddedPostgres(folder / "postgres")
    url = postgres.start()
    migrate(url)
    found_city(url, devices)
    hj212_port = free_port("127.0.0.1")
    settings = Settings(
        data=folder,
        postgres_url=url,
        hj212_port=hj212_port,
        mqtt_port=free_port("127.0.0.1"),
        **{"flush_seconds": 0.3, **options},
    )
    nats = embedded_nats(settings)
    environment = {
        "CITYBASE_DATA": str(folder),
        "CITYBASE_POSTGRES_URL": url,
        "CITYBASE_HJ212_PORT": str(hj212_port),
        "CITYBASE_FLUSH_SECONDS": str(settings.flush_seconds),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    city = City(
        settings,
        postgres,
        nats,
        _process("gateways", folder, environment),
        _process("observer", folder, environment),
    )
    try:
        nats.start()
        eventually(lambda: not is_free("127.0.0.1", nats_ports(settings).client))
        asyncio.run(_ensure_streams(settings))
        city.observer.start()
        city.gateways.start()
        eventually(lambda: _lets_in(city, devices[0]), seconds=60)
        yield city
    finally:
        for process in (city.gateways, city.observer, nats):
            process.stop()
        postgres.stop()


def _lets_in(city: City, device: str) -> bool:
    """Whether a device with its credential may connect: broker and gateways are there."""
    client = city.device(device, client_id=f"probe-{device}")
    deadline = time.monotonic() + 3
    while not client.is_connected() and time.monotonic() < deadline:
        time.sleep(0.05)
    connected = client.is_connected()
    client.disconnect()
    client.loop_stop()
    return connected


async def _ensure_streams(settings: Settings) -> None:
    async with Broker(nats_address(settings)) as broker:
        await broker.ensure_streams()


def _process(name: str, folder: Path, environment: dict[str, str]) -> ChildProcess:
    command = [sys.executable, "-m", f"citybase.collection.{name}"]
    return ChildProcess(name, command, folder / "logs" / f"{name}.log", environment)


def rows_in_lake(city: City) -> list[tuple[str, str, int, float]]:
    """(terminal, property, time in ms, value) of every stored observation, sorted."""
    from citybase.engines.lake import open_lake

    lake = open_lake(city.settings, city.url)
    try:
        table = lake.query("SELECT terminal, property, epoch_ms(time) AS t, value FROM observation ORDER BY ALL")
    finally:
        lake.close()
    return [tuple(row.values()) for row in table.to_pylist()]


def eventually(check: Any, seconds: float = 30.0) -> None:
    """Wait until `check()` is true; the assertion that follows in the test says what was expected."""
    deadline = time.monotonic() + seconds
    while not check() and time.monotonic() < deadline:
        time.sleep(0.1)


def alarms(city: City) -> list[tuple[str, str, float, bool]]:
    """(terminal, state, value, whether it ended) of every alarm, oldest first."""
    with psycopg.connect(city.url) as connection:
        return connection.execute(
            "SELECT r.code, a.state, a.value, a.cleared_at IS NOT NULL FROM alarm a JOIN resource r"
            " ON r.id = a.resource_id ORDER BY a.raised_at, r.code"
        ).fetchall()


def refusals(city: City) -> list[tuple[str, str]]:
    """(device, code) of what was kept aside, oldest first."""
    with psycopg.connect(city.url) as connection:
        return connection.execute("SELECT device, code FROM rejection ORDER BY id").fetchall()

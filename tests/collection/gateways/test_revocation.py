"""Credentials that end while their device is connected, and all devices coming back at once, in a running city."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.collection.city import eventually
from tests.running import RunningCity, own_ports, running_city

pytestmark = pytest.mark.city

STORM = 500
CONNECTION_ACCEPTED = b"\x20\x02\x00\x00"


@pytest.fixture(scope="module")
def city() -> Iterator[RunningCity]:
    with running_city(**own_ports()) as city:
        yield city


@pytest.fixture(scope="module")
def admin(city: RunningCity) -> Iterator[httpx.Client]:
    with city.client() as client:
        yield client


class Device:
    """An MQTT client that keeps coming back, and what it heard of the broker."""

    def __init__(self, city: RunningCity, code: str, secret: str, client_id: str = "") -> None:
        self.diary: list[str] = []
        self.code = code
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id or code)
        self.client.username_pw_set(code, secret)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.connect("127.0.0.1", city.mqtt_port)
        self.client.loop_start()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.diary.append("refused" if reason.is_failure else "connected")

    def _on_disconnect(self, *_: Any) -> None:
        if self.diary[-1:] == ["connected"]:
            self.diary.append("disconnected")

    def publishes(self, value: float) -> bool:
        """Whether a reading is acknowledged."""
        time_ms = int(time.time() * 1000)
        info = self.client.publish(f"obs/{self.code}", f'{{"t": {time_ms}, "v": {{"pm25": {value}}}}}', qos=1)
        eventually(info.is_published, seconds=5)
        return info.is_published()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def stations(admin: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = admin.get("/api/v1/resources", params={"kind": "air-station", "limit": 2}).json()[
        "items"
    ]
    return items


def issue(admin: httpx.Client, station: dict[str, Any]) -> str:
    answer = admin.post(f"/api/v1/resources/{station['id']}/credential")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["password"])


def test_a_revoked_device_is_disconnected_and_not_let_in_again(
    city: RunningCity, admin: httpx.Client, stations: list[dict[str, Any]]
) -> None:
    revoked, other = stations
    device = Device(city, revoked["code"], issue(admin, revoked))
    neighbour = Device(city, other["code"], issue(admin, other))
    try:
        assert device.publishes(1.0)
        assert neighbour.publishes(1.0)
        assert admin.delete(f"/api/v1/resources/{revoked['id']}/credential").is_success
        eventually(lambda: "refused" in device.diary)
        assert device.diary[:3] == ["connected", "disconnected", "refused"]
        assert neighbour.publishes(2.0)
        assert neighbour.diary == ["connected"]
    finally:
        device.close()
        neighbour.close()


def test_a_replaced_secret_is_disconnected_and_the_new_one_stays(
    city: RunningCity, admin: httpx.Client, stations: list[dict[str, Any]]
) -> None:
    station = stations[0]
    old = Device(city, station["code"], issue(admin, station), "old")
    try:
        assert old.publishes(3.0)
        new = Device(city, station["code"], issue(admin, station), "new")
        try:
            assert new.publishes(4.0)
            eventually(lambda: "refused" in old.diary)
            assert old.diary[:3] == ["connected", "disconnected", "refused"]
            assert new.publishes(5.0)
            assert new.diary[0] == new.diary[-1] == "connected"
        finally:
            new.close()
    finally:
        old.close()


def test_a_credential_that_ended_while_the_gateways_were_away_ends_its_connection_when_they_are_back(
    city: RunningCity, admin: httpx.Client, stations: list[dict[str, Any]]
) -> None:
    station = stations[0]
    device = Device(city, station["code"], issue(admin, station))
    try:
        assert device.publishes(6.0)
        gateways = city.processes()["gateways"]
        gateways.suspend()
        assert admin.delete(f"/api/v1/resources/{station['id']}/credential").is_success
        gateways.kill()
        eventually(lambda: "refused" in device.diary, seconds=60)
        assert device.diary[:2] == ["connected", "disconnected"]
        assert "refused" in device.diary
    finally:
        device.close()


def test_nobody_signs_in_as_the_program_itself(city: RunningCity) -> None:
    for name in ("citybase", "citybase/system", "$SYS"):
        device = Device(city, name, "guessed", "intruder")
        try:
            eventually(lambda: bool(device.diary))  # noqa: B023 - called at once
            assert device.diary[0] == "refused"
        finally:
            device.close()


def test_five_hundred_devices_coming_back_at_once_are_all_let_in(city: RunningCity, admin: httpx.Client) -> None:
    items = admin.get("/api/v1/resources", params={"kind": "air-station", "limit": 20}).json()["items"]
    credentials = [(item["code"], issue(admin, item)) for item in items]
    city.processes()["nats"].kill()
    accepted = asyncio.run(_storm(city.mqtt_port, credentials))
    assert accepted == STORM


async def _storm(port: int, credentials: list[tuple[str, str]]) -> int:
    """How many of so many connections are accepted, each tried again every second for a minute, as devices do."""
    attempts = (_come_back(port, f"storm-{number}", *credentials[number % len(credentials)]) for number in range(STORM))
    return sum(await asyncio.gather(*attempts))


async def _come_back(port: int, client_id: str, device: str, secret: str) -> bool:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(connect_packet(client_id, device, secret))
                answer = await reader.readexactly(4)
                writer.close()
        except (OSError, EOFError):
            answer = b""
        if answer == CONNECTION_ACCEPTED:
            return True
        await asyncio.sleep(1)
    return False


def connect_packet(client_id: str, device: str, secret: str) -> bytes:
    """CONNECT of MQTT 3.1.1 (§3.1) with user name and password and a clean session."""
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c"
    body += b"".join(len(text).to_bytes(2, "big") + text.encode() for text in (client_id, device, secret))
    assert len(body) < 128
    return bytes([0x10, len(body)]) + body

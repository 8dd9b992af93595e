"""The observation way with real engines and processes: from an MQTT socket to the lake, and what is kept aside."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from paho.mqtt.client import Client

from citybase.city.observations.latest import LatestReader
from citybase.city.observations.rejections import KEPT_OF_A_BATCH
from tests.collection.city import (
    City,
    alarms,
    eventually,
    publish,
    refusals,
    rows_in_lake,
    running_city,
)

pytestmark = pytest.mark.city

HOUR = 3_600_000
NOW = int(time.time() * 1000) // HOUR * HOUR
DEVICES = [
    "talker",
    "stutterer",
    "latecomer",
    "babbler",
    "flooder",
    "neighbour",
    "smoker",
    "drifter",
    "patient",
    "giant",
]


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with running_city(DEVICES) as city:
        yield city


def send(city: City, device: str, *payloads: Any) -> None:
    """Publish as that device and wait for every acknowledgement."""
    client = city.device(device)
    for payload in payloads:
        info = (
            client.publish(f"obs/{device}", payload, qos=1)
            if isinstance(payload, bytes | str)
            else publish(client, device, payload)
        )
        info.wait_for_publish(20)
        assert info.is_published()
    client.disconnect()
    client.loop_stop()


def stored(city: City, device: str) -> list[tuple[str, int, float]]:
    return [row[1:] for row in rows_in_lake(city) if row[0] == device]


def await_stored(city: City, device: str, count: int) -> list[tuple[str, int, float]]:
    eventually(lambda: len(stored(city, device)) >= count)
    return stored(city, device)


def codes(city: City, device: str) -> list[str]:
    return [code for name, code in refusals(city) if name == device]


def test_a_reading_reaches_the_lake_and_the_latest_values_and_a_missing_value_stays_missing(city: City) -> None:
    send(city, "talker", {"t": NOW, "v": {"pm25": 35.5, "pm10": None}})
    assert await_stored(city, "talker", 1) == [("pm25", NOW, 35.5)]
    with psycopg.connect(city.url) as connection:
        rows = connection.execute("SELECT property, id FROM series WHERE device = 'talker'").fetchall()
    places: dict[str, int] = dict(rows)
    latest = LatestReader(city.settings.data / "latest").read(np.array([places["pm25"], places["pm10"]]))
    assert (latest.time[0], latest.value[0]) == (NOW * 1000, 35.5)
    assert latest.time[1] == 0


def test_a_reading_sent_again_is_stored_once(city: City) -> None:
    reading = {"t": NOW, "v": {"pm25": 1.0}}
    send(city, "stutterer", reading, reading, [reading, reading], {"t": NOW + 1, "v": {"pm25": 2.0}})
    await_stored(city, "stutterer", 2)
    send(city, "stutterer", reading, {"t": NOW + 2, "v": {"pm25": 3.0}})
    assert await_stored(city, "stutterer", 3) == [("pm25", NOW + n, n + 1.0) for n in range(3)]


def test_a_late_reading_is_stored_and_leaves_the_latest_value_alone(city: City) -> None:
    send(city, "latecomer", {"t": NOW, "v": {"pm25": 2.0}})
    await_stored(city, "latecomer", 1)
    send(city, "latecomer", {"t": NOW - HOUR, "v": {"pm25": 1.0}})
    assert await_stored(city, "latecomer", 2) == [("pm25", NOW - HOUR, 1.0), ("pm25", NOW, 2.0)]
    with psycopg.connect(city.url) as connection:
        found = connection.execute("SELECT id FROM series WHERE device = 'latecomer' AND property = 'pm25'").fetchone()
    assert found is not None
    assert LatestReader(city.settings.data / "latest").read(np.array([found[0]])).time[0] == NOW * 1000


BAD = {
    "malformed": b'{"t": 1',
    "wrong_type": b'{"t": %d, "v": {"pm25": "x"}}' % NOW,
    "not_finite": b'{"t": %d, "v": {"pm25": NaN}}' % NOW,
    "unknown_property": b'{"t": %d, "v": {"gold": 1}}' % NOW,
    "clock_ahead": b'{"t": %d, "v": {"pm25": 1}}' % (NOW + 100 * HOUR),
    "clock_behind": b'{"t": 1000, "v": {"pm25": 1}}',
}


def test_every_bad_message_is_kept_aside_with_its_reason_and_the_good_beside_it_go_on(city: City) -> None:
    good = [{"t": NOW + number, "v": {"pm10": float(number)}} for number in range(len(BAD))]
    mixed = b'[{"t": %d, "v": {"pm25": 7, "pm10": Infinity}}, 5, {"t": "yesterday", "v": {}}]' % (NOW + 99)
    send(city, "babbler", *(part for pair in zip(BAD.values(), good, strict=True) for part in pair), mixed)
    expected = [("pm10", NOW + number, float(number)) for number in range(len(BAD))]
    assert await_stored(city, "babbler", len(good) + 1) == [*expected, ("pm25", NOW + 99, 7.0)]
    assert sorted(codes(city, "babbler")) == sorted([*BAD, "not_finite", "wrong_type", "wrong_type"])


def test_a_flood_of_bad_readings_keeps_no_good_one_back_and_is_kept_as_a_sample(city: City) -> None:
    flood = [b"[" + b",".join([b"5"] * 5_000) + b"]"] * 2
    good = [{"t": NOW + number, "v": {"pm10": float(number)}} for number in range(3)]
    send(city, "flooder", good[0], *flood, good[1], *flood, good[2])
    assert await_stored(city, "flooder", 3) == [("pm10", NOW + number, float(number)) for number in range(3)]
    assert 0 < len(codes(city, "flooder")) <= 4 * KEPT_OF_A_BATCH


def test_a_wrong_credential_is_refused(city: City) -> None:
    client = city.device("neighbour", secret="wrong", client_id="burglar")
    reasons: list[str] = []
    client.on_connect = lambda _client, _data, _flags, reason, _properties: reasons.append(str(reason))
    eventually(lambda: reasons)
    client.loop_stop()
    assert not client.is_connected()
    assert reasons[0] == "Not authorized"


@pytest.mark.parametrize(
    "topic", ["obs/neighbour", "$MQTT/msgs/obs/neighbour", "readings/http/neighbour", "obs/talker/x", "events/x"]
)
@pytest.mark.parametrize("qos", [0, 1])
def test_a_device_cannot_publish_as_another(city: City, topic: str, qos: int) -> None:
    client: Client = city.device("talker", client_id="impostor")
    eventually(client.is_connected)
    client.publish(topic, b'{"t": %d, "v": {"pm25": 666}}' % NOW, qos=qos)
    client.disconnect()
    client.loop_stop()
    send(city, "talker", {"t": NOW + 1, "v": {"pm25": 36.0}})
    assert ("pm25", NOW + 1, 36.0) in await_stored(city, "talker", 2)
    assert stored(city, "neighbour") == []


def test_a_message_of_ten_megabytes_ends_its_connection_only(city: City) -> None:
    client = city.device("giant")
    eventually(client.is_connected)
    client.publish("obs/giant", b"x" * 10_000_000, qos=0)
    eventually(lambda: not client.is_connected())
    assert not client.is_connected()
    client.loop_stop()
    send(city, "giant", {"t": NOW, "v": {"pm25": 1.0}})
    assert await_stored(city, "giant", 1) == [("pm25", NOW, 1.0)]


def test_a_rule_raises_after_its_duration_holds_in_the_dead_band_and_clears(city: City) -> None:
    values = [200.0, 210.0, 140.0, 120.0]
    for hour, value in enumerate(values):
        send(city, "smoker", {"t": NOW - (len(values) - hour) * HOUR, "v": {"pm25": value}})
    eventually(lambda: any(row[0] == "smoker" and row[3] for row in alarms(city)))
    assert [row for row in alarms(city) if row[0] == "smoker"] == [("smoker", "cleared", 210.0, True)]


def test_an_implausible_value_is_stored_as_bad_and_raises_nothing(city: City) -> None:
    send(city, "drifter", *({"t": NOW - (3 - hour) * HOUR, "v": {"pm25": 9999.0}} for hour in range(3)))
    await_stored(city, "drifter", 3)
    assert not [row for row in alarms(city) if row[0] == "drifter"]


def test_while_the_observer_is_away_readings_wait_in_the_stream(city: City) -> None:
    city.observer.stop()
    send(city, "patient", *({"t": NOW + n, "v": {"pm25": float(n)}} for n in range(5)))
    city.observer.start()
    assert await_stored(city, "patient", 5) == [("pm25", NOW + n, float(n)) for n in range(5)]

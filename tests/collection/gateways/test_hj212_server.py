"""HJ 212 over TCP with real processes: acknowledged frames are stored, broken ones kept aside, half ones forgotten."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from citybase.city.observations.models import rejection
from citybase.collection.gateways.credentials import Credentials
from citybase.collection.gateways.hj212 import encode, hourly_frame, parse
from citybase.collection.gateways.hj212_server import Hj212Server
from citybase.engines.nats import NatsAddress
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker
from tests.collection.city import City, eventually, refusals, rows_in_lake, running_city, secret_of

pytestmark = pytest.mark.city

HOUR = datetime.fromtimestamp(time.time() // 3600 * 3600, UTC)
MS = int(HOUR.timestamp() * 1000)
DEVICES = ["hj-1", "hj-2", "hj-3", "hj-4"]


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with running_city(DEVICES) as city:
        yield city


def converse(city: City, *chunks: bytes, answers: int) -> bytes:
    """Send chunks on one connection; what came back, until so many answers were there."""
    assert city.settings.hj212_port
    with socket.create_connection(("127.0.0.1", city.settings.hj212_port), timeout=20) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
        back = b""
        while back.count(b"##") < answers:
            back += connection.recv(65536)
        return back


def frame(device: str, pm25: float, secret: str | None = None) -> bytes:
    return encode(hourly_frame(device, HOUR, {"pm25": pm25}, password=secret or secret_of(device)))


def test_an_acknowledged_frame_is_in_the_lake(city: City) -> None:
    sent = frame("hj-1", 35.0)
    answer = parse(converse(city, sent[:40], sent[40:], answers=1).strip())
    assert (answer.command, answer.get("QN")) == ("9014", parse(sent).get("QN"))
    eventually(lambda: ("hj-1", "pm25", MS, 35.0) in rows_in_lake(city))
    assert ("hj-1", "pm25", MS, 35.0) in rows_in_lake(city)


def test_broken_frames_are_kept_aside_and_the_good_one_behind_them_is_stored(city: City) -> None:
    good = frame("hj-2", 36.0)
    wrong_crc = good[:-6] + b"0000\r\n"
    wrong_length = b"##0001" + good[6:]
    wrong_text = good.replace(b"ST=", b"S\xff=")
    converse(city, wrong_crc + wrong_length + wrong_text + good, answers=1)
    eventually(lambda: ("hj-2", "pm25", MS, 36.0) in rows_in_lake(city))
    assert ("hj-2", "pm25", MS, 36.0) in rows_in_lake(city)
    assert {"bad_crc", "length_mismatch"} <= {code for _, code in refusals(city)}


def test_a_wrong_secret_is_kept_aside_and_not_acknowledged(city: City) -> None:
    converse(city, frame("hj-3", 1.0, secret="000000") + frame("hj-1", 37.0), answers=1)
    assert ("hj-3", "wrong_credential") in refusals(city)
    assert not [row for row in rows_in_lake(city) if row[0] == "hj-3"]


def test_half_a_frame_and_a_lost_connection_harm_nobody(city: City) -> None:
    converse(city, frame("hj-4", 38.0)[:50], answers=0)
    eventually(lambda: ("", "length_mismatch") in refusals(city), seconds=5)
    converse(city, frame("hj-4", 39.0), answers=1)
    eventually(lambda: ("hj-4", "pm25", MS, 39.0) in rows_in_lake(city))
    assert [row[3] for row in rows_in_lake(city) if row[0] == "hj-4"] == [39.0]


@pytest.mark.anyio
async def test_half_a_frame_and_then_silence_is_kept_aside_and_the_connection_closed(database: Database) -> None:
    broker = Broker(NatsAddress("nats://127.0.0.1:1", "", ""))
    door = Hj212Server(database, broker, Credentials(database), half_a_frame_seconds=0.2)
    half = frame("hj-5", 40.0)[:60]
    async with await door.listen("127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(half)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
    async with database.begin() as connection:
        kept = (await connection.execute(select(rejection.c.source, rejection.c.code, rejection.c.raw))).all()
    assert [tuple(row) for row in kept] == [("hj212", "length_mismatch", half)]

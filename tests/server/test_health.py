"""Readiness names every engine and process that does not answer."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from citybase.engines.heartbeat import Heartbeat
from citybase.engines.ports import free_port
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.server.health import disk_check, door_checks, heartbeat_check

pytestmark = pytest.mark.anyio


async def test_an_open_door_is_ready_and_a_closed_one_is_not() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        checks = door_checks(Settings(hj212_port=port, mqtt_port=free_port("127.0.0.1")))
        await checks["hj212"]()
        with pytest.raises(OSError, match="Connect call failed"):
            await checks["mqtt"]()


async def test_a_city_listening_everywhere_is_looked_for_on_this_machine() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        everywhere = "0.0.0.0"  # noqa: S104 - a setting
        await door_checks(Settings(host=everywhere, hj212_port=server.sockets[0].getsockname()[1]))["hj212"]()


def test_the_mqtt_port_of_a_given_broker_is_not_ours_to_judge() -> None:
    assert set(door_checks(Settings(nats_url="nats://broker:4222", mqtt_port=1883, hj212_port=9212))) == {"hj212"}


async def test_a_process_is_ready_while_its_heart_beats(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path, "observer")
    check = heartbeat_check(heartbeat, "observer")
    with pytest.raises(Problem):
        await check()
    heartbeat.beat()
    await check()
    long_ago = time.time() - 60
    os.utime(tmp_path / "alive" / "observer", (long_ago, long_ago))
    with pytest.raises(Problem):
        await check()


async def test_a_disk_without_room_is_said(tmp_path: Path) -> None:
    await disk_check(tmp_path, least=1)()
    with pytest.raises(Problem):
        await disk_check(tmp_path, least=2**60)()

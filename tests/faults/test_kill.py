"""`kill -9` of any process at any moment under load: whatever was acknowledged is in the lake, once."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from citybase.engines.processes import ChildProcess
from tests.collection.city import City, eventually, rows_in_lake, running_city
from tests.faults.load import Device

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("CITYBASE_FAULT_ROUNDS", "3"))
SEED = int(os.environ.get("CITYBASE_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
DEVICES = [f"station-{number}" for number in range(4)]


def kill_observer(city: City) -> None:
    _kill_and_start(city.observer)


def kill_gateways(city: City) -> None:
    _kill_and_start(city.gateways)


def kill_nats(city: City) -> None:
    _kill_and_start(city.nats)


def kill_postgres(city: City) -> None:
    os.kill(int((city.settings.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    eventually(lambda: _started(city))


VICTIMS: list[Callable[[City], None]] = [kill_observer, kill_nats, kill_postgres, kill_gateways]


def test_every_acknowledged_reading_is_in_the_lake_exactly_once() -> None:
    print(f"CITYBASE_FAULT_SEED={SEED} CITYBASE_FAULT_ROUNDS={ROUNDS}")  # noqa: T201 - to repeat a failure
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    with running_city(DEVICES) as city:
        devices = [Device(city, code, SEED + number) for number, code in enumerate(DEVICES)]
        for device in devices:
            device.start()
        for number in range(ROUNDS * len(VICTIMS)):
            time.sleep(chance.uniform(0.5, 2.5))
            VICTIMS[number % len(VICTIMS)](city)
        for device in devices:
            device.finish()
        acknowledged = set().union(*(device.acknowledged for device in devices))
        sent = set().union(*(device.sent for device in devices))
        eventually(lambda: acknowledged <= set(rows_in_lake(city)), seconds=60)
        stored = rows_in_lake(city)
        assert len(acknowledged) > 100 * ROUNDS
        assert acknowledged - set(stored) == set()
        assert len(stored) == len(set(stored))
        assert set(stored) <= sent


def _started(city: City) -> bool:
    # What is left of the killed server may keep the first tries from starting; the supervisor tries again likewise.
    time.sleep(0.3)
    if not city.postgres.is_alive():
        city.postgres.start()
    return city.postgres.is_alive()


def _kill_and_start(process: ChildProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not process.is_alive())
    process.start()

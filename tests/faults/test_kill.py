"""`kill -9` of any process of a whole city at any moment under load: nothing acknowledged is lost, nothing is twice.

`CITYBASE_FAULT_ROUNDS=20` is the full test; each round kills every process once, in a random order. A failure is
repeated with the seed that is printed.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import psutil
import pytest

from tests.collection.city import eventually
from tests.faults.casework import Caseworker, Step
from tests.faults.load import Hj212Station, HttpStation, Load, MqttStation, Row, Station
from tests.faults.reckoning import Holdings, newest
from tests.running import RunningCity, own_ports, running_city, start_city

pytestmark = pytest.mark.faults

ROUNDS = int(os.environ.get("CITYBASE_FAULT_ROUNDS", "2"))
SEED = int(os.environ.get("CITYBASE_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PROCESSES = ("server", "gateways", "observer", "worker", "nats", "postgres")
RECOVERY_SECONDS = 90.0


@dataclass
class Scene:
    """A city under load."""

    city: RunningCity
    stations: list[Station]
    caseworkers: list[Caseworker]

    @property
    def loads(self) -> list[Load]:
        return [*self.stations, *self.caseworkers]

    @property
    def acknowledged(self) -> set[Row]:
        return set().union(*(station.acknowledged for station in self.stations))

    @property
    def sent(self) -> set[Row]:
        return set().union(*(station.sent for station in self.stations))

    @property
    def answered(self) -> Counter[Step]:
        return Counter(step for worker in self.caseworkers for step in worker.answered)

    @property
    def holdings(self) -> Holdings:
        return Holdings(self.city.data, [station.code for station in self.stations])

    def resume(self) -> None:
        for load in self.loads:
            load.resume()

    def pause(self) -> None:
        for load in self.loads:
            load.pause()


def test_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed() -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    _tell(f"CITYBASE_FAULT_SEED={SEED} CITYBASE_FAULT_ROUNDS={ROUNDS}")
    with running_city(**own_ports(), flush_seconds="0.5") as city, under_load(city, chance) as scene:
        for number in range(1, ROUNDS + 1):
            scene.resume()
            for name in chance.sample(PROCESSES, len(PROCESSES)):
                time.sleep(chance.uniform(0.2, 1.5))
                kill(city, name)
            reckon(scene, f"round {number}")
        assert len(scene.acknowledged) > 200 * ROUNDS
        assert len(scene.answered) > 5 * ROUNDS


def test_nothing_acknowledged_is_lost_or_doubled_when_the_supervisor_is_killed() -> None:
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    _tell(f"CITYBASE_FAULT_SEED={SEED}")
    with running_city(**own_ports(), flush_seconds="0.5") as city, under_load(city, chance) as scene:
        scene.resume()
        time.sleep(chance.uniform(1.0, 3.0))
        os.kill(city.process.pid, signal.SIGKILL)
        city.process.wait(10)
        again = replace(start_city(city.data, flush_seconds="0.5"), password=city.password)
        try:
            assert (again.address, again.mqtt_port, again.hj212_port) == (city.address, city.mqtt_port, city.hj212_port)
            scene.city = again
            reckon(scene, "supervisor")
            assert len(scene.acknowledged) > 100
        finally:
            again.stop()


@contextmanager
def under_load(city: RunningCity, chance: random.Random) -> Iterator[Scene]:
    """Two stations for each way of delivering and two caseworkers, all paused."""

    def own() -> random.Random:
        return random.Random(chance.random())  # noqa: S311 - moments, not secrets

    with city.client() as client:
        found = client.get("/api/v1/resources", params={"kind": "air-station", "limit": 6}).json()["items"]
        devices = [client.post(f"/api/v1/resources/{item['id']}/credential").json() for item in found]
        granted = {"name": "cases", "actions": client.get("/api/v1/session").json()["principal"]["permissions"]}
        token = client.post("/api/v1/tokens", json=granted).json()["secret"]
    pairs = [(device["device"], device["password"]) for device in devices]
    scene = Scene(
        city,
        [
            *(MqttStation(*pair, own(), city.mqtt_port) for pair in pairs[:2]),
            *(Hj212Station(*pair, own(), city.hj212_port) for pair in pairs[2:4]),
            *(HttpStation(*pair, own(), city.address) for pair in pairs[4:6]),
        ],
        [Caseworker(number, city.address, token, own()) for number in range(2)],
    )
    for load in scene.loads:
        load.start()
    try:
        yield scene
    finally:
        for load in scene.loads:
            load.end()


def kill(city: RunningCity, name: str) -> None:
    """End it at once; the supervisor must start another one by itself."""
    eventually(lambda: name in _alive(city), seconds=RECOVERY_SECONDS)
    victim = _alive(city)[name]
    victim.kill()
    psutil.wait_procs([victim], timeout=10)


def reckon(scene: Scene, occasion: str) -> None:
    """Let the city come to rest and compare what it holds with what it acknowledged."""
    began = time.monotonic()
    scene.pause()
    eventually(lambda: set(_alive(scene.city)) == set(PROCESSES) and _ready(scene.city), seconds=RECOVERY_SECONDS)
    assert set(_alive(scene.city)) == set(PROCESSES)
    assert _ready(scene.city)
    holdings, acknowledged = scene.holdings, scene.acknowledged
    eventually(
        lambda: acknowledged <= set(holdings.observations()) and not holdings.waiting(), seconds=RECOVERY_SECONDS
    )
    _compare_observations(scene, holdings)
    _compare_steps(scene, holdings)
    _tell(
        f"{occasion}: {len(acknowledged)} readings and {scene.answered.total()} steps acknowledged so far, "
        f"at rest after {time.monotonic() - began:.1f} s"
    )


def _compare_observations(scene: Scene, holdings: Holdings) -> None:
    stored = holdings.observations()
    assert scene.acknowledged - set(stored) == set()
    assert {row: count for row, count in stored.items() if count > 1} == {}
    assert {row for row in stored if row[1] == "pm25"} <= scene.sent
    assert holdings.latest() == newest(stored)


def _compare_steps(scene: Scene, holdings: Holdings) -> None:
    assert holdings.waiting() == 0
    steps, titles = holdings.steps(), holdings.titles()
    assert scene.answered - steps == Counter()
    assert {step: count for step, count in steps.items() if count > 1} == {}
    assert {title: count for title, count in titles.items() if count > 1} == {}
    assert set(titles) <= set().union(*(worker.tried for worker in scene.caseworkers))
    assert holdings.logged_steps() == steps
    assert holdings.audit_report().problems == []


def _alive(city: RunningCity) -> dict[str, psutil.Process]:
    try:
        return {name: process for name, process in city.processes().items() if _runs(process)}
    except (OSError, IndexError, ValueError, psutil.Error):
        return {}


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _ready(city: RunningCity) -> bool:
    try:
        return httpx.get(f"{city.address}/health/ready", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _tell(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - to repeat a failure, and to report the full run

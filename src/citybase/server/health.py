"""Liveness and readiness: for balancers, for the supervisor, for the settings page."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from citybase.engines.heartbeat import Heartbeat
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings

__all__ = ["LEAST_ROOM", "ROUTES", "Check", "Checks", "EngineHealth", "disk_check", "door_checks", "heartbeat_check"]

Check = Callable[[], Awaitable[None]]
"""Returns when that engine answers, and raises when it does not."""
Checks = Mapping[str, Check]
"""Checks by the name of the engine or process."""

_PATIENCE = 3.0
_SILENCE_SECONDS = 15.0
LEAST_ROOM = 64 * 2**20
"""With fewer free bytes the city says that it has no room."""


class EngineHealth(msgspec.Struct):
    name: str
    ok: bool
    milliseconds: float
    problem: str = ""


class Readiness(msgspec.Struct):
    ok: bool
    engines: list[EngineHealth]


class Liveness(msgspec.Struct):
    ok: bool = True


@get("/health/live", tags=["health"], summary="The process answers")
async def live() -> Liveness:
    return Liveness()


@get("/health/ready", tags=["health"], summary="Every engine answers; 503 while one recovers")
async def ready(checks: NamedDependency[Checks]) -> Response[Readiness]:
    engines = list(await asyncio.gather(*(_check(name, check) for name, check in checks.items())))
    ok = all(engine.ok for engine in engines)
    return Response(Readiness(ok, engines), status_code=200 if ok else 503)


def door_checks(settings: Settings) -> dict[str, Check]:
    """Whether devices find their doors open: the broker's MQTT port, and the HJ 212 port of the gateways."""
    doors = {"hj212": settings.hj212_port}
    if settings.nats_url is None:
        doors["mqtt"] = settings.mqtt_port
    return {name: _door_check(settings.host, port) for name, port in doors.items() if port is not None}


def disk_check(folder: Path, least: int = LEAST_ROOM) -> Check:
    """Whether the folder's disk has room (bytes): without it nothing is accepted, and nobody else would say why."""

    async def check() -> None:
        if shutil.disk_usage(folder).free < least:
            raise Problem("engine_unavailable", engine="disk")

    return check


def heartbeat_check(heartbeat: Heartbeat, engine: str, silence: float = _SILENCE_SECONDS) -> Check:
    """Whether a process did its work lately: no longer ago than `silence` seconds."""

    async def check() -> None:
        age = heartbeat.age()
        if age is None or age > silence:
            raise Problem("engine_unavailable", engine=engine)

    return check


def _door_check(host: str, port: int) -> Check:
    async def check() -> None:
        _, writer = await asyncio.open_connection(_reachable(host), port)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    return check


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to connect to


async def _check(name: str, check: Callable[[], Awaitable[None]]) -> EngineHealth:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            await check()
    except Exception as error:
        # The words stay general: this page is public.
        problem = error.code if isinstance(error, Problem) else type(error).__name__
        return EngineHealth(name, False, _since(started), problem)
    return EngineHealth(name, True, _since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


ROUTES = [live, ready]

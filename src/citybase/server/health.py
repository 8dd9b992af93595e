"""Liveness and readiness: for balancers, for the supervisor, for the settings page."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

__all__ = ["ROUTES", "Checks", "EngineHealth"]

Checks = Mapping[str, Callable[[], Awaitable[None]]]
"""A name and a coroutine function that returns when that engine answers, and raises when it does not."""

_PATIENCE = 3.0


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


async def _check(name: str, check: Callable[[], Awaitable[None]]) -> EngineHealth:
    started = time.perf_counter()
    try:
        await asyncio.wait_for(check(), _PATIENCE)
    except Exception as error:
        # The words stay general: this page is public.
        return EngineHealth(name, False, _since(started), type(error).__name__)
    return EngineHealth(name, True, _since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


ROUTES = [live, ready]

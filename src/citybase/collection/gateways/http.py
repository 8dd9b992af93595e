"""Readings over HTTP: batches from devices (Basic credential: itself only) and collectors (token: its scope).

Answered with 202 when the stream holds everything good; what is not is said item by item.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Litestar, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy import select

from citybase.city.resources.models import resource
from citybase.collection.gateways.credentials import is_device_id
from citybase.engines.nats import nats_address
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker, BrokerError, reading_subject
from citybase.kernel.clock import now, parse_instant
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.policy import require
from citybase.security.principals import Principal
from citybase.security.scope import visible

__all__ = ["ROUTES", "ReadingPublisher", "publishing"]

SOURCE = "http"
MAX_ITEMS = 10_000
_READINGS_A_MESSAGE = 200
_AHEAD = timedelta(minutes=10)


class DeviceReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reading of one device; `t` ISO 8601 (without offset: city time) or milliseconds since 1970."""

    device: str
    t: str | int
    v: dict[str, float | None]
    q: dict[str, int] | None = None


class ItemRefused(msgspec.Struct, frozen=True):
    """One item of the batch, by its place, and why it was not taken."""

    index: int
    code: str
    detail: str


class IntakeAnswer(msgspec.Struct, frozen=True):
    accepted: int
    refused: list[ItemRefused]


class ReadingPublisher:
    """The server's connection for readings, opened at the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker: Broker | None = None
        self._opening = asyncio.Lock()

    async def publish(self, messages: list[tuple[str, bytes]]) -> None:
        """Returns when the stream holds them all. Raises `engine_unavailable`."""
        try:
            await (await self._connected()).publish_all(messages)
        except (BrokerError, OSError) as error:
            raise Problem("engine_unavailable", engine="NATS") from error

    async def close(self) -> None:
        if self._broker is not None:
            await self._broker.close()

    async def _connected(self) -> Broker:
        async with self._opening:
            if self._broker is None:
                broker = Broker(nats_address(self._settings))
                await broker.connect()
                self._broker = broker
        return self._broker


def publishing(publisher: ReadingPublisher) -> Any:
    """A lifespan of the application that closes the connection at its end."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await publisher.close()

    return lifespan


ThePublisher = NamedDependency[ReadingPublisher]


@post("/observations", tags=["observations"], summary="Deliver readings", status_code=202)
async def post_observations(
    data: JSONBody[list[Any]], database: TheDatabase, principal: ThePrincipal, publisher: ThePublisher
) -> IntakeAnswer:
    require(principal, "observation.write")
    if len(data) > MAX_ITEMS:
        raise Problem("invalid_input", reason=f"> {MAX_ITEMS}")
    good, refused = _sorted_out(data)
    reachable = await _reachable(database, principal, {reading.device for reading in good.values()})
    strange = [place for place, reading in good.items() if reading.device not in reachable]
    refused += [ItemRefused(place, "unknown_device", good.pop(place).device) for place in strange]
    await publisher.publish(list(_messages(good)))
    return IntakeAnswer(len(good), sorted(refused, key=lambda item: item.index))


def _sorted_out(items: Sequence[Any]) -> tuple[dict[int, DeviceReading], list[ItemRefused]]:
    """Good readings by their place, and what is wrong with the others."""
    good: dict[int, DeviceReading] = {}
    refused: list[ItemRefused] = []
    for place, item in enumerate(items):
        try:
            reading = msgspec.convert(item, DeviceReading)
            code = _wrong(reading)
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            refused.append(ItemRefused(place, "wrong_type", str(error)[:200]))
            continue
        if code is None:
            good[place] = reading
        else:
            refused.append(ItemRefused(place, code, str(reading.t) if code.startswith("clock") else reading.device))
    return good, refused


def _wrong(reading: DeviceReading) -> str | None:
    if not is_device_id(reading.device):
        return "unknown_device"
    time = parse_instant(reading.t) if isinstance(reading.t, str) else _from_milliseconds(reading.t)
    if time > now() + _AHEAD:
        return "clock_ahead"
    return "clock_behind" if time.year < 2000 else None


def _from_milliseconds(milliseconds: int) -> datetime:
    return parse_instant("1970-01-01T00:00:00+00:00") + timedelta(milliseconds=milliseconds)


async def _reachable(database: Database, principal: Principal, devices: set[str]) -> set[str]:
    """Those of the devices that the principal may deliver for."""
    if principal.kind == "device":
        return devices & {principal.username}
    statement = visible(
        select(resource.c.code).where(resource.c.code.in_(devices)),
        principal,
        "observation.write",
        resource.c.owner_id,
        classification=resource.c.classification,
    )
    async with database.begin() as connection:
        return set(await connection.scalars(statement))


def _messages(good: Mapping[int, DeviceReading]) -> Iterator[tuple[str, bytes]]:
    """One message a device and some hundred readings."""
    by_device: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for reading in good.values():
        by_device[reading.device].append({"t": reading.t, "v": reading.v, "q": reading.q})
    for device, readings in by_device.items():
        for start in range(0, len(readings), _READINGS_A_MESSAGE):
            part = readings[start : start + _READINGS_A_MESSAGE]
            yield reading_subject(SOURCE, device), msgspec.json.encode(part)


ROUTES = [post_observations]

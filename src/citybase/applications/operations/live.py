"""The push channel of the pages: what changes in the city reaches every open page that may see it.

One feed a server process, one bounded queue an open page. Events say only *what* changed; the page reads it through
the ordinary, scoped routes.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select

from citybase.city.cases.models import case_record
from citybase.city.cases.scope import visible_cases
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.models import alarm, series
from citybase.city.resources.classified import audit_classified
from citybase.city.resources.models import resource
from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.events import Event
from citybase.security.policy import allowed
from citybase.security.principals import Principal
from citybase.security.scope import visible
from citybase.security.transactions import begin

__all__ = ["Feed", "Readings", "Update", "follow_city"]

_WAITING = 500
_MOST_SERIES = 20_000
_READ_EVERY = 2.0
_SERIES_EVERY = 60.0


class Update(msgspec.Struct, frozen=True):
    """One message to a page: `event` is latest, alarm, case or indicator."""

    event: str
    data: dict[str, Any]


class Connection(Protocol):
    """Where events come from."""

    @property
    def is_connected(self) -> bool: ...


class Feed:
    """Fans events out to open pages."""

    def __init__(self) -> None:
        self.source: Connection | None = None
        self._queues: set[asyncio.Queue[Event]] = set()

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._queues)

    async def check(self) -> None:
        """Return when events can arrive; raise `engine_unavailable` while they cannot."""
        if self.source is None or not self.source.is_connected:
            raise Problem("engine_unavailable", engine="NATS")

    def deliver(self, event: Event) -> None:
        """Give an event to every open page; a page too slow to follow loses the oldest ones."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    @contextmanager
    def open(self) -> Iterator["asyncio.Queue[Event]"]:
        """A queue for one page, closed with it."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)


async def follow_city(
    database: Database, principal: Principal, feed: Feed, latest: LatestReader
) -> AsyncGenerator[Update, None]:
    """Everything new that this principal may see, until the page is closed."""
    readings = Readings(database, principal, latest)
    with feed.open() as queue:
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), _READ_EVERY)
            except TimeoutError:
                pass
            else:
                if await _may_see(database, principal, event):
                    noun = event.type.partition(".")[0]
                    yield Update(noun, {"id": event.subject, "type": event.type})
            items = await readings.changed()
            if items:
                yield Update("latest", {"items": items})


@dataclass(slots=True)
class Readings:
    """The latest values of the visible terminals, as changes since the last look."""

    database: Database
    principal: Principal
    latest: LatestReader
    _known: list[tuple[UUID, str]] = field(default_factory=list)
    _numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _received: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _looked: float = -_SERIES_EVERY
    _read: float = -_READ_EVERY

    async def changed(self) -> list[dict[str, Any]]:
        """Values received since the last call; at most one look every two seconds."""
        moment = time.monotonic()
        if moment - self._read < _READ_EVERY:
            return []
        self._read = moment
        if moment - self._looked >= _SERIES_EVERY:
            await self._look()
            self._looked = moment
        values = self.latest.read(self._numbers)
        fresh = np.flatnonzero(values.received > self._received)
        self._received = values.received.copy()
        return [
            {
                "resource_id": str(self._known[place][0]),
                "property": self._known[place][1],
                "time": int(values.time[place]) // 1000,
                "value": float(values.value[place]),
                "quality": int(values.quality[place]),
                "received": int(values.received[place]) // 1000,
            }
            for place in fresh
        ]

    async def _look(self) -> None:
        """Which series there are; a series that is new starts with what it holds now."""
        told = {resource_id for resource_id, _ in self._known}
        async with begin(self.database, self.principal) as tx:
            rows = (await tx.connection.execute(_visible_series(self.principal))).all()
            await audit_classified(tx, "observation.read", {row.resource_id for row in rows} - told)
        before = dict(zip(self._numbers.tolist(), self._received.tolist(), strict=True))
        self._known = [(row.resource_id, row.property) for row in rows]
        self._numbers = np.array([row.id for row in rows], np.int64)
        now = self.latest.read(self._numbers).received
        self._received = np.array(
            [before.get(n, r) for n, r in zip(self._numbers.tolist(), now, strict=True)], np.int64
        )


def _visible_series(principal: Principal) -> Select[Any]:
    statement = (
        select(series.c.id, series.c.resource_id, series.c.property)
        .join(resource, resource.c.id == series.c.resource_id)
        .order_by(series.c.id)
        .limit(_MOST_SERIES)
    )
    return visible(
        statement, principal, "observation.read", resource.c.owner_id, classification=resource.c.classification
    )


async def _may_see(database: Database, principal: Principal, event: Event) -> bool:
    noun = event.type.partition(".")[0]
    if noun == "indicator":
        return allowed(principal, "indicator.read")
    if noun == "alarm":
        its = select(alarm.c.id).join(resource, resource.c.id == alarm.c.resource_id)
        one = visible(
            its.where(alarm.c.id == UUID(event.subject)),
            principal,
            "alarm.read",
            alarm.c.owner_id,
            classification=resource.c.classification,
        )
    elif noun == "case":
        one = visible_cases(select(case_record.c.id).where(case_record.c.id == UUID(event.subject)), principal)
    else:
        return False
    async with database.begin() as connection:
        return (await connection.execute(one)).first() is not None

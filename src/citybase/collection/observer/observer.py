"""The observer: takes readings from the streams, keeps the latest, and commits them to the lake exactly once.

The order of steps is what makes `kill -9` harmless at every point:

1. a batch is taken, decoded and checked; what is refused is kept aside in PostgreSQL;
2. derived values are added, rules evaluated; the latest values are written, then alarms and the rules' state;
3. its rows wait, at most `flush_seconds`, and are committed to the lake in one snapshot that carries the streams'
   positions;
4. only then may the streams forget the messages.

Dying anywhere before 4 means that messages come again. Positions in the snapshot, and an observation's own identity
(`pending`), keep what comes again from being stored again.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import numpy as np

from citybase.city.observations.latest import LatestValues, LatestWriter
from citybase.city.observations.rejections import Rejected, keep_aside, trim
from citybase.collection.observer.arrivals import Arrivals
from citybase.collection.observer.commits import Commits
from citybase.collection.observer.deriving import Derivations
from citybase.collection.observer.intake import Batch, take_in
from citybase.collection.observer.patience import patiently
from citybase.collection.observer.pending import Pending
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex
from citybase.collection.observer.watching import Watch
from citybase.engines.heartbeat import Heartbeat
from citybase.engines.postgres import Database
from citybase.engines.streams import GATEWAYS, MQTT, Broker, BrokerError, Message
from citybase.kernel.ids import new_id

__all__ = ["Observer"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_FETCH = 10_000
_WAIT_SECONDS = 0.5
_GATHER_SECONDS = 0.02
_FLUSH_ROWS = 200_000
_REFRESH_SECONDS = 5.0
_HELD_ROWS = 2_000_000
_MERGE_SECONDS = 5.0
_CLEAN_SECONDS = 600.0


class Observer:
    """One a city: the only writer of latest values and of the lake's observations."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        commits: Commits,
        latest: LatestWriter,
        index: SeriesIndex,
        watch: Watch,
        derivations: Derivations,
        flush_seconds: float,
        heartbeat: Heartbeat,
    ) -> None:
        self._database = database
        self._commits = commits
        self._latest = latest
        self._index = index
        self._watch = watch
        self._derivations = derivations
        self._flush_seconds = flush_seconds
        self._heartbeat = heartbeat
        self._arrivals = (Arrivals(broker, MQTT), Arrivals(broker, GATEWAYS))
        self._pending = Pending()
        # Held while a batch goes from "taken" to "pending": a position must never be ahead of the rows collected.
        self._taking = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        await patiently("reading the definitions", self._refresh)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(_REFRESH_SECONDS, "reading the definitions", self._refresh))
            for arrivals in self._arrivals:
                group.create_task(self._pump(arrivals))
            group.create_task(self._flush_forever())
            group.create_task(self._every(60, "trimming refusals", self._trim))
            group.create_task(self._every(_MERGE_SECONDS, "merging files", lambda: self._write(self._commits.merge)))
            group.create_task(
                self._every(_CLEAN_SECONDS, "cleaning the lake", lambda: self._write(self._commits.clean))
            )

    async def _pump(self, arrivals: Arrivals) -> None:
        """Take batch after batch; the next is fetched while one is worked on."""
        while True:
            await patiently(f"opening {arrivals.source.stream}", lambda: self._open(arrivals))
            try:
                await self._take_all(arrivals)
            except (BrokerError, OSError) as error:
                _LOG.warning("%s: %s", arrivals.source.stream, error)
                arrivals.close()
                await asyncio.sleep(0.2)

    async def _take_all(self, arrivals: Arrivals) -> None:
        fetching = asyncio.ensure_future(_fetch(arrivals, pause=0.0))
        try:
            while True:
                messages = await fetching
                # A batch costs the same with ten messages and with a thousand: let some gather.
                pause = 0.0 if len(messages) >= _FETCH // 2 else _GATHER_SECONDS
                fetching = asyncio.ensure_future(_fetch(arrivals, pause))
                if messages:
                    await self._take(arrivals, messages)
        finally:
            fetching.cancel()

    async def _open(self, arrivals: Arrivals) -> None:
        committed = await asyncio.to_thread(self._commits.position, arrivals.source)
        await arrivals.open(committed)

    async def _take(self, arrivals: Arrivals, messages: list[Message]) -> None:
        async with self._taking:
            await self._process(_batch(arrivals, messages))
            arrivals.take(messages)
        if self._pending.count >= _FLUSH_ROWS:
            self._due.set()
        if self._pending.count >= _HELD_ROWS:
            # The lake does not take rows at present: hold what we have, leave the rest in the streams.
            self._room.clear()
            await self._room.wait()

    async def _process(self, batch: Batch) -> None:
        """Work a batch through; a message that breaks us is found by halving and kept aside like any other bad one."""
        try:
            await patiently("taking a batch", lambda: self._work(batch))
        except Exception as error:
            _LOG.exception("a batch of %d messages failed", len(batch.payloads))
            if len(batch.payloads) == 1:
                refused = Rejected(batch.origin(0), batch.device(0), None, "internal", repr(error), batch.payloads[0])
                await patiently("keeping aside", lambda: self._keep_aside([refused]))
                return
            for half in batch.halves():
                await self._process(half)

    async def _work(self, batch: Batch) -> None:
        rows, rejected = await take_in(batch, self._index, self._database)
        if rejected:
            await self._keep_aside(rejected)
        if len(rows):
            self._latest.reserve(self._index.size)
            rows = self._derivations.derive(rows, self._index).sorted()
            outcomes = self._watch.evaluate(rows, self._index, self._latest)
            late = rows.time <= self._latest.times(rows.series)
            self._show_latest(rows.take(~late))
            await self._watch.settle(outcomes)
            self._pending.add(rows, late)

    def _show_latest(self, rows: Rows) -> None:
        """`rows` are sorted: the last one of each series is its latest."""
        if not len(rows):
            return
        last = rows.take(np.append(np.diff(rows.series) != 0, True))
        self._latest.write(
            last.series, LatestValues(last.time, last.value, last.received, last.quality.astype(np.int32))
        )

    async def _keep_aside(self, rejected: Sequence[Rejected]) -> None:
        async with self._database.begin() as connection:
            await keep_aside(connection, rejected)

    async def _flush_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._flush_seconds)
            self._due.clear()
            await self.flush()
            self._heartbeat.beat()

    async def flush(self) -> None:
        """Commit what is pending, then let the streams forget it."""
        async with self._taking:
            taken = self._pending.take()
            positions = [(item, item.position) for item in self._arrivals if item.position is not None]
        if taken is not None:
            identifier, known = new_id(), [(item.source, at) for item, at in positions]
            started = time.perf_counter()
            stored = await patiently(
                "committing to the lake",
                lambda: self._write(lambda: self._commits.commit(identifier, taken, known)),
            )
            _LOG.info("%d stored of %d in %.2f s", stored, len(taken.rows), time.perf_counter() - started)
        self._room.set()
        for item, position in positions:
            try:
                await item.release(position)
            except (BrokerError, OSError) as error:
                _LOG.warning("releasing %s: %s", item.source.stream, error)

    async def _write(self, work: Callable[[], T]) -> T:
        """Blocking work on the lake, in a thread: one at a time."""
        async with self._writing:
            return await asyncio.to_thread(work)

    async def _every(self, seconds: float, what: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await patiently(what, work)

    async def _refresh(self) -> None:
        await self._watch.refresh()
        await self._derivations.refresh()

    async def _trim(self) -> None:
        async with self._database.begin() as connection:
            await trim(connection)


async def _fetch(arrivals: Arrivals, pause: float) -> list[Message]:
    await asyncio.sleep(pause)
    return await arrivals.fetch(_FETCH, _WAIT_SECONDS)


def _batch(arrivals: Arrivals, messages: list[Message]) -> Batch:
    return Batch(
        source=arrivals.source,
        subjects=[message.subject for message in messages],
        payloads=[message.payload for message in messages],
        received=time.time_ns() // 1000,
    )

"""Outbox and unit of work: an event leaves if and only if its change was committed, audited with it."""

import msgspec
import pytest
from sqlalchemy import select

from citybase.engines.outbox import outbox
from citybase.engines.postgres import Database
from citybase.engines.relay import relay_once
from citybase.security.principals import SYSTEM
from citybase.security.transactions import audit_pending, begin

pytestmark = pytest.mark.anyio


class Stream:
    def __init__(self, failing: bool = False) -> None:
        self.failing = failing
        self.sent: list[tuple[str, bytes, str]] = []

    async def publish(self, subject: str, payload: bytes, message_id: str | None = None) -> None:
        if self.failing:
            raise ConnectionError("stream is away")
        self.sent.append((subject, payload, message_id or ""))


async def test_a_committed_change_leaves_an_audit_entry_and_one_event(database: Database) -> None:
    async with begin(database, SYSTEM) as tx:
        await tx.audit("thing.change", "thing", "1", {"field": "name"})
        await tx.emit("thing.changed", "1", {"name": "新"})
    stream = Stream()
    assert await relay_once(database, stream) == 1
    assert await relay_once(database, stream) == 0
    [(subject, payload, message_id)] = stream.sent
    event = msgspec.json.decode(payload)
    assert subject == "events.thing.changed"
    assert (event["id"], event["specversion"], event["data"]) == (message_id, "1.0", {"name": "新"})
    async with database.begin() as connection:
        entry = (await connection.execute(select(audit_pending))).one()
    assert (entry.action, entry.target_id, entry.actor["kind"]) == ("thing.change", "1", "system")


async def test_a_rolled_back_change_leaves_neither(database: Database) -> None:
    async def change_and_fail() -> None:
        async with begin(database, SYSTEM) as tx:
            await tx.audit("thing.change", "thing", "1")
            await tx.emit("thing.changed", "1", {})
            raise RuntimeError("something after it fails")

    with pytest.raises(RuntimeError):
        await change_and_fail()
    assert await relay_once(database, Stream()) == 0
    async with database.begin() as connection:
        assert (await connection.execute(select(audit_pending))).all() == []


async def test_while_the_stream_is_away_events_wait(database: Database) -> None:
    async with begin(database, SYSTEM) as tx:
        await tx.emit("thing.changed", "1", {})
    with pytest.raises(ConnectionError):
        await relay_once(database, Stream(failing=True))
    async with database.begin() as connection:
        assert len((await connection.execute(select(outbox))).all()) == 1

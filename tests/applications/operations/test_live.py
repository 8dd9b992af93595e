"""The push channel: pages hear of what they may see, and of nothing else."""

import asyncio
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
import pytest
from sqlalchemy import insert, select

from citybase.applications.operations.live import Feed, Readings, Update, follow_city
from citybase.city.observations.latest import LatestReader, LatestValues, LatestWriter
from citybase.city.observations.models import alarm, alarm_rule, series
from citybase.city.resources.actions import create_resource
from citybase.city.resources.checking import ResourceDraft
from citybase.city.resources.models import resource
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.events import Event
from citybase.kernel.ids import new_id
from citybase.security.organizations import organization
from citybase.security.principals import SYSTEM, Grant, Principal
from citybase.security.transactions import audit_pending, begin
from tests.worlds import Districts, found_districts

pytestmark = pytest.mark.anyio
MICROSECOND = 1_790_000_000_000_000


@pytest.fixture
async def world(database: Database) -> Districts:
    return await found_districts(database)


async def raised_alarm(database: Database, device: str) -> UUID:
    """An alarm on that terminal."""
    rule = {"pack": "test", "kind": "sensor", "name": "超标", "name_en": "Above", "priority": "high", "definition": {}}
    identifier = new_id()
    async with database.begin() as connection:
        it = (await connection.execute(select(resource).where(resource.c.code == device))).one()
        await connection.execute(insert(alarm_rule).values(id="above", **rule))
        await connection.execute(
            insert(alarm).values(
                id=identifier,
                rule="above",
                resource_id=it.id,
                owner_id=it.owner_id,
                priority="high",
                state="active",
                message="超标",
                message_en="Above",
                raised_at=now(),
            )
        )
    return identifier


async def operator_of(database: Database, place: UUID) -> Principal:
    async with database.begin() as connection:
        path = await connection.scalar(select(organization.c.path).where(organization.c.id == place))
    return Principal(id=new_id(), kind="person", name="值班员", grants=(Grant("operator", str(path)),), clearance=2)


async def sensor(database: Database, owner: UUID, code: str, classification: int = 1) -> int:
    """A terminal of that owner with one series; returns the series' number."""
    draft = ResourceDraft(kind="sensor", code=code, name=code, owner_id=owner, classification=classification)
    async with begin(database, SYSTEM) as tx:
        identifier = await create_resource(tx, draft)
        number = await tx.connection.scalar(
            insert(series).values(resource_id=identifier, device=code, property="pm25").returning(series.c.id)
        )
    assert number is not None
    return int(number)


def write(latest: LatestWriter, number: int, value: float, at: int) -> None:
    latest.reserve(number + 1)
    one = np.array([at], np.int64)
    latest.write(np.array([number]), LatestValues(one, np.array([value]), one, np.array([0], np.int32)))


async def test_readings_tell_what_changed_of_visible_terminals_only(
    database: Database, world: Districts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, strange = await sensor(database, world.yanta, "MINE-1"), await sensor(database, world.weiyang, "STRANGE-1")
    latest = LatestWriter(tmp_path)
    write(latest, mine, 1.0, MICROSECOND)
    write(latest, strange, 2.0, MICROSECOND)
    monkeypatch.setattr("citybase.applications.operations.live._READ_EVERY", 0.0)
    readings = Readings(database, await operator_of(database, world.yanta), LatestReader(tmp_path))
    assert await readings.changed() == []
    write(latest, mine, 3.0, MICROSECOND + 5_000)
    write(latest, strange, 4.0, MICROSECOND + 5_000)
    [item] = await readings.changed()
    assert (item["property"], item["value"], item["time"]) == ("pm25", 3.0, (MICROSECOND + 5_000) // 1000)
    assert await readings.changed() == []


async def test_an_event_reaches_who_may_see_its_thing_and_nobody_else(
    database: Database, world: Districts, tmp_path: Path
) -> None:
    feed = Feed()
    following = follow_city(database, await operator_of(database, world.yanta), feed, LatestReader(tmp_path))
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    assert feed.pages == 1
    feed.deliver(Event(type="case.opened", subject=str(new_id()), data={}))
    feed.deliver(Event(type="credential.issued", subject=str(new_id()), data={}))
    feed.deliver(Event(type="indicator.computed", subject="cases-open", data={}))
    assert await first == Update("indicator", {"id": "cases-open", "type": "indicator.computed"})
    await following.aclose()
    assert feed.pages == 0


async def test_an_alarm_on_what_is_classified_above_ones_clearance_is_not_told(
    database: Database, world: Districts, tmp_path: Path
) -> None:
    await sensor(database, world.yanta, "CORE-1", classification=4)
    hidden, feed = await raised_alarm(database, "CORE-1"), Feed()
    following = follow_city(database, await operator_of(database, world.yanta), feed, LatestReader(tmp_path))
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0)
    feed.deliver(Event(type="alarm.raised", subject=str(hidden), data={}))
    feed.deliver(Event(type="indicator.computed", subject="cases-open", data={}))
    assert (await first).event == "indicator"
    await following.aclose()


async def test_following_classified_terminals_is_audited_once(
    database: Database, world: Districts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sensor(database, world.yanta, "IMPORTANT-1", classification=3)
    await sensor(database, world.yanta, "OPEN-1")
    for interval in ("_READ_EVERY", "_SERIES_EVERY"):
        monkeypatch.setattr(f"citybase.applications.operations.live.{interval}", 0.0)
    reader = msgspec.structs.replace(await operator_of(database, world.yanta), clearance=3)
    readings = Readings(database, reader, LatestReader(tmp_path))
    await readings.changed()
    await readings.changed()
    async with database.begin() as connection:
        entries = await connection.execute(
            select(audit_pending.c.detail).where(audit_pending.c.action == "observation.read")
        )
    assert list(entries.scalars()) == [{"codes": ["IMPORTANT-1"]}]


async def test_a_page_that_does_not_follow_loses_the_oldest_events_and_holds_nobody_up() -> None:
    feed = Feed()
    with feed.open() as queue:
        for number in range(1000):
            feed.deliver(Event(type="case.opened", subject=str(number), data={}))
        assert queue.qsize() == queue.maxsize
        assert queue.get_nowait().subject == str(1000 - queue.maxsize)


async def test_without_a_source_the_feed_says_that_nats_is_away() -> None:
    with pytest.raises(Problem) as caught:
        await Feed().check()
    assert caught.value.code == "engine_unavailable"

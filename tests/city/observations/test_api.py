"""Observations and alarms over HTTP: shapes, gaps, scope, and what is refused."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pyarrow.parquet
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import insert, select, text

from citybase.city.observations.actions import clear_alarm, raise_alarm
from citybase.city.observations.definitions import RuleDefinition, apply_definitions
from citybase.city.observations.latest import LatestValues, LatestWriter
from citybase.city.observations.models import alarm, rejection, series
from citybase.city.resources.actions import create_resource
from citybase.city.resources.checking import ResourceDraft
from citybase.engines.lake import Lake, open_lake
from citybase.engines.outbox import outbox
from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.principals import SYSTEM
from citybase.security.transactions import audit_pending, begin
from citybase.server.app import create_app
from tests.lakes import observation_rows
from tests.worlds import Districts, found_districts

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 1, 16, tzinfo=UTC)  # midnight in the city
RULE = RuleDefinition(
    id="pm25-high",
    name="PM2.5 偏高",
    name_en="PM2.5 high",
    kind="sensor",
    condition="pm25 > 150",
    clear="pm25 < 130",
    priority="high",
    message="{name} PM2.5 {pm25}",
    message_en="{name}: PM2.5 {pm25}",
)


class City:
    """Two districts with one terminal each, an application on them, and a lake of their own."""

    def __init__(self, app: Litestar, database: Database, lake: Lake, data: Path) -> None:
        self.app, self.database, self.lake, self.data = app, database, lake, data
        self.places: Districts
        self.ours: UUID
        self.theirs: UUID

    async def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        async with AsyncTestClient(self.app) as client:
            headers = {"authorization": f"Bearer {token or self.places.yanta_token}"}
            return await client.get(f"/api/v1{path}", params=query, headers=headers)

    async def post(self, path: str, token: str | None = None) -> httpx.Response:
        async with AsyncTestClient(self.app) as client:
            headers = {"authorization": f"Bearer {token or self.places.yanta_token}"}
            return await client.post(f"/api/v1{path}", headers=headers)

    async def terminal(self, code: str, owner: UUID) -> UUID:
        async with begin(self.database, SYSTEM) as tx:
            draft = ResourceDraft(kind="sensor", code=code, name=f"站{code}", owner_id=owner, attributes={})
            identifier = await create_resource(tx, draft)
            await tx.connection.execute(insert(series).values(resource_id=identifier, device=code, property="pm25"))
        return identifier

    async def alarm(self, resource: UUID, at: datetime = START, value: float = 200.0) -> UUID:
        async with begin(self.database, SYSTEM) as tx:
            raised = await raise_alarm(tx, RULE, resource, at, {"pm25": value})
        assert raised is not None
        return raised


@pytest.fixture
async def city(database: Database, tmp_path: Path) -> AsyncIterator[City]:
    async with database.begin() as connection:
        await connection.execute(text("DROP SCHEMA IF EXISTS lake CASCADE"))
    settings = Settings(data=tmp_path)
    lake = open_lake(settings, database.url)
    found = City(create_app(settings, Database(database.url)), database, lake, tmp_path)
    found.places = await found_districts(database)
    async with begin(database, SYSTEM) as tx:
        await apply_definitions(tx, "test", [RULE])
    found.ours = await found.terminal("YT-1", found.places.yanta)
    found.theirs = await found.terminal("WY-1", found.places.weiyang)
    yield found
    lake.close()


def hours(*values: float | None) -> list[tuple[int, str, str, datetime, float, int]]:
    """Hourly readings of our terminal; None: nothing was read."""
    return [
        (0, "YT-1", "pm25", START + timedelta(hours=number), value, 0)
        for number, value in enumerate(values)
        if value is not None
    ]


async def test_latest_values_show_what_was_observed_within_scope(city: City) -> None:
    async with city.database.begin() as connection:
        numbers = list(await connection.scalars(select(series.c.id)))
    writer = LatestWriter(city.data / "latest")
    writer.reserve(10)
    moment = int(START.timestamp() * 1_000_000)
    one = np.array([moment])
    for number in numbers:
        writer.write(np.array([number]), LatestValues(one, np.array([35.5]), one, np.array([0], np.int32)))
    answer = await city.get("/observations/latest", kind="sensor")
    assert [(item["resource_id"], item["property"], item["value"]) for item in answer.json()["items"]] == [
        (str(city.ours), "pm25", 35.5)
    ]
    everything = await city.get("/observations/latest", city.places.city_token)
    assert len(everything.json()["items"]) == 2


async def test_a_series_keeps_gaps_as_gaps_and_draws_the_rules_threshold(city: City) -> None:
    city.lake.append(observation_rows(hours(10.0, None, 30.0)), {})
    span = {"property": "pm25", "from": START.isoformat(), "to": (START + timedelta(hours=3)).isoformat()}
    answer = await city.get(f"/resources/{city.ours}/observations", **span, window="PT1H", aggregate="avg")
    assert [value for _, value in answer.json()["points"]] == [10.0, None, 30.0, None]
    assert answer.json()["unit"] == "µg/m³"
    assert [(line["rule"], line["value"]) for line in answer.json()["thresholds"]] == [("pm25-high", 150.0)]
    raw = await city.get(f"/resources/{city.ours}/observations", **span)
    assert [value for _, value in raw.json()["points"]] == [10.0, 30.0]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [("avg", 20.0), ("min", 10.0), ("max", 30.0), ("sum", 60.0), ("count", 3.0), ("last", 20.0)],
)
async def test_a_day_is_the_citys_day(city: City, aggregate: str, expected: float) -> None:
    city.lake.append(observation_rows([*hours(10.0, 30.0, 20.0), (0, "YT-1", "pm25", START, 999.0, 20)]), {})
    answer = await city.get(
        f"/resources/{city.ours}/observations",
        **{"property": "pm25", "from": "2026-11-02T00:00:00", "to": "2026-11-02T23:00:00"},
        window="P1D",
        aggregate=aggregate,
    )
    assert answer.json()["points"] == [["2026-11-01T16:00:00Z", expected]]


async def test_an_export_has_every_row_and_is_audited(city: City) -> None:
    city.lake.append(observation_rows([*hours(10.0, 30.0), (0, "YT-1", "pm25", START, 999.0, 20)]), {})
    span = {"from": START.isoformat(), "to": (START + timedelta(hours=3)).isoformat()}
    path = f"/resources/{city.ours}/observations/export"
    csv = (await city.get(path, **span)).text.splitlines()
    assert csv[0] == '"terminal","property","time","value","quality","received","source"'
    assert len(csv) == 4
    parquet = await city.get(path, **span, format="parquet")
    assert pyarrow.parquet.read_table(io.BytesIO(parquet.content)).num_rows == 3
    async with city.database.begin() as connection:
        done = list(await connection.scalars(select(audit_pending.c.action)))
    assert done.count("observation.export") == 2


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"property": "gold"},
        {"property": "pm25", "window": "PT0S"},
        {"property": "pm25", "window": "-PT1H"},
        {"property": "pm25", "window": "soon"},
        {"property": "pm25", "window": "PT0.001S"},
        {"property": "pm25", "aggregate": "median"},
        {"property": "pm25", "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
        {"property": "pm25", "to": "0001-01-01T00:00:00"},
        {"property": "pm25", "from": "yesterday"},
        {"property": "pm25\0"},
    ],
)
async def test_a_series_that_cannot_be_asked_for_is_refused_clearly(city: City, query: dict[str, str]) -> None:
    answer = await city.get(f"/resources/{city.ours}/observations", **query)
    assert answer.status_code in {400, 404}
    assert answer.json()["remedy"]


async def test_alarms_are_listed_read_and_acknowledged_within_scope(city: City) -> None:
    ours, theirs = await city.alarm(city.ours), await city.alarm(city.theirs)
    listed = (await city.get("/alarms")).json()
    assert [(item["id"], item["state"], item["message"]) for item in listed["items"]] == [
        (str(ours), "active", "站YT-1 PM2.5 200")
    ]
    assert (await city.get(f"/alarms/{theirs}")).status_code == 404
    assert (await city.post(f"/alarms/{theirs}/acknowledge")).status_code == 404
    acknowledged = await city.post(f"/alarms/{ours}/acknowledge")
    assert acknowledged.json()["state"] == "acknowledged"
    again = await city.post(f"/alarms/{ours}/acknowledge")
    assert again.json()["acknowledged_at"] == acknowledged.json()["acknowledged_at"]
    assert [item["id"] for item in (await city.get("/alarms", state="acknowledged")).json()["items"]] == [str(ours)]


async def test_an_alarm_is_raised_once_and_cleared_once_and_each_step_leaves_audit_and_event(city: City) -> None:
    raised = await city.alarm(city.ours)
    async with begin(city.database, SYSTEM) as tx:
        assert await raise_alarm(tx, RULE, city.ours, START, {"pm25": 200.0}) is None
        assert await raise_alarm(tx, RULE, city.ours, START + timedelta(hours=1), {"pm25": 200.0}) is None
        assert await clear_alarm(tx, RULE, city.ours, START + timedelta(hours=2)) == raised
        assert await clear_alarm(tx, RULE, city.ours, START + timedelta(hours=2)) is None
        assert await raise_alarm(tx, RULE, city.ours, START, {"pm25": 200.0}) is None
    async with city.database.begin() as connection:
        events = list(await connection.scalars(select(outbox.c.type).where(outbox.c.subject == str(raised))))
        steps = list(
            await connection.scalars(select(audit_pending.c.action).where(audit_pending.c.target_id == str(raised)))
        )
        states = list(await connection.scalars(select(alarm.c.state)))
    assert events == steps == ["alarm.raised", "alarm.cleared"]
    assert states == ["cleared"]


async def test_what_was_kept_aside_is_shown_to_the_owner_and_the_unknown_to_the_whole_citys_readers(
    city: City,
) -> None:
    async with city.database.begin() as connection:
        for resource, device in ((city.ours, "YT-1"), (city.theirs, "WY-1"), (None, "ghost")):
            await connection.execute(
                insert(rejection).values(
                    id=new_id(), source="mqtt", device=device, resource_id=resource, code="malformed", detail="x",
                    raw=b"\xff{",
                )
            )  # fmt: skip
    ours = await city.get("/rejections")
    assert [item["device"] for item in ours.json()["items"]] == ["YT-1"]
    everything = await city.get("/rejections", city.places.city_token)
    assert {item["device"] for item in everything.json()["items"]} == {"YT-1", "WY-1", "ghost"}

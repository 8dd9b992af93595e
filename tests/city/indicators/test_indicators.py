"""Indicators: what their SQL may say, what they rest on, and that every reader sees their own rows only."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from sqlalchemy import insert, select, update

from citybase.city.cases import NewCase, open_case
from citybase.city.cases.models import case_clock, case_record
from citybase.city.indicators import (
    RELATIONS,
    IndicatorDefinition,
    NoObservations,
    Target,
    apply_definitions,
    check,
    compute_due,
    compute_now,
    list_indicators,
    read_indicator,
    read_rows,
)
from citybase.city.indicators.definitions import state_of
from citybase.city.indicators.relations import arrow_schema
from citybase.city.indicators.sql import inspect, lower_bound, run, try_out
from citybase.city.observations.models import alarm, alarm_rule
from citybase.engines.outbox import outbox
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import begin
from tests.city.a_city import City

XIAN = Path(__file__).parents[3] / "packs/xian/indicators"
SHIPPED = [msgspec.yaml.decode(path.read_bytes(), type=IndicatorDefinition) for path in sorted(XIAN.glob("*.yaml"))]


class FakeObservations:
    """Two terminals' observations; hands over everything, as a careless source would."""

    def __init__(self, station: str) -> None:
        self.station = station
        self.asked: list[tuple[datetime, Collection[str] | None]] = []

    async def observation(self, since: datetime, terminals: Collection[str] | None) -> pa.Table:
        self.asked.append((since, terminals))
        moment = datetime.now(UTC)
        rows = [
            {"terminal": code, "property": "pm25", "time": moment, "value": 1.0, "quality": 0, "received": moment}
            for code in ("XA-AIR-001", "XA-AIR-001", "SOMEBODY-ELSE")
        ]
        return pa.Table.from_pylist([row | {"source": "mqtt"} for row in rows], arrow_schema(RELATIONS["observation"]))

    async def series_latest(self, resources: Collection[str] | None) -> pa.Table:
        moment = datetime.now(UTC)
        row = {"resource_id": self.station, "property": "pm25", "time": moment, "value": 1.0, "received": moment}
        return pa.Table.from_pylist([row], arrow_schema(RELATIONS["series_latest"]))


def a_definition(**parts: Any) -> IndicatorDefinition:
    basis = {"id": "one", "name": "一", "name_en": "One", "sql": "SELECT 1 AS value", "rows_sql": "SELECT 1 AS a"}
    return msgspec.convert(basis | parts, IndicatorDefinition)


async def keep(city: City, *definitions: IndicatorDefinition) -> list[str]:
    async with begin(city.database, SYSTEM) as tx:
        return await apply_definitions(tx, "xian", definitions)


async def open_cases(city: City, who: Principal, count: int) -> None:
    for number in range(count):
        new = NewCase(type="air-pollution", title=f"扬尘{number}", data={"description": "未覆盖"})
        async with begin(city.database, who) as tx:
            await open_case(tx, new)


@pytest.mark.parametrize("definition", SHIPPED, ids=lambda definition: definition.id)
def test_a_shipped_indicator_fits_its_relations(definition: IndicatorDefinition) -> None:
    assert check(definition) == []
    assert definition.description


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM person",
        "COPY case_record TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL spatial",
        "SET threads = 8",
        "DELETE FROM case_record",
        "SELECT 1 AS value; SELECT 2",
        "",
        "SELECT 1 FROM case_record WHERE (",
        "WITH x AS (SELECT * FROM read_csv('/etc/passwd')) SELECT count(*) AS value FROM x",
        "SELECT count(*) AS value FROM observation",
        "SELECT count(*) AS value FROM observation WHERE time >= now() OR value > 0",
        "SELECT count(*) AS value FROM observation WHERE received >= now()",
        "SELECT count(*) AS value FROM observation WHERE time <= now()",
        "SELECT count(*) AS value FROM observation WHERE time >= NULL",
        "SELECT (SELECT count(*) FROM observation) AS value FROM observation WHERE time >= now()",
    ],
)
def test_sql_that_reaches_elsewhere_or_has_no_bound_is_refused(sql: str) -> None:
    with pytest.raises(Problem) as refused:
        try_out(sql)
    assert refused.value.code == "indicator_refused"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/citybase-escape.csv'",
        "ATTACH '/tmp/citybase-escape.db'",
        "SET enable_external_access = true",
        "SELECT * FROM tables",
    ],
)
def test_the_second_wall_holds_where_the_first_was_passed_by(sql: str) -> None:
    tables = {"case_record": arrow_schema(RELATIONS["case_record"]).empty_table()}
    with pytest.raises(Problem, match="failed"):
        run(sql, tables)


def test_a_statement_without_end_is_stopped() -> None:
    endless = "SELECT count(*) FROM range(100000000000) a WHERE a.range % 7 = 3"
    with pytest.raises(Problem, match=r"(?i)interrupt"):
        run(endless, {}, seconds=0.2)


def test_a_wrong_column_and_a_missing_value_are_named() -> None:
    faults = check(a_definition(sql="SELECT count(*) AS n FROM case_record", rows_sql="SELECT colour FROM case_record"))
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/sql", "no_value"),
        ("/rows_sql", "indicator_failed"),
    ]
    assert "colour" in faults[1].message


def test_only_the_columns_that_a_statement_names_are_read() -> None:
    assert inspect("SELECT count(*) AS value FROM case_record WHERE late").columns == frozenset(
        {"value", "case_record", "late"}
    )
    assert "resource_id" in (inspect("SELECT name FROM alarm JOIN resource USING (resource_id)").columns or ())
    for every in ("SELECT c.* FROM case_record c", "SELECT count(*) AS value FROM alarm NATURAL JOIN resource"):
        assert inspect(every).columns is None


def test_the_earliest_bound_of_all_reads_of_observations_holds() -> None:
    day = "TIMESTAMPTZ '2026-11-20 00:00:00+08'"
    sql = f"""
        SELECT (SELECT count(*) FROM observation o WHERE o.time > {day} - INTERVAL 1 DAY AND value > 0) AS a,
               (SELECT count(*) FROM observation WHERE time BETWEEN {day} AND now()) AS value
    """  # noqa: S608
    assert lower_bound(inspect(sql)) == datetime(2026, 11, 18, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"), [(96.0, "ok"), (95.0, "ok"), (91.0, "warn"), (80.0, "alarm"), (None, "none")]
)
def test_a_value_is_measured_against_its_target(value: float | None, expected: str) -> None:
    assert state_of(a_definition(target={"comparator": ">=", "value": 95}, warn=5), value) == expected
    assert state_of(a_definition(), value) == "none"


@pytest.mark.parametrize(("comparator", "met"), [(">=", [2, 3]), (">", [3]), ("<=", [1, 2]), ("<", [1]), ("=", [2])])
def test_each_comparator_means_what_it_says(comparator: Any, met: list[int]) -> None:
    assert [value for value in (1, 2, 3) if Target(comparator, 2).is_met(value)] == met


@pytest.mark.anyio
async def test_a_number_leads_down_to_the_cases_it_counts(city: City) -> None:
    await open_cases(city, city.operator, 3)
    async with city.database.begin() as connection:
        closed, late = (await connection.scalars(select(case_record.c.id).limit(2))).all()
        await connection.execute(
            update(case_record).where(case_record.c.id.in_([closed, late])).values(closed_at=now())
        )
        await connection.execute(update(case_clock).where(case_clock.c.case_id == late).values(exceeded=True))
    assert await keep(city, *SHIPPED) == [definition.id for definition in SHIPPED]
    sources = FakeObservations(str(city.station))
    await compute_due(city.database, sources)
    on_time = await read_indicator(city.database, city.leader, "case-on-time")
    assert (on_time.value, on_time.numerator, on_time.denominator) == (50.0, 1.0, 2.0)
    assert (on_time.state, on_time.trend, on_time.pack) == ("alarm", [50.0], "xian")
    assert [(table.name, table.title, table.rows) for table in on_time.tables] == [("case_record", "事项", 3)]
    assert on_time.history[0].value == 50.0
    rows = await read_rows(city.database, sources, city.leader, "case-on-time", cursor=None, limit=1)
    assert rows.total.count == 2
    assert rows.items[0]["_link"] == {"kind": "case", "id": str(late)}
    assert rows.items[0]["closed_at"].endswith("+08:00")
    more = await read_rows(city.database, sources, city.leader, "case-on-time", cursor=rows.next, limit=1)
    assert (more.items[0]["case_id"], more.next) == (str(closed), None)


@pytest.mark.anyio
async def test_the_rows_behind_are_those_of_the_readers_scope(city: City) -> None:
    await open_cases(city, city.operator, 2)
    await open_cases(city, city.neighbour, 1)
    await keep(city, *SHIPPED)
    sources = FakeObservations(str(city.station))
    await compute_due(city.database, sources)
    assert (await read_indicator(city.database, city.neighbour, "cases-open")).value == 3.0

    async def seen(who: Principal, id_: str) -> int:
        return (await read_rows(city.database, sources, who, id_, cursor=None, limit=50)).total.count

    assert [await seen(who, "cases-open") for who in (city.operator, city.neighbour, city.clerk)] == [3, 1, 0]
    assert [await seen(who, "readings-today") for who in (city.clerk, city.neighbour)] == [1, 0]
    assert sources.asked[-1][1] == set()


@pytest.mark.anyio
async def test_observations_and_latest_values_are_counted(city: City) -> None:
    await keep(city, *SHIPPED)
    sources = FakeObservations(str(city.station))
    await compute_due(city.database, sources)
    assert (await read_indicator(city.database, city.leader, "readings-today")).value == 3.0
    online = await read_indicator(city.database, city.leader, "terminals-online")
    assert (online.value, online.numerator, online.denominator) == (100.0, 1.0, 1.0)
    assert sources.asked[0][0].astimezone(UTC).hour == 16  # midnight in the city
    rows = await read_rows(city.database, sources, city.clerk, "readings-today", cursor=None, limit=50)
    assert (rows.items[0]["readings"], rows.items[0]["_link"]["kind"]) == (2, "resource")


@pytest.mark.anyio
async def test_active_alarms_lead_to_their_alarms_for_those_who_own_the_station(city: City) -> None:
    await keep(city, *SHIPPED)
    alarm_id, moment = new_id(), now()
    async with city.database.begin() as connection:
        await connection.execute(
            insert(alarm_rule).values(
                id="r", pack="air", kind="air-station", name="重度", name_en="Heavy", priority="high", definition={}
            )
        )
        values = {"rule": "r", "resource_id": city.station, "owner_id": city.organizations["610116-eco"]}
        words = {"message": "超标", "message_en": "Above", "priority": "high", "state": "raised", "raised_at": moment}
        await connection.execute(insert(alarm).values(id=alarm_id, **values, **words))
    sources = FakeObservations(str(city.station))
    await compute_due(city.database, sources)
    assert (await read_indicator(city.database, city.leader, "alarms-active")).value == 1.0
    rows = await read_rows(city.database, sources, city.clerk, "alarms-active", cursor=None, limit=50)
    assert rows.items[0]["_link"] == {"kind": "alarm", "id": str(alarm_id)}
    assert (rows.items[0]["resource"], rows.items[0]["priority"]) == ("长安站", "high")
    assert (await read_rows(city.database, sources, city.neighbour, "alarms-active", cursor=None, limit=1)).items == []


@pytest.mark.anyio
async def test_computing_follows_the_period_and_announces_changes_only(city: City) -> None:
    await keep(city, a_definition(sql="SELECT count(*) AS value FROM case_record", period="PT10M"))
    begun = now()

    async def compute_at(minutes: int) -> int:
        return await compute_due(city.database, NoObservations(), begun + timedelta(minutes=minutes))

    assert [await compute_at(0), await compute_at(5), await compute_at(11)] == [1, 0, 1]
    await open_cases(city, city.operator, 1)
    await compute_now(city.database, NoObservations(), SYSTEM, "one")
    async with city.database.begin() as connection:
        events = (await connection.scalars(select(outbox.c.event).where(outbox.c.type == "indicator.computed"))).all()
    assert [event["data"]["value"] for event in events] == [0.0, 1.0]
    assert len((await read_indicator(city.database, city.leader, "one")).history) == 3


@pytest.mark.anyio
async def test_one_that_fails_says_why_and_does_not_hold_up_the_others(city: City) -> None:
    readings = next(definition for definition in SHIPPED if definition.id == "readings-today")
    broken = a_definition(id="a-broken-one", sql="SELECT 1 AS value UNION ALL SELECT 2")
    await keep(city, broken, readings, a_definition(id="z-sound", sql="SELECT 1.0 / 0 AS value"))
    assert await compute_due(city.database, NoObservations()) == 1
    items = {item.id: item for item in (await list_indicators(city.database, city.leader)).items}
    assert "one row" in (items["a-broken-one"].error or "")
    assert items["readings-today"].error is not None
    assert (items["z-sound"].error, items["z-sound"].value, items["z-sound"].state) == (None, None, "none")


@pytest.mark.anyio
async def test_applying_again_changes_nothing_and_a_change_is_computed_at_once(city: City) -> None:
    await keep(city, a_definition())
    await compute_due(city.database, NoObservations())
    assert await keep(city, a_definition()) == []
    assert await keep(city, a_definition(sql="SELECT 2 AS value")) == ["one"]
    assert await compute_due(city.database, NoObservations()) == 1
    assert (await read_indicator(city.database, city.leader, "one")).trend == [1.0, 2.0]


@pytest.mark.anyio
async def test_who_may_not_is_refused(city: City) -> None:
    await keep(city, a_definition())
    with pytest.raises(Problem, match="Not permitted"):
        await compute_now(city.database, NoObservations(), city.clerk, "one")
    with pytest.raises(Problem, match="Not found"):
        await read_indicator(city.database, city.leader, "no-such-one")
    for cursor in ("!", "LTE", "\0"):
        with pytest.raises(Problem, match="cursor"):
            await read_rows(city.database, NoObservations(), city.leader, "one", cursor=cursor, limit=1)

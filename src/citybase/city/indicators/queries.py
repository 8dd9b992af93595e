"""Reading indicators: all with state and trend, one with its way down, the rows behind it in the reader's scope."""

import asyncio
import base64
import binascii
import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import select, true

from citybase.city.indicators.compute import read_definition
from citybase.city.indicators.definitions import IndicatorDefinition, Target, TargetState, state_of
from citybase.city.indicators.fetch import fetch_relations
from citybase.city.indicators.models import indicator, indicator_value
from citybase.city.indicators.relations import RELATIONS, ObservationSources
from citybase.city.indicators.sql import inspect, run
from citybase.engines.paging import Page, Total
from citybase.engines.postgres import Database
from citybase.kernel.clock import to_city
from citybase.kernel.errors import Problem
from citybase.security.policy import require
from citybase.security.principals import Principal

__all__ = ["IndicatorDetail", "IndicatorItem", "IndicatorRows", "list_indicators", "read_indicator", "read_rows"]

_TREND = 24
_HISTORY = 500
_LINKS = {"case_id": "case", "alarm_id": "alarm", "resource_id": "resource", "organization_id": "organization"}
"""An id column tells where a row leads; the first one of these that it has."""


class IndicatorItem(msgspec.Struct, kw_only=True):
    """`state` none: no target, or nothing measured. `error` says why the last attempt failed, the value being older."""

    id: str
    name: str
    name_en: str
    value: float | None
    unit: str
    decimals: int
    target: Target | None
    state: TargetState
    trend: list[float | None]
    computed_at: datetime | None
    period: str
    error: str | None


class RelationRead(msgspec.Struct):
    """A relation that the SQL reads; `rows` is how many were read for the newest value, null when scanned."""

    name: str
    title: str
    title_en: str
    kind: str
    rows: int | None


class Point(msgspec.Struct):
    time: datetime
    value: float | None


class IndicatorDetail(IndicatorItem, kw_only=True):
    description: str
    sql: str
    rows_sql: str
    tables: list[RelationRead]
    numerator: float | None
    denominator: float | None
    as_of: datetime | None
    duration_seconds: float | None
    history: list[Point]
    serves: list[str]
    pack: str


class RowColumn(msgspec.Struct):
    id: str
    name: str


class IndicatorRows(msgspec.Struct):
    """The rows behind, as far as the reader may see them; `_link` {kind, id} leads to a row's page."""

    columns: list[RowColumn]
    items: list[dict[str, Any]]
    next: str | None
    total: Total


async def list_indicators(database: Database, principal: Principal) -> Page[IndicatorItem]:
    """All indicators; there are dozens, so one page holds them."""
    require(principal, "indicator.read")
    newest = (
        select(indicator_value)
        .where(indicator_value.c.indicator == indicator.c.id)
        .order_by(indicator_value.c.time.desc())
        .limit(_TREND)
        .lateral()
    )
    statement = select(indicator.c.id, indicator.c.definition, indicator.c.error, newest.c.value, newest.c.time)
    statement = statement.join_from(indicator, newest, true(), isouter=True)
    async with database.begin() as connection:
        rows = (await connection.execute(statement.order_by(indicator.c.id, newest.c.time.desc()))).all()
    by_id: dict[str, list[Any]] = {}
    for row in rows:
        by_id.setdefault(row.id, []).append(row)
    items = [_item(_definition(found[0]), found, found[0].error) for found in by_id.values()]
    return Page(items=items, next=None, total=Total(len(items), exact=True))


async def read_indicator(database: Database, principal: Principal, id_: str) -> IndicatorDetail:
    """One indicator with its definition and history. Raises `not_found`."""
    require(principal, "indicator.read")
    stored = await read_definition(database, id_)
    newest = select(indicator_value).where(indicator_value.c.indicator == id_)
    async with database.begin() as connection:
        values = (await connection.execute(newest.order_by(indicator_value.c.time.desc()).limit(_HISTORY))).all()
    latest = values[0] if values else None
    item = _item(stored.definition, values[:_TREND], stored.error)
    return IndicatorDetail(
        **msgspec.structs.asdict(item),
        description=stored.definition.description,
        sql=stored.definition.sql,
        rows_sql=stored.definition.rows_sql,
        tables=_tables(stored.definition, latest.rows_read if latest else {}),
        numerator=latest.numerator if latest else None,
        denominator=latest.denominator if latest else None,
        as_of=latest.as_of if latest else None,
        duration_seconds=latest.duration if latest else None,
        history=[Point(row.time, row.value) for row in reversed(values)],
        serves=stored.definition.serves,
        pack=stored.pack,
    )


async def read_rows(
    database: Database, sources: ObservationSources, principal: Principal, id_: str, *, cursor: str | None, limit: int
) -> IndicatorRows:
    """A page of the rows behind, computed now in the reader's own scope."""
    require(principal, "indicator.read")
    if not 1 <= limit <= 200:
        raise Problem("invalid_input", reason="limit: 1..200")
    offset = _offset(cursor)
    sql = (await read_definition(database, id_)).definition.rows_sql.rstrip().rstrip(";")
    tables = await fetch_relations(database, sources, principal, inspect(sql))
    total = await asyncio.to_thread(run, f"SELECT count(*) AS n FROM ({sql})", tables)  # noqa: S608 - inspected above
    page = await asyncio.to_thread(run, f"SELECT * FROM ({sql}) LIMIT {limit} OFFSET {offset}", tables)  # noqa: S608
    count = int(total["n"][0].as_py())
    following = offset + page.num_rows
    return IndicatorRows(
        columns=[RowColumn(name, name) for name in page.column_names],
        items=_rows(page),
        next=_cursor(following) if following < count else None,
        total=Total(count, exact=True),
    )


def _item(definition: IndicatorDefinition, rows: Sequence[Any], error: str | None) -> IndicatorItem:
    """From the newest values, newest first; a row without a time says that there is none yet."""
    measured = [row for row in rows if row.time is not None]
    value = measured[0].value if measured else None
    return IndicatorItem(
        id=definition.id,
        name=definition.name,
        name_en=definition.name_en,
        value=value,
        unit=definition.unit,
        decimals=definition.decimals,
        target=definition.target,
        state=state_of(definition, value),
        trend=[row.value for row in reversed(measured)],
        computed_at=measured[0].time if measured else None,
        period=msgspec.to_builtins(definition.period),
        error=error,
    )


def _definition(row: Any) -> IndicatorDefinition:
    return msgspec.convert(row.definition, IndicatorDefinition)


def _tables(definition: IndicatorDefinition, rows_read: dict[str, int]) -> list[RelationRead]:
    relations = [RELATIONS[name] for name in inspect(definition.sql).relations]
    return [RelationRead(one.name, one.title, one.title_en, one.kind, rows_read.get(one.name)) for one in relations]


def _rows(page: pa.Table) -> list[dict[str, Any]]:
    link = next((name for name in _LINKS if name in page.column_names), None)
    items = [{name: _json(value) for name, value in row.items()} for row in page.to_pylist()]
    for item in items:
        target = item[link] if link else None
        item["_link"] = {"kind": _LINKS[link], "id": target} if link and target else None
    return items


def _json(value: Any) -> Any:
    """A cell as JSON: numbers finite, times with their zone."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return to_city(value).isoformat()
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise Problem("invalid_input", reason="cursor") from error
    if not (text.isdecimal() and len(text) <= 12):
        raise Problem("invalid_input", reason="cursor")
    return int(text)

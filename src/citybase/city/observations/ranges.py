"""One terminal's observations over time, from the lake: raw, aggregated by window, exported.

Windows are laid from midnight in the city (UTC+8, no daylight saving), so that a day is the city's day. What is not
good (quality other than 0) shows as a gap and is in no aggregate; an export has every row.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.observations.definitions import RuleDefinition, compiled
from citybase.city.observations.models import alarm_rule
from citybase.city.observations.sources import CityObservations
from citybase.city.resources.definitions import KindDefinition, ObservedProperty
from citybase.city.resources.models import resource, resource_kind
from citybase.engines.lake import within
from citybase.kernel.errors import Problem
from citybase.security.principals import Principal
from citybase.security.scope import visible

__all__ = ["Aggregate", "Range", "Series", "Threshold", "find_observed", "read_export", "read_series"]

Aggregate = Literal["avg", "min", "max", "sum", "count", "last"]
MAX_POINTS = 20_000
MAX_EXPORTED = 1_000_000

_CITY_OFFSET = 8 * 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RAW = """
SELECT epoch_us(time) AS time, CASE WHEN quality = 0 THEN value END AS value FROM observation
WHERE terminal = $terminal AND property = $property AND epoch_us(time) BETWEEN $start AND $end
ORDER BY 1, 2 LIMIT $limit
"""
_AGGREGATES: dict[Aggregate, str] = {
    "avg": "avg(value)",
    "min": "min(value)",
    "max": "max(value)",
    "sum": "sum(value)",
    "count": "count(*)",
    "last": "arg_max(value, time)",
}
_WINDOWED = """
SELECT (epoch_us(time) + $offset) // $width * $width - $offset AS time, {aggregate}::DOUBLE AS value FROM observation
WHERE terminal = $terminal AND property = $property AND epoch_us(time) BETWEEN $start AND $end AND quality = 0
GROUP BY 1 ORDER BY 1
"""
_EXPORT = """
SELECT terminal, property, time, value, quality, received, source FROM observation
WHERE terminal = $terminal AND ($property IS NULL OR property = $property) AND epoch_us(time) BETWEEN $start AND $end
ORDER BY property, time LIMIT $limit
"""


class Threshold(msgspec.Struct, frozen=True):
    """A line that a rule draws for this property."""

    rule: str
    value: float
    label: str
    label_en: str


class Series(msgspec.Struct, frozen=True):
    """Points in time order; null is a gap."""

    property: str
    unit: str
    points: list[tuple[datetime, float | None]]
    window: str | None
    thresholds: list[Threshold]


class Range(msgspec.Struct, frozen=True):
    """A span of time, both ends included."""

    start: datetime
    end: datetime

    @property
    def microseconds(self) -> tuple[int, int]:
        return (self.start - _EPOCH) // _MICROSECOND, (self.end - _EPOCH) // _MICROSECOND


class Observed(msgspec.Struct, frozen=True):
    """A terminal that the reader may read, and what its kind observes."""

    id: UUID
    code: str
    owner_id: UUID
    classification: int
    kind: KindDefinition

    def property(self, name: str) -> ObservedProperty:
        found = next((item for item in self.kind.properties if item.id == name), None)
        if found is None:
            raise Problem("not_found", what=name)
        return found


async def find_observed(connection: AsyncConnection, principal: Principal, resource_id: UUID) -> Observed:
    """The terminal. Raises `not_found`, also when it is out of scope."""
    statement = (
        select(resource.c.id, resource.c.code, resource.c.owner_id, resource.c.classification)
        .add_columns(resource_kind.c.definition)
        .join(resource_kind, resource_kind.c.id == resource.c.kind)
        .where(resource.c.id == resource_id)
    )
    scoped = visible(
        statement, principal, "observation.read", resource.c.owner_id, classification=resource.c.classification
    )
    row = (await connection.execute(scoped)).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(resource_id))
    kind = msgspec.convert(row.definition, KindDefinition)
    return Observed(row.id, row.code, row.owner_id, row.classification, kind)


async def read_thresholds(connection: AsyncConnection, kind: str, name: str) -> list[Threshold]:
    """Lines that the rules of a kind draw for one property."""
    rows = await connection.execute(select(alarm_rule.c.definition).where(alarm_rule.c.kind == kind))
    rules = [msgspec.convert(row.definition, RuleDefinition) for row in rows]
    return [
        Threshold(rule.id, value, rule.name, rule.name_en)
        for rule in rules
        for named, value in compiled(rule).condition.thresholds
        if named == name
    ]


async def read_series(
    observations: CityObservations,
    observed: Observed,
    name: str,
    span: Range,
    window: timedelta | None,
    aggregate: Aggregate,
) -> list[tuple[datetime, float | None]]:
    """The points of one property. Raises `invalid_input` where there would be too many."""
    start, end = span.microseconds
    values: dict[str, Any] = {"terminal": observed.code, "property": name, "start": start, "end": end}
    condition = within(start, end, [observed.code])
    if window is None:
        table = await observations.query(_RAW, condition, values | {"limit": MAX_POINTS + 1})
        _refuse_too_many(table.num_rows, MAX_POINTS)
        return list(_with_gaps(_points(table), observed.property(name).interval))
    width = window // _MICROSECOND
    if width <= 0:
        raise Problem("invalid_input", reason="window: ISO 8601, > 0")
    first = (start + _CITY_OFFSET) // width * width - _CITY_OFFSET
    _refuse_too_many((end - first) // width + 1, MAX_POINTS)
    sql = _WINDOWED.format(aggregate=_AGGREGATES[aggregate])
    table = await observations.query(sql, condition, values | {"width": width, "offset": _CITY_OFFSET})
    found = dict(_points(table))
    return [(time, found.get(time)) for time in map(_instant, range(first, end + 1, width))]


async def read_export(observations: CityObservations, observed: Observed, name: str | None, span: Range) -> pa.Table:
    """All rows of the span, every quality. Raises `invalid_input` beyond a million rows."""
    start, end = span.microseconds
    values = {"terminal": observed.code, "property": name, "start": start, "end": end, "limit": MAX_EXPORTED + 1}
    table = await observations.query(_EXPORT, within(start, end, [observed.code]), values)
    _refuse_too_many(table.num_rows, MAX_EXPORTED)
    return table


def _refuse_too_many(count: int, limit: int) -> None:
    if count > limit:
        raise Problem(
            "invalid_input", reason=f"> {limit}: 缩短时间范围或加大 window / shorten the span or widen window"
        )


def _points(table: pa.Table) -> Iterator[tuple[datetime, float | None]]:
    return zip(map(_instant, table["time"].to_pylist()), table["value"].to_pylist(), strict=True)


def _with_gaps(
    points: Iterator[tuple[datetime, float | None]], interval: timedelta | None
) -> Iterator[tuple[datetime, float | None]]:
    """Where the property's interval is known, one null stands for what is missing between two points."""
    previous: datetime | None = None
    for time, value in points:
        if interval and previous and time - previous > interval * 1.5:
            yield previous + interval, None
        yield time, value
        previous = time


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)

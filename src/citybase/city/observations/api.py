"""Routes of observations and alarms."""

import io
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from citybase.city.observations.actions import acknowledge_alarm
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.queries import (
    AlarmItem,
    LatestItem,
    RejectionItem,
    list_alarms,
    list_latest,
    list_rejections,
    read_alarm,
)
from citybase.city.observations.ranges import (
    Aggregate,
    Observed,
    Range,
    Series,
    find_observed,
    read_export,
    read_series,
    read_thresholds,
)
from citybase.city.observations.sources import CityObservations
from citybase.city.resources.classified import CLASSIFIED, audit_classified
from citybase.engines.paging import Page
from citybase.kernel.clock import from_city, now
from citybase.kernel.errors import Problem
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import Transaction, begin

__all__ = ["ROUTES"]

TheLatest = NamedDependency[LatestReader]
TheObservations = NamedDependency[CityObservations]
From = Annotated[datetime | None, QueryParameter(name="from")]
InState = Annotated[Literal["active", "acknowledged", "cleared", ""], QueryParameter(name="state")]

_DAY = timedelta(days=1)


@get("/observations/latest", tags=["observations"], summary="Latest values")
async def get_latest(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    latest: TheLatest,
    resource: FromQuery[UUID | None] = None,
    kind: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> Page[LatestItem]:
    async with begin(database, principal) as tx:
        page = await list_latest(
            tx.connection, principal, latest, resource_id=resource, kind=kind, cursor=cursor, limit=limit
        )
        await audit_classified(tx, "observation.read", {item.resource_id for item in page.items})
        return page


@get("/resources/{resource_id:uuid}/observations", tags=["observations"], summary="One property over time")
async def get_series(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    observation_sources: TheObservations,
    resource_id: FromPath[UUID],
    property: FromQuery[str],  # noqa: A002 - the query parameter's name
    since: From = None,
    to: FromQuery[datetime | None] = None,
    window: FromQuery[timedelta | None] = None,
    aggregate: FromQuery[Aggregate] = "avg",
) -> Series:
    span = _range(since, to)
    async with begin(database, principal) as tx:
        observed = await _observed(tx, resource_id)
        unit = observed.property(property).unit
        thresholds = await read_thresholds(tx.connection, observed.kind.id, property)
    points = await read_series(observation_sources, observed, property, span, window, aggregate)
    return Series(property, unit, points, _iso(window), thresholds)


@get("/resources/{resource_id:uuid}/observations/export", tags=["observations"], summary="Export observations")
async def export_observations(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    observation_sources: TheObservations,
    resource_id: FromPath[UUID],
    property: FromQuery[str | None] = None,  # noqa: A002 - the query parameter's name
    since: From = None,
    to: FromQuery[datetime | None] = None,
    format: FromQuery[Literal["csv", "parquet"]] = "csv",  # noqa: A002 - the query parameter's name
) -> Response[bytes]:
    span = _range(since, to)
    async with begin(database, principal) as tx:
        observed = await _observed(tx, resource_id)
        detail = {"property": property, "from": span.start, "to": span.end, "format": format}
        await tx.audit("observation.export", "resource", resource_id, detail, organization_id=observed.owner_id)
    table = await read_export(observation_sources, observed, property, span)
    media_type = "text/csv; charset=utf-8" if format == "csv" else "application/vnd.apache.parquet"
    headers = {"content-disposition": f'attachment; filename="observations.{format}"'}
    return Response(_file(table, format), media_type=media_type, headers=headers)


@get("/rejections", tags=["observations"], summary="What was kept aside")
async def get_rejections(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    resource: FromQuery[UUID | None] = None,
    code: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> Page[RejectionItem]:
    async with database.begin() as connection:
        return await list_rejections(connection, principal, resource_id=resource, code=code, cursor=cursor, limit=limit)


@get("/alarms", tags=["alarms"], summary="Alarms, the newest first")
async def get_alarms(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    in_state: InState = "",
    resource: FromQuery[UUID | None] = None,
    rule: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
) -> Page[AlarmItem]:
    async with begin(database, principal) as tx:
        page = await list_alarms(
            tx.connection,
            principal,
            state=in_state or None,
            resource_id=resource,
            rule=rule,
            cursor=cursor,
            limit=limit,
        )
        await audit_classified(tx, "alarm.read", {item.resource.id for item in page.items})
        return page


@get("/alarms/{alarm_id:uuid}", tags=["alarms"], summary="One alarm")
async def get_alarm(database: TheDatabase, principal: ThePrincipal, alarm_id: FromPath[UUID]) -> AlarmItem:
    async with begin(database, principal) as tx:
        item = await read_alarm(tx.connection, principal, alarm_id)
        await audit_classified(tx, "alarm.read", [item.resource.id])
        return item


@post("/alarms/{alarm_id:uuid}/acknowledge", tags=["alarms"], summary="Acknowledge an alarm", status_code=200)
async def post_acknowledge(database: TheDatabase, principal: ThePrincipal, alarm_id: FromPath[UUID]) -> AlarmItem:
    async with begin(database, principal) as tx:
        await acknowledge_alarm(tx, alarm_id)
        return await read_alarm(tx.connection, principal, alarm_id)


async def _observed(tx: Transaction, resource_id: UUID) -> Observed:
    observed = await find_observed(tx.connection, tx.principal, resource_id)
    if observed.classification >= CLASSIFIED:
        detail = {"code": observed.code, "classification": observed.classification}
        await tx.audit("observation.read", "resource", resource_id, detail, organization_id=observed.owner_id)
    return observed


def _range(since: datetime | None, to: datetime | None) -> Range:
    """The span asked for; the end defaults to now, the beginning to a day before. Without offset: city time."""
    try:
        end = _aware(to) if to else now()
        start = _aware(since) if since else end - _DAY
    except OverflowError as error:
        raise Problem("invalid_input", reason="from, to") from error
    if start > end:
        raise Problem("invalid_input", reason="from > to")
    return Range(start, end)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else from_city(time)


def _file(table: pa.Table, format_: str) -> bytes:
    buffer = io.BytesIO()
    if format_ == "csv":
        pyarrow.csv.write_csv(table, buffer)
    else:
        pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def _iso(window: timedelta | None) -> str | None:
    return None if window is None else f"PT{window.total_seconds():g}S"


ROUTES = [
    get_latest,
    get_series,
    export_observations,
    get_rejections,
    get_alarms,
    get_alarm,
    post_acknowledge,
]

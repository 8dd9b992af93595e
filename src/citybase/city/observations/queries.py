"""Reads of latest values, alarms and what was kept aside, always within the reader's scope and clearance."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Row, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.cases.models import case_record
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.models import alarm, alarm_rule, rejection, series
from citybase.city.resources.models import resource
from citybase.engines.paging import Order, Page, fetch_page
from citybase.kernel.errors import Problem
from citybase.security.organizations import organization
from citybase.security.policy import paths_for
from citybase.security.principals import Principal
from citybase.security.scope import in_scope, visible

__all__ = [
    "AlarmItem",
    "LatestItem",
    "Named",
    "RejectionItem",
    "Terminal",
    "list_alarms",
    "list_latest",
    "list_rejections",
    "read_alarm",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_BYTES = 1000


class LatestItem(msgspec.Struct, frozen=True):
    """The latest value of one property of one terminal; quality 0 is good."""

    resource_id: UUID
    property: str
    time: datetime
    value: float
    quality: int
    received: datetime


class Named(msgspec.Struct, frozen=True):
    id: str
    name: str
    name_en: str


class Terminal(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    name: str


class AlarmItem(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm; `raised_at` and `cleared_at` are times of the readings that caused it."""

    id: UUID
    rule: Named
    resource: Terminal
    area_code: str | None
    priority: str
    state: str
    value: float | None
    message: str
    message_en: str
    raised_at: datetime
    acknowledged_at: datetime | None
    cleared_at: datetime | None
    case_id: UUID | None
    longitude: float | None
    latitude: float | None


class RejectionItem(msgspec.Struct, frozen=True):
    """One message, or part of one, that was kept aside; `raw` is its beginning as text."""

    id: UUID
    time: datetime
    source: str
    device: str
    resource_id: UUID | None
    code: str
    reason: str
    raw: str


async def list_latest(
    connection: AsyncConnection,
    principal: Principal,
    latest: LatestReader,
    *,
    resource_id: UUID | None,
    kind: str | None,
    cursor: str | None,
    limit: int,
) -> Page[LatestItem]:
    """Series in scope with their latest values; series never observed are left out of `items`."""
    statement = select(series.c.id, series.c.resource_id, series.c.property).join(
        resource, resource.c.id == series.c.resource_id
    )
    if resource_id is not None:
        statement = statement.where(series.c.resource_id == resource_id)
    if kind is not None:
        statement = statement.where(resource.c.kind == kind)
    page = await fetch_page(connection, _readable(statement, principal), [Order(series.c.id)], cursor, limit)
    return page.to(_latest_items(page.rows, latest))


def _latest_items(rows: Sequence[Row[Any]], latest: LatestReader) -> list[LatestItem]:
    values = latest.read(np.array([row.id for row in rows], np.int64))
    return [
        LatestItem(
            row.resource_id,
            row.property,
            _instant(values.time[place]),
            float(values.value[place]),
            int(values.quality[place]),
            _instant(values.received[place]),
        )
        for place, row in enumerate(rows)
        if values.time[place] > 0
    ]


async def list_alarms(
    connection: AsyncConnection,
    principal: Principal,
    *,
    state: str | None,
    resource_id: UUID | None,
    rule: str | None,
    cursor: str | None,
    limit: int,
) -> Page[AlarmItem]:
    """Alarms in scope, the newest first."""
    statement = _select_alarms(principal)
    for column, value in ((alarm.c.state, state), (alarm.c.resource_id, resource_id), (alarm.c.rule, rule)):
        if value is not None:
            statement = statement.where(column == value)
    order = [Order(alarm.c.raised_at, descending=True), Order(alarm.c.id, descending=True)]
    page = await fetch_page(connection, statement, order, cursor, limit)
    return page.to([_alarm_item(row) for row in page.rows])


async def read_alarm(connection: AsyncConnection, principal: Principal, alarm_id: UUID) -> AlarmItem:
    """One alarm. Raises `not_found`, also when it is out of scope."""
    found = (await connection.execute(_select_alarms(principal).where(alarm.c.id == alarm_id))).one_or_none()
    if found is None:
        raise Problem("not_found", what=str(alarm_id))
    return _alarm_item(found)


def _select_alarms(principal: Principal) -> Select[Any]:
    statement = (
        select(
            alarm,
            alarm_rule.c.name.label("rule_name"),
            alarm_rule.c.name_en.label("rule_name_en"),
            resource.c.code,
            resource.c.name,
            resource.c.longitude,
            resource.c.latitude,
            case_record.c.id.label("case_id"),
        )
        .join(alarm_rule, alarm_rule.c.id == alarm.c.rule)
        .join(resource, resource.c.id == alarm.c.resource_id)
        .outerjoin(case_record, case_record.c.alarm_id == alarm.c.id)
    )
    return visible(statement, principal, "alarm.read", alarm.c.owner_id, classification=resource.c.classification)


def _alarm_item(row: Row[Any]) -> AlarmItem:
    own = {name: getattr(row, name) for name in AlarmItem.__struct_fields__ if name not in {"rule", "resource"}}
    return AlarmItem(
        rule=Named(row.rule, row.rule_name, row.rule_name_en),
        resource=Terminal(row.resource_id, row.code, row.name),
        **own,
    )


async def list_rejections(
    connection: AsyncConnection,
    principal: Principal,
    *,
    resource_id: UUID | None,
    code: str | None,
    cursor: str | None,
    limit: int,
) -> Page[RejectionItem]:
    """What was kept aside, the newest first. What came from no known terminal is shown to the whole city's readers."""
    statement = (
        select(rejection)
        .outerjoin(resource, resource.c.id == rejection.c.resource_id)
        .where(
            or_(
                in_scope(principal, "observation.read", resource.c.owner_id, classification=resource.c.classification),
                and_(rejection.c.resource_id.is_(None), _reads_whole_city(principal)),
            )
        )
    )
    for column, value in ((rejection.c.resource_id, resource_id), (rejection.c.code, code)):
        if value is not None:
            statement = statement.where(column == value)
    page = await fetch_page(connection, statement, [Order(rejection.c.id, descending=True)], cursor, limit)
    return page.to([_rejection_item(row) for row in page.rows])


def _rejection_item(row: Row[Any]) -> RejectionItem:
    raw = row.raw[:_SHOWN_BYTES].decode(errors="replace")
    return RejectionItem(row.id, row.time, row.source, row.device, row.resource_id, row.code, row.detail, raw)


def _readable(statement: Select[Any], principal: Principal) -> Select[Any]:
    return visible(
        statement, principal, "observation.read", resource.c.owner_id, classification=resource.c.classification
    )


def _reads_whole_city(principal: Principal) -> ColumnElement[bool]:
    paths = paths_for(principal, "observation.read")
    if not paths:
        return false()
    roots = select(organization.c.id).where(organization.c.parent_id.is_(None), organization.c.path.in_(paths))
    return roots.exists() if "/" not in paths else rejection.c.id.is_not(None)


def _instant(microseconds: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))

"""The named relations that an indicator's SQL may use: what they hold, and each one's rows in a reader's scope."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.dataset as ds
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
)

from citybase.city.cases.case_type import PRIORITIES
from citybase.city.cases.models import case_clock, case_record, case_step
from citybase.city.cases.scope import case_in_scope
from citybase.city.observations.models import alarm
from citybase.city.resources.models import resource, resource_kind
from citybase.kernel.errors import Problem
from citybase.security.organizations import organization
from citybase.security.policy import paths_for
from citybase.security.principals import Principal
from citybase.security.scope import in_scope

__all__ = ["RELATIONS", "NoObservations", "ObservationSources", "Relation", "arrow_schema", "whole_city"]

_HIGHEST = 4
_TIME = pa.timestamp("us", tz="UTC")
_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    float: pa.float64(),
    int: pa.int64(),
    bool: pa.bool_(),
    datetime: _TIME,
}


@runtime_checkable
class ObservationSources(Protocol):
    """Where observations come from: the lake and the latest values. They prune by scope; the reader checks again."""

    async def observation(self, since: datetime, terminals: Collection[str] | None) -> pa.Table | ds.Dataset:
        """Rows (terminal, property, time, value, quality, received, source) from `since` on; terminals None: all.

        A dataset is scanned in pieces: a day of a whole city does not fit in memory.
        """
        ...

    async def series_latest(self, resources: Collection[str] | None) -> pa.Table:
        """One row (resource_id, property, time, value, received) a series; resource ids as text; None: all."""
        ...


class NoObservations:
    """Sources of a process that has none: records are read as ever, observations say what is missing."""

    async def observation(self, since: datetime, terminals: Collection[str] | None) -> pa.Table:
        raise Problem("engine_unavailable", engine="lake")

    async def series_latest(self, resources: Collection[str] | None) -> pa.Table:
        raise Problem("engine_unavailable", engine="observer")


@dataclass(frozen=True, slots=True)
class Relation:
    """`columns` are records' columns as SQL expressions, or those of observations as Arrow types."""

    name: str
    title: str
    title_en: str
    kind: Literal["record", "observation"]
    columns: dict[str, Any]
    select_from: Any = None
    scope: Callable[[Principal], ColumnElement[bool]] = lambda _: false()

    def select(self, principal: Principal, wanted: Collection[str]) -> Select[Any]:
        """The wanted columns of the rows that a principal may read."""
        chosen = [expression.label(name) for name, expression in self.columns.items() if name in wanted]
        return select(*(chosen or [literal(1).label("_")])).select_from(self.select_from).where(self.scope(principal))


def arrow_schema(relation: Relation) -> pa.Schema:
    """The columns as DuckDB meets them."""
    if relation.kind == "observation":
        return pa.schema(list(relation.columns.items()))
    return pa.schema([(name, _ARROW[one.type.python_type]) for name, one in relation.columns.items()])


def whole_city(principal: Principal) -> bool:
    """Whether the principal's scope of observations leaves nothing out."""
    return principal.clearance >= _HIGHEST and "/" in paths_for(principal, "observation.read")


def _id(one: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(one, Text)


def _rank(one: ColumnElement[Any]) -> ColumnElement[str]:
    return case(dict(enumerate(PRIORITIES, start=1)), value=one, else_="normal")


_owner = organization.alias("owner")
_exceeded = exists().where(case_clock.c.case_id == case_record.c.id, case_clock.c.exceeded)
_running_late = exists().where(
    case_clock.c.case_id == case_record.c.id, case_clock.c.stopped_at.is_(None), case_clock.c.due_at < func.now()
)
_terminal = func.coalesce(resource_kind.c.definition["properties"].as_string(), "[]").not_in(["[]", "{}", "null"])

_ALL = (
    Relation(
        "resource",
        "资源一本账",
        "Resources",
        "record",
        {
            "resource_id": _id(resource.c.id),
            "kind": resource.c.kind,
            "terminal": _terminal,
            "code": resource.c.code,
            "name": resource.c.name,
            "owner_id": _id(resource.c.owner_id),
            "owner": _owner.c.name,
            "area_code": resource.c.area_code,
            "longitude": resource.c.longitude,
            "latitude": resource.c.latitude,
            "life_cycle": resource.c.life_cycle,
            "created_at": resource.c.created_at,
            "updated_at": resource.c.updated_at,
        },
        resource.join(resource_kind, resource_kind.c.id == resource.c.kind).join(
            _owner, _owner.c.id == resource.c.owner_id
        ),
        lambda who: in_scope(who, "resource.read", resource.c.owner_id, classification=resource.c.classification),
    ),
    Relation(
        "organization",
        "组织机构",
        "Organisations",
        "record",
        {
            "organization_id": _id(organization.c.id),
            "code": organization.c.code,
            "name": organization.c.name,
            "kind": organization.c.kind,
            "path": organization.c.path,
            "area_code": organization.c.area_code,
        },
        organization,
        lambda who: in_scope(who, "organization.read", organization.c.id),
    ),
    Relation(
        "case_record",
        "事项",
        "Cases",
        "record",
        {
            "case_id": _id(case_record.c.id),
            "number": case_record.c.number,
            "type": case_record.c.type,
            "title": case_record.c.title,
            "state": case_record.c.state,
            "priority": _rank(case_record.c.priority),
            "owner_id": _id(case_record.c.owner_id),
            "owner": _owner.c.name,
            "area_code": case_record.c.area_code,
            "resource_id": _id(case_record.c.resource_id),
            "alarm_id": _id(case_record.c.alarm_id),
            "opened_at": case_record.c.opened_at,
            "due_at": case_record.c.due_at,
            "closed_at": case_record.c.closed_at,
            "exceeded": _exceeded,
            "late": and_(case_record.c.closed_at.is_(None), _running_late),
        },
        case_record.join(_owner, _owner.c.id == case_record.c.owner_id),
        case_in_scope,
    ),
    Relation(
        "case_step",
        "事项办理过程",
        "Case steps",
        "record",
        {
            "case_id": _id(case_step.c.case_id),
            "time": case_step.c.time,
            "action": case_step.c.action,
            "from_state": case_step.c.from_state,
            "to_state": case_step.c.to_state,
            "owner_id": _id(case_step.c.owner_id),
        },
        case_step.join(case_record),
        case_in_scope,
    ),
    Relation(
        "case_clock",
        "事项计时",
        "Case clocks",
        "record",
        {
            "case_id": _id(case_clock.c.case_id),
            "clock": case_clock.c.clock,
            "owner_id": _id(case_clock.c.owner_id),
            "started_at": case_clock.c.started_at,
            "due_at": case_clock.c.due_at,
            "stopped_at": case_clock.c.stopped_at,
            "elapsed": case_clock.c.elapsed,
            "exceeded": case_clock.c.exceeded,
        },
        case_clock.join(case_record),
        case_in_scope,
    ),
    Relation(
        "alarm",
        "告警",
        "Alarms",
        "record",
        {
            "alarm_id": _id(alarm.c.id),
            "rule": alarm.c.rule,
            "resource_id": _id(alarm.c.resource_id),
            "area_code": alarm.c.area_code,
            "priority": alarm.c.priority,
            "state": alarm.c.state,
            "value": alarm.c.value,
            "message": alarm.c.message,
            "raised_at": alarm.c.raised_at,
            "cleared_at": alarm.c.cleared_at,
        },
        alarm,
        lambda who: in_scope(who, "alarm.read", alarm.c.owner_id),
    ),
    Relation(
        "observation",
        "观测",
        "Observations",
        "observation",
        {
            "terminal": pa.string(),
            "property": pa.string(),
            "time": _TIME,
            "value": pa.float64(),
            "quality": pa.int32(),
            "received": _TIME,
            "source": pa.string(),
        },
    ),
    Relation(
        "series_latest",
        "最新值",
        "Latest values",
        "observation",
        {"resource_id": pa.string(), "property": pa.string(), "time": _TIME, "value": pa.float64(), "received": _TIME},
    ),
)
RELATIONS: dict[str, Relation] = {relation.name: relation for relation in _ALL}
"""By the name SQL uses."""

"""The one map of the city: district cells or official boundaries, terminals by layer, active alarms, open cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.applications.operations.cells import Seat, district_cells
from citybase.applications.operations.definitions import Layer, View
from citybase.applications.operations.models import boundary, view
from citybase.city.cases.models import case_record
from citybase.city.cases.scope import visible_cases
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.models import alarm, series
from citybase.city.organizations.models import area
from citybase.city.resources.models import resource
from citybase.kernel.clock import now
from citybase.security.principals import Principal
from citybase.security.scope import visible

__all__ = ["CityMap", "LayerCount", "read_map", "read_stations", "read_views", "station_state"]

_MOST_POINTS = 5000
_MOST_MARKS = 500
_OFFLINE = "offline"
_NEVER = np.iinfo(np.int32).max  # a series number beyond every array: reads as never observed


class LayerCount(msgspec.Struct):
    id: str
    name: str
    name_en: str
    kind: str
    count: int


class CityMap(msgspec.Struct):
    """GeoJSON collections. `schematic`: the cells were computed; else `approval` is the 审图号 of the boundaries."""

    cells: dict[str, Any]
    schematic: bool
    approval: str | None
    layers: list[LayerCount]
    stations: dict[str, Any]
    alarms: dict[str, Any]
    cases: dict[str, Any]

    def resources(self) -> set[UUID]:
        """Every ledger entry that stations and alarms show."""
        stations = {feature["properties"]["id"] for feature in self.stations["features"]}
        alarmed = {feature["properties"]["resource_id"] for feature in self.alarms["features"]}
        return {UUID(identifier) for identifier in stations | alarmed}


async def read_map(connection: AsyncConnection, principal: Principal, latest: LatestReader) -> CityMap:
    """Everything the reader may see, in one answer."""
    cells, approval = await _districts(connection)
    layers = [layer for item in await read_views(connection) for layer in item.layers]
    stations = await read_stations(connection, principal, latest, layers)
    alarms, alarm_count = await _alarms(connection, principal)
    cases, case_count = await _cases(connection, principal)
    counts = [
        LayerCount(one.id, one.name, one.name_en, "station", sum(f["properties"]["layer"] == one.id for f in stations))
        for one in layers
    ]
    counts.append(LayerCount("alarms", "活动告警", "Active alarms", "alarm", alarm_count))
    counts.append(LayerCount("cases", "在办事项", "Open cases", "case", case_count))
    return CityMap(
        cells=_collection(cells),
        schematic=approval is None,
        approval=approval,
        layers=counts,
        stations=_collection(stations),
        alarms=_collection(alarms),
        cases=_collection(cases),
    )


async def read_views(connection: AsyncConnection) -> list[View]:
    """All packs' contributions, in the order of their ids."""
    rows = await connection.execute(select(view.c.definition).order_by(view.c.id))
    return [msgspec.convert(row.definition, View) for row in rows]


async def read_stations(
    connection: AsyncConnection, principal: Principal, latest: LatestReader, layers: Sequence[Layer]
) -> list[dict[str, Any]]:
    """A point for every visible terminal of the layers, with its latest value and state."""
    features = []
    for layer in layers:
        rows = (await connection.execute(_stations(principal, layer))).all()
        values = latest.read(np.array([_NEVER if row.series is None else row.series for row in rows], np.int64))
        stale_before = (now().timestamp() - layer.stale_after_seconds) * 1e6
        for row, time, value, received in zip(rows, values.time, values.value, values.received, strict=True):
            fresh = bool(time) and received >= stale_before
            state = station_state(layer, float(value)) if fresh else _OFFLINE
            known = {"value": float(value), "time": int(time) // 1000} if time else {"value": None, "time": None}
            features.append(_point(row, layer=layer.id, kind=layer.kind, property=layer.property, state=state, **known))
    return features


def station_state(layer: Layer, value: float) -> str:
    """The state of the first band that holds the value."""
    return next(band.state for band in layer.bands if band.upto is None or value <= band.upto)


def _stations(principal: Principal, layer: Layer) -> Select[Any]:
    statement = (
        select(
            resource.c.id, resource.c.name, resource.c.code, resource.c.longitude, resource.c.latitude,
            resource.c.area_code, series.c.id.label("series"),
        )
        .outerjoin(series, and_(series.c.resource_id == resource.c.id, series.c.property == layer.property))
        .where(resource.c.kind == layer.kind, resource.c.longitude.is_not(None))
        .order_by(resource.c.code)
        .limit(_MOST_POINTS)
    )  # fmt: skip
    return visible(statement, principal, "resource.read", resource.c.owner_id, classification=resource.c.classification)


async def _districts(connection: AsyncConnection) -> tuple[list[dict[str, Any]], str | None]:
    names = select(boundary, area.c.name, area.c.name_en).outerjoin(area, area.c.code == boundary.c.area_code)
    official = (await connection.execute(names.order_by(boundary.c.area_code))).all()
    if official:
        return [
            {
                "type": "Feature",
                "properties": {"area_code": row.area_code, "name": row.name or row.area_code, "name_en": row.name_en},
                "geometry": row.geometry,
            }
            for row in official
        ], official[0].approval
    rows = await connection.execute(
        select(area).where(area.c.level == "district", area.c.longitude.is_not(None)).order_by(area.c.code)
    )
    return district_cells([Seat(r.code, r.name, r.name_en, r.longitude, r.latitude) for r in rows]), None


async def _alarms(connection: AsyncConnection, principal: Principal) -> tuple[list[dict[str, Any]], int]:
    statement = (
        select(
            alarm.c.id, alarm.c.message.label("name"), alarm.c.priority, alarm.c.state,
            case_record.c.id.label("case_id"), resource.c.id.label("resource_id"),
            resource.c.longitude, resource.c.latitude, resource.c.area_code,
        )
        .join(resource, resource.c.id == alarm.c.resource_id)
        .outerjoin(case_record, case_record.c.alarm_id == alarm.c.id)
        .where(alarm.c.state != "cleared")
    )  # fmt: skip
    scoped = visible(statement, principal, "alarm.read", alarm.c.owner_id, classification=resource.c.classification)
    count = await connection.scalar(select(func.count()).select_from(scoped.subquery()))
    placed = scoped.where(resource.c.longitude.is_not(None)).order_by(alarm.c.raised_at.desc(), alarm.c.id.desc())
    rows = (await connection.execute(placed.limit(_MOST_MARKS))).all()
    return [
        _point(
            row,
            priority=row.priority,
            state=row.state,
            resource_id=str(row.resource_id),
            case_id=str(row.case_id) if row.case_id else None,
        )
        for row in rows
    ], int(count or 0)


async def _cases(connection: AsyncConnection, principal: Principal) -> tuple[list[dict[str, Any]], int]:
    statement = select(
        case_record.c.id, case_record.c.title.label("name"), case_record.c.number, case_record.c.state,
        case_record.c.priority, case_record.c.due_at, case_record.c.longitude, case_record.c.latitude,
        case_record.c.area_code,
    ).where(case_record.c.closed_at.is_(None))  # fmt: skip
    scoped = visible_cases(statement, principal)
    count = await connection.scalar(select(func.count()).select_from(scoped.subquery()))
    placed = scoped.where(case_record.c.longitude.is_not(None)).order_by(case_record.c.due_at, case_record.c.id)
    rows = (await connection.execute(placed.limit(_MOST_MARKS))).all()
    moment = now()
    return [
        _point(
            row,
            number=row.number,
            state=row.state,
            priority=row.priority,
            late=row.due_at is not None and row.due_at < moment,
        )
        for row in rows
    ], int(count or 0)


def _point(row: Row[*tuple[Any, ...]], **properties: Any) -> dict[str, Any]:
    shared = {"id": str(row.id), "name": row.name, "area_code": row.area_code}
    return {
        "type": "Feature",
        "properties": shared | properties,
        "geometry": {"type": "Point", "coordinates": [row.longitude, row.latitude]},
    }


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}

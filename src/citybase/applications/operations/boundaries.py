"""Official boundaries: a GeoJSON file (RFC 7946, WGS 84 / CGCS 2000) with the 审图号 of the map it comes from."""

from typing import Any

import msgspec
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from citybase.applications.operations.models import boundary
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import FieldError, Problem
from citybase.security.principals import Principal
from citybase.security.scope import require_citywide
from citybase.security.transactions import begin

__all__ = ["import_boundaries", "remove_boundaries"]

_CODE_NAMES = ("area_code", "adcode", "code", "QUHUADAIMA")
_CHINA = (73.0, 3.0, 136.0, 54.0)
_LONGEST_APPROVAL = 100


async def import_boundaries(database: Database, principal: Principal, content: bytes, approval: str) -> list[str]:
    """Replace all boundaries by the file's; returns the area codes. Nothing changes when one feature is wrong."""
    if not 1 <= len(approval.strip()) <= _LONGEST_APPROVAL or not approval.isprintable():
        raise Problem("invalid_input", reason="approval: 请填写审图号 / give the map approval number")
    shapes = _read(content)
    async with begin(database, principal) as tx:
        await require_citywide(tx.connection, principal, "map.write")
        await tx.connection.execute(delete(boundary))
        for code, geometry in shapes.items():
            row = {"area_code": code, "geometry": geometry, "approval": approval.strip(), "imported_at": now()}
            await tx.connection.execute(insert(boundary).values(row))
        await tx.audit("map.import", "boundary", approval.strip(), {"areas": sorted(shapes)})
    return sorted(shapes)


async def remove_boundaries(database: Database, principal: Principal) -> None:
    """Go back to the computed cells."""
    async with begin(database, principal) as tx:
        await require_citywide(tx.connection, principal, "map.write")
        await tx.connection.execute(delete(boundary))
        await tx.audit("map.remove", "boundary", "all")


def _read(content: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise Problem("invalid_input", reason="不是 GeoJSON FeatureCollection / not a GeoJSON FeatureCollection")
    if not features:
        raise Problem("invalid_input", reason="没有要素 / no features")
    errors: list[FieldError] = []
    shapes: dict[str, Any] = {}
    for number, feature in enumerate(features):
        _take(feature, f"/features/{number}", shapes, errors)
    if errors:
        raise Problem("invalid_input", errors, reason=f"{len(errors)} / {len(features)}")
    return shapes


def _take(feature: Any, pointer: str, shapes: dict[str, Any], errors: list[FieldError]) -> None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = next((str(properties[name]) for name in _CODE_NAMES if name in properties), "") if properties else ""
    if not (code.isascii() and code.isdigit() and len(code) in {6, 9, 12}):
        errors.append(FieldError(pointer, "code", f"缺少区划代码({'、'.join(_CODE_NAMES)}) / no division code"))
        return
    try:
        geometry = shape(feature["geometry"])
        problem = _wrong_with(geometry)
    except (ShapelyError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        problem = "几何无法读取 / unreadable geometry"
    if problem:
        errors.append(FieldError(pointer, "geometry", f"{code}: {problem}"))
    elif code in shapes:
        errors.append(FieldError(pointer, "duplicate", f"{code}: 重复 / twice"))
    else:
        shapes[code] = feature["geometry"]


def _wrong_with(geometry: shapely.Geometry) -> str:
    if geometry.geom_type not in {"Polygon", "MultiPolygon"} or geometry.is_empty:
        return "不是面 / not a polygon"
    if not geometry.is_valid:
        return f"{shapely.is_valid_reason(geometry)}"
    west, south, east, north = geometry.bounds
    inside = _CHINA[0] <= west and _CHINA[1] <= south and east <= _CHINA[2] and north <= _CHINA[3]
    return "" if inside else "坐标超出范围,应为经纬度 / coordinates out of range, degrees expected"

"""District cells for a city without an official boundary file: Voronoi cells of public point coordinates.

They show which district's seat is nearest, not where a boundary runs; the map says 示意 (schematic) wherever they
are drawn. An operator replaces them by importing the official GeoJSON with its 审图号.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import MultiPoint, Point, Polygon, mapping

__all__ = ["Seat", "district_cells"]

_MARGIN = 0.16


@dataclass(frozen=True, slots=True)
class Seat:
    """A district and a public coordinate of its seat, WGS 84 degrees."""

    code: str
    name: str
    name_en: str
    longitude: float
    latitude: float


def district_cells(seats: Sequence[Seat]) -> list[dict[str, Any]]:
    """One GeoJSON feature a seat; the cells meet without gaps inside a rounded hull of all seats."""
    if len(seats) < 3:
        return []
    # One degree of longitude is shorter than one of latitude: without the stretch, cells would lean east-west.
    stretch = math.cos(math.radians(sum(seat.latitude for seat in seats) / len(seats)))
    points = [Point(seat.longitude * stretch, seat.latitude) for seat in seats]
    hull = MultiPoint(points).convex_hull.buffer(_MARGIN, quad_segs=6)
    cells = shapely.voronoi_polygons(MultiPoint(points), extend_to=hull.envelope)
    features = []
    for seat, point in zip(seats, points, strict=True):
        cell = next(cell for cell in cells.geoms if cell.covers(point)).intersection(hull)
        features.append(_feature(seat, cell, stretch))
    return features


def _feature(seat: Seat, cell: Polygon, stretch: float) -> dict[str, Any]:
    shape = shapely.transform(cell, lambda xy: xy / (stretch, 1.0))
    return {
        "type": "Feature",
        "id": int(seat.code) if seat.code.isdigit() else None,
        "properties": {
            "area_code": seat.code,
            "name": seat.name,
            "name_en": seat.name_en,
            "label": [seat.longitude, seat.latitude],
        },
        "geometry": mapping(shapely.set_precision(shape, 0.0001)),
    }

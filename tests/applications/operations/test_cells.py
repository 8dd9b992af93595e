"""The schematic map: every seat in its own cell, cells without overlap."""

import itertools

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from citybase.applications.operations.cells import Seat, district_cells

places = st.tuples(st.floats(107.5, 110, allow_nan=False), st.floats(33.6, 34.9, allow_nan=False))


@settings(deadline=None, max_examples=50)
@given(st.lists(places.map(lambda p: (round(p[0], 3), round(p[1], 3))), min_size=3, max_size=15, unique=True))
def test_every_seat_lies_in_its_own_cell_and_cells_do_not_overlap(positions: list[tuple[float, float]]) -> None:
    seats = [Seat(str(610100 + n), f"区{n}", "", *place) for n, place in enumerate(positions)]
    features = district_cells(seats)
    assert [feature["properties"]["area_code"] for feature in features] == [seat.code for seat in seats]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    for seat, shape in zip(seats, shapes, strict=True):
        assert shape.distance(shapely.Point(seat.longitude, seat.latitude)) < 0.001
    for one, other in itertools.combinations(shapes, 2):
        assert one.buffer(0).intersection(other.buffer(0)).area < 0.002


def test_two_seats_are_too_few_for_cells() -> None:
    assert district_cells([Seat("1", "甲", "", 108.9, 34.2), Seat("2", "乙", "", 109.0, 34.3)]) == []

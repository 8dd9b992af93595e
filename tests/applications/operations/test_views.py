"""Views of packs: every value has a state."""

import math

import pytest

from citybase.applications.operations.definitions import Band, Layer, View, check
from citybase.applications.operations.map import station_state


def layer(*bands: Band) -> Layer:
    return Layer(id="air", name="空气", name_en="Air", kind="air-station", property="aqi", bands=bands)


def view(*bands: Band) -> View:
    return View(id="v", name="视图", name_en="View", layers=(layer(*bands),))


RISING = (Band("ok", 50), Band("warn", 100), Band("alarm"))


def test_the_first_band_that_holds_a_value_gives_its_state() -> None:
    states = [station_state(layer(*RISING), value) for value in (-1.0, 50.0, 50.1, 100.0, 1e9, math.inf)]
    assert states == ["ok", "ok", "warn", "warn", "alarm", "alarm"]


def test_rising_bands_with_an_open_end_are_in_order() -> None:
    assert check(view(*RISING)) == []


@pytest.mark.parametrize(
    "bands",
    [(), (Band("ok", 50),), (Band("ok"), Band("warn", 50)), (Band("ok", 100), Band("warn", 50), Band("alarm"))],
)
def test_bands_that_leave_a_value_without_state_are_named(bands: tuple[Band, ...]) -> None:
    [error] = check(view(*bands))
    assert error.pointer == "/layers/0/bands"

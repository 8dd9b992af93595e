"""Air quality index (空气质量指数 AQI) after HJ 633-2012, on arrays; NaN means missing and stays missing.

Concentrations are µg/m³, CO mg/m³. The breakpoints and rules are those of HJ 633-2012 table 1 and its notes, checked
against an open implementation and public summaries of the standard; the rules of validity are those of GB 3095-2012
table 4 and HJ 663-2013 (written from general knowledge: their own texts could not be opened here).

HJ 633-2026, in force since 2026-03-01, changes the breakpoints of PM2.5 and PM10. Its table could not be found in a
public source when this was written, so it is not in here: the index of this module is the one of the 2012 edition,
and says so in `EDITION`.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BREAKPOINTS",
    "EDITION",
    "LEVELS",
    "POLLUTANTS",
    "AirQuality",
    "Level",
    "daily_air_quality",
    "daily_maximum_8h",
    "daily_mean",
    "hourly_air_quality",
    "hourly_aqi",
    "iaqi",
    "level",
    "primary_pollutants",
]

Floats: TypeAlias = NDArray[np.float64]

EDITION = "HJ 633-2012"
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")

_INDEX = np.array([0, 50, 100, 150, 200, 300, 400, 500], dtype=np.float64)

# Concentrations at which the individual index is 0, 50, 100, 150, 200, 300, 400, 500 (HJ 633-2012 table 1).
BREAKPOINTS: dict[str, tuple[float, ...]] = {
    "pm25_24h": (0, 35, 75, 115, 150, 250, 350, 500),
    "pm10_24h": (0, 50, 150, 250, 350, 420, 500, 600),
    "so2_24h": (0, 50, 150, 475, 800, 1600, 2100, 2620),
    "so2_1h": (0, 150, 500, 650, 800),
    "no2_24h": (0, 40, 80, 180, 280, 565, 750, 940),
    "no2_1h": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "co_24h": (0, 2, 4, 14, 24, 36, 48, 60),
    "co_1h": (0, 5, 10, 35, 60, 90, 120, 150),
    "o3_1h": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "o3_8h": (0, 100, 160, 215, 265, 800),
}

LEVEL_LIMITS = (50, 100, 150, 200, 300)
HOURS_OF_A_DAY = 24
VALID_HOURS_OF_A_DAY = 20
WINDOW = 8
VALID_HOURS_OF_A_WINDOW = 6
VALID_WINDOWS_OF_A_DAY = 14
O3_8H_LIMIT = 160.0  # GB 3095-2012, second class


class Level(NamedTuple):
    """One of the six levels (空气质量级别): its names and the colour of HJ 633-2012 table 2."""

    number: int
    name: str
    name_en: str
    colour: str


LEVELS = (
    Level(1, "优", "excellent", "#00E400"),
    Level(2, "良", "good", "#FFFF00"),
    Level(3, "轻度污染", "lightly polluted", "#FF7E00"),
    Level(4, "中度污染", "moderately polluted", "#FF0000"),
    Level(5, "重度污染", "heavily polluted", "#99004C"),
    Level(6, "严重污染", "severely polluted", "#7E0023"),
)


class AirQuality(NamedTuple):
    """The index of each moment.

    `aqi` has the shape of the input, `iaqi` and `primary` one row more in front for each of `POLLUTANTS`; `level` is
    1 to 6, 0 where the index is missing. `primary` marks the pollutants with the largest index, above 50 only.
    """

    aqi: Floats
    iaqi: Floats
    level: NDArray[np.int8]
    primary: NDArray[np.bool_]


def iaqi(item: str, concentration: ArrayLike) -> Floats:
    """The individual index (空气质量分指数 IAQI) of concentrations of one item of `BREAKPOINTS`.

    Linear between breakpoints, rounded up to an integer, 500 above the last. One-hour SO2 and eight-hour O3 give no
    index above 800 µg/m³ (notes 2 and 3 of the table). Negative and infinite values count as missing.
    """
    limits = np.array(BREAKPOINTS[item], dtype=np.float64)
    value = np.asarray(concentration, dtype=np.float64)
    ends_early = len(limits) < len(_INDEX)
    usable = np.isfinite(value) & (value >= 0) & ((value <= limits[-1]) | (not ends_early))
    index = np.interp(np.where(usable, value, 0.0), limits, _INDEX[: len(limits)])
    # Rounding first keeps 50.000000001, an artefact of binary fractions, from becoming 51.
    return np.where(usable, np.ceil(np.round(index, 9)), np.nan)


def hourly_air_quality(values: Mapping[str, ArrayLike], so2_24h: ArrayLike = np.nan) -> AirQuality:
    """The index of single hours from the one-hour means of `POLLUTANTS`; a pollutant not given is missing.

    PM2.5 and PM10 have no one-hour breakpoints: their one-hour mean is read on the 24-hour ones, as the national
    real-time report has done since 2013 (practice, not the text of the standard). Where one-hour SO2 exceeds
    800 µg/m³ its index is that of `so2_24h`, missing unless given.
    """
    given = _rows(values)
    so2 = iaqi("so2_1h", given["so2"])
    beyond = given["so2"] > BREAKPOINTS["so2_1h"][-1]
    return _air_quality(
        iaqi("pm25_24h", given["pm25"]),
        iaqi("pm10_24h", given["pm10"]),
        np.where(beyond, iaqi("so2_24h", so2_24h), so2),
        iaqi("no2_1h", given["no2"]),
        iaqi("co_1h", given["co"]),
        iaqi("o3_1h", given["o3"]),
    )


def daily_air_quality(values: Mapping[str, ArrayLike], o3_1h: ArrayLike = np.nan) -> AirQuality:
    """The index of days: 24-hour means, for `o3` the largest eight-hour mean of the day.

    Where eight-hour O3 exceeds 800 µg/m³ its index is that of `o3_1h`, the day's largest hour.
    """
    given = _rows(values)
    o3 = iaqi("o3_8h", given["o3"])
    beyond = given["o3"] > BREAKPOINTS["o3_8h"][-1]
    return _air_quality(
        *(iaqi(f"{name}_24h", given[name]) for name in POLLUTANTS[:-1]),
        np.where(beyond, iaqi("o3_1h", o3_1h), o3),
    )


def hourly_aqi(
    *, pm25: ArrayLike, pm10: ArrayLike, so2: ArrayLike, no2: ArrayLike, co: ArrayLike, o3: ArrayLike
) -> Floats:
    """The index alone of single hours, for the derived property `aqi` of an air station."""
    return hourly_air_quality({"pm25": pm25, "pm10": pm10, "so2": so2, "no2": no2, "co": co, "o3": o3}).aqi


def level(aqi: ArrayLike) -> NDArray[np.int8]:
    """The level 1 to 6 of each index, 0 where it is missing."""
    index = np.asarray(aqi, dtype=np.float64)
    number = np.searchsorted(LEVEL_LIMITS, index, side="left") + 1
    return np.where(np.isnan(index), 0, number).astype(np.int8)


def primary_pollutants(found: AirQuality) -> list[tuple[str, ...]]:
    """The names of the primary pollutants (首要污染物) of each moment, in order; none up to an index of 50."""
    columns = found.primary.reshape(len(POLLUTANTS), -1).T
    return [tuple(name for name, marked in zip(POLLUTANTS, column, strict=True) if marked) for column in columns]


def daily_mean(hours: ArrayLike) -> Floats:
    """The mean of each day from hourly values of shape (…, 24); missing with fewer than 20 valid hours."""
    return _mean(_days(hours), VALID_HOURS_OF_A_DAY)


def daily_maximum_8h(hours: ArrayLike) -> Floats:
    """The largest eight-hour mean of each day from hourly O3 of shape (…, 24), hours in order.

    A window is the mean of eight hours of which six are valid; the seventeen windows lie within the day. With fewer
    than fourteen valid windows the day is missing unless its maximum exceeds the limit of 160 µg/m³ all the same.
    """
    windows = _mean(sliding_window_view(_days(hours), WINDOW, axis=-1), VALID_HOURS_OF_A_WINDOW)
    valid = np.count_nonzero(~np.isnan(windows), axis=-1)
    largest = np.max(np.where(np.isnan(windows), -np.inf, windows), axis=-1)
    counts = (valid >= VALID_WINDOWS_OF_A_DAY) | (largest > O3_8H_LIMIT)
    return np.where(counts, largest, np.nan)


def _rows(values: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    unknown = set(values) - set(POLLUTANTS)
    if unknown:
        raise KeyError(f"no pollutant of the index: {', '.join(sorted(unknown))}")
    given = [np.asarray(values.get(name, np.nan), dtype=np.float64) for name in POLLUTANTS]
    return dict(zip(POLLUTANTS, np.broadcast_arrays(*given), strict=True))


def _air_quality(*rows: Floats) -> AirQuality:
    individual = np.stack(rows)
    present = ~np.isnan(individual)
    largest = np.max(np.where(present, individual, -np.inf), axis=0)
    aqi = np.where(present.any(axis=0), largest, np.nan)
    return AirQuality(aqi, individual, level(aqi), (individual == aqi) & (aqi > LEVEL_LIMITS[0]))


def _days(hours: ArrayLike) -> Floats:
    array = np.asarray(hours, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != HOURS_OF_A_DAY:
        raise ValueError(f"the last axis must be the 24 hours of a day, not {array.shape}")
    return np.where(np.isfinite(array) & (array >= 0), array, np.nan)


def _mean(array: Floats, needed: int) -> Floats:
    """The mean along the last axis of what is there, missing with fewer than `needed` values."""
    present = ~np.isnan(array)
    count = np.count_nonzero(present, axis=-1)
    total = np.sum(array, axis=-1, where=present)
    return np.where(count >= needed, total / np.maximum(count, 1), np.nan)

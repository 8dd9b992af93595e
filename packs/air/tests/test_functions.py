"""IAQI and AQI after HJ 633-2012: every breakpoint, the notes of the table, validity, and four real stations."""

import csv
import gzip
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packs.air.functions import (
    BREAKPOINTS,
    LEVELS,
    POLLUTANTS,
    daily_air_quality,
    daily_maximum_8h,
    daily_mean,
    hourly_air_quality,
    hourly_aqi,
    iaqi,
    level,
    primary_pollutants,
)

REPOSITORY = Path(__file__).parents[3]
PRSA = Path(os.environ.get("CITYBASE_SHARED_DATA", REPOSITORY.parent / "shared" / "data")) / (
    "03_timeseries/beijing_prsa"
)
RECORDING = REPOSITORY / "packs/air/recordings/made-air-week.csv"
COLUMNS = dict(zip(("PM2.5", "PM10", "SO2", "NO2", "CO", "O3"), POLLUTANTS, strict=True))
INDEX = (0, 50, 100, 150, 200, 300, 400, 500)

CONCENTRATIONS = st.one_of(st.floats(0, 4000), st.just(math.nan))
HOURS = st.fixed_dictionaries({name: st.lists(CONCENTRATIONS, min_size=5, max_size=5) for name in POLLUTANTS})


@pytest.mark.parametrize("item", BREAKPOINTS)
def test_every_breakpoint_has_its_index(item: str) -> None:
    limits = BREAKPOINTS[item]
    assert iaqi(item, limits).tolist() == list(INDEX[: len(limits)])


@pytest.mark.parametrize("item", BREAKPOINTS)
def test_just_above_a_breakpoint_the_index_is_rounded_up(item: str) -> None:
    inner = BREAKPOINTS[item][:-1]
    assert iaqi(item, np.array(inner) + 1e-3).tolist() == [value + 1 for value in INDEX[: len(inner)]]


@pytest.mark.parametrize(
    ("item", "concentration", "expected"),
    [
        ("pm25_24h", 36, 52),  # 50 + 50/40 = 51.25
        ("pm25_24h", 100, 132),  # 100 + 50 × 25/40 = 131.25
        ("pm10_24h", 120, 85),
        ("o3_8h", 119, 66),  # 50 + 50 × 19/60 = 65.8
        ("co_24h", 0.7, 18),  # 17.5
        ("no2_1h", 23, 12),  # 11.5
        ("so2_24h", 11, 11),
    ],
)
def test_worked_examples(item: str, concentration: float, expected: int) -> None:
    assert iaqi(item, concentration) == expected


@pytest.mark.parametrize("item", sorted(set(BREAKPOINTS) - {"so2_1h", "o3_8h"}))
def test_above_the_last_breakpoint_the_index_stays_500(item: str) -> None:
    assert iaqi(item, [BREAKPOINTS[item][-1] + 0.1, 1e9]).tolist() == [500, 500]


@pytest.mark.parametrize("item", ["so2_1h", "o3_8h"])
def test_two_items_give_no_index_above_800(item: str) -> None:
    assert not np.isnan(iaqi(item, 800))
    assert np.isnan(iaqi(item, 800.1))


@pytest.mark.parametrize("nothing", [math.nan, math.inf, -math.inf, -1.0])
@pytest.mark.parametrize("item", BREAKPOINTS)
def test_what_is_no_concentration_stays_missing(item: str, nothing: float) -> None:
    assert np.isnan(iaqi(item, nothing))


@given(st.sampled_from(sorted(BREAKPOINTS)), st.floats(0, 800), st.floats(0, 800))
def test_more_pollution_never_gives_a_smaller_index(item: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert iaqi(item, less) <= iaqi(item, more)


@given(HOURS)
def test_arrays_and_single_values_agree(hours: dict[str, list[float]]) -> None:
    whole = hourly_air_quality(hours)
    for place in range(5):
        single = hourly_air_quality({name: values[place] for name, values in hours.items()})
        np.testing.assert_array_equal(single.aqi, whole.aqi[place])
        np.testing.assert_array_equal(single.iaqi, whole.iaqi[:, place])
        assert primary_pollutants(single) == primary_pollutants(whole)[place : place + 1]


@given(HOURS)
def test_the_index_is_the_largest_of_what_is_there(hours: dict[str, list[float]]) -> None:
    found = hourly_air_quality(hours)
    for place, index in enumerate(found.aqi):
        present = [value for value in found.iaqi[:, place] if not math.isnan(value)]
        assert (index == max(present)) if present else math.isnan(index)
        assert (found.level[place] == 0) == (not present)


def test_a_missing_pollutant_is_left_out_and_nothing_at_all_is_missing() -> None:
    found = hourly_air_quality({"pm25": [80.0, math.nan], "co": [math.nan, math.nan]})
    assert found.aqi[0] == 107
    assert math.isnan(found.aqi[1])
    assert found.level.tolist() == [3, 0]
    assert primary_pollutants(found) == [("pm25",), ()]


def test_the_primary_pollutants_are_all_those_with_the_largest_index_above_50() -> None:
    assert primary_pollutants(daily_air_quality({"pm25": 75, "pm10": 150, "no2": 40})) == [("pm25", "pm10")]
    assert primary_pollutants(daily_air_quality({"pm25": 35, "pm10": 50})) == [()]


def test_so2_of_an_hour_beyond_800_counts_by_its_24_hour_mean() -> None:
    assert hourly_air_quality({"so2": 900}, so2_24h=475).aqi == 150
    assert np.isnan(hourly_air_quality({"so2": 900}).aqi)
    assert hourly_air_quality({"so2": 500}, so2_24h=2000).aqi == 100


def test_o3_of_eight_hours_beyond_800_counts_by_its_largest_hour() -> None:
    assert daily_air_quality({"o3": 801}, o3_1h=1000).aqi == 400
    assert np.isnan(daily_air_quality({"o3": 801}).aqi)
    assert daily_air_quality({"o3": 160}, o3_1h=1200).aqi == 100


def test_an_unknown_pollutant_is_refused() -> None:
    with pytest.raises(KeyError, match="benzene"):
        hourly_air_quality({"benzene": 1.0})


@pytest.mark.parametrize(
    ("aqi", "number"), [(0, 1), (50, 1), (51, 2), (100, 2), (101, 3), (150, 3), (151, 4), (200, 4), (201, 5)]
)
def test_levels_change_behind_their_limits(aqi: int, number: int) -> None:
    assert level(aqi) == number


def test_the_highest_levels_and_their_names() -> None:
    assert level([300, 301, 500, math.nan]).tolist() == [5, 6, 6, 0]
    assert [found.number for found in LEVELS] == [1, 2, 3, 4, 5, 6]
    assert [found.name for found in LEVELS] == ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]


def test_the_derived_property_takes_the_six_arrays_by_name() -> None:
    index = hourly_aqi(pm25=[80.0], pm10=[50.0], so2=[math.nan], no2=[100.0], co=[5.0], o3=[160.0])
    assert index.tolist() == [107]


def test_a_daily_mean_needs_twenty_hours() -> None:
    day = np.full(24, 10.0)
    day[:4] = np.nan
    assert daily_mean(day) == 10
    day[4] = np.nan
    assert np.isnan(daily_mean(day))
    assert daily_mean(np.full((3, 24), 7.0)).tolist() == [7, 7, 7]


def test_hours_that_are_no_day_are_refused() -> None:
    with pytest.raises(ValueError, match="24 hours"):
        daily_mean([1.0, 2.0])


def test_the_largest_eight_hours_of_a_day() -> None:
    day = np.full(24, 40.0)
    day[10:18] = 120.0
    assert daily_maximum_8h(day) == 120
    day[12:14] = np.nan  # six valid hours are enough for a window
    assert daily_maximum_8h(day) == 120


def test_a_day_with_too_few_windows_counts_only_beyond_the_limit() -> None:
    day = np.full(24, np.nan)
    day[8:20] = 150.0
    assert np.isnan(daily_maximum_8h(day))
    day[8:20] = 170.0
    assert daily_maximum_8h(day) == 170
    assert np.isnan(daily_maximum_8h(np.full(24, np.nan)))


def concentrations(rows: list[dict[str, str]]) -> dict[str, list[float]]:
    """The six pollutants of a file in the PRSA layout; its CO is in µg/m³."""
    found = {
        name: [math.nan if row[column] == "NA" else float(row[column]) for row in rows]
        for column, name in COLUMNS.items()
    }
    return found | {"co": [value / 1000 for value in found["co"]]}


@pytest.mark.skipif(not PRSA.is_dir(), reason=f"real data is absent: no folder {PRSA} (set CITYBASE_SHARED_DATA)")
@pytest.mark.parametrize("station", ["Aotizhongxin", "Gucheng", "Shunyi", "Wanliu"])
def test_three_real_years_of_a_station(station: str) -> None:
    (path,) = PRSA.glob(f"PRSA_{station}_*.csv.gz")
    with gzip.open(path, "rt") as file:
        hours = concentrations(list(csv.DictReader(file)))
    found = hourly_air_quality(hours)
    nothing = np.isnan(np.array([hours[name] for name in POLLUTANTS])).all(axis=0)
    np.testing.assert_array_equal(np.isnan(found.aqi), nothing)
    np.testing.assert_array_equal(np.isnan(found.iaqi), np.isnan([hours[name] for name in POLLUTANTS]))
    assert set(np.unique(found.level)) <= set(range(7))
    days = {name: daily_mean(np.reshape(values, (-1, 24))) for name, values in hours.items()}
    daily = daily_air_quality(days | {"o3": daily_maximum_8h(np.reshape(hours["o3"], (-1, 24)))})
    shares = np.bincount(found.level, minlength=7) / found.level.size
    print(station, "hours", " ".join(f"{share:.1%}" for share in shares), "days", np.bincount(daily.level))  # noqa: T201
    assert shares[1:].argmax() in {0, 1}
    assert (daily.level == 6).any()


def test_the_made_recording_has_gaps_and_one_heavy_episode() -> None:
    with RECORDING.open() as file:
        rows = list(csv.DictReader(file))
    stations = {row["station"] for row in rows}
    assert len(stations) == 4
    assert len(rows) == 4 * 7 * 24
    for station in stations:
        hours = concentrations([row for row in rows if row["station"] == station])
        assert np.isnan(hours["pm25"]).any()
        heavy = np.nan_to_num(hours["pm25"]) > 150
        assert 6 <= heavy.sum() < 60
        assert hourly_air_quality(hours).aqi.size == 7 * 24

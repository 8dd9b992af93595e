"""Who sends what, when and over which way."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citybase.collection.replay.recording import PROPERTIES, Recording
from citybase.collection.replay.schedule import Message, Plan, Way, assign, make_plan, seconds_until
from citybase.kernel.errors import Problem

START = datetime(2024, 1, 8, tzinfo=UTC)
REGISTERED = ["XA-1", "XA-2", "XA-3"]


def recording(stations: int, hours: int) -> Recording:
    """Every station every hour; the value of each property is the hour, and SO2 is missing."""
    times = np.repeat(int(START.timestamp()) + 3600 * np.arange(hours), stations)
    values = np.repeat(np.arange(hours, dtype=float), stations)[:, None].repeat(len(PROPERTIES), axis=1)
    values[:, PROPERTIES.index("so2")] = np.nan
    names = tuple(f"S{number}" for number in range(stations))
    return Recording(names, times, np.tile(np.arange(stations), hours), values, ())


def plan(stations: int, hours: int, begin: datetime | None = None, end: datetime | None = None) -> Plan:
    rows = recording(stations, hours)
    return make_plan(rows, assign(rows.stations, [f"D{number}" for number in range(stations)], {}), begin, end)


def messages(made: Plan) -> list[Message]:
    return [message for _, hour in made.hours() for message in hour]


def test_each_hour_comes_once_with_every_station_in_order() -> None:
    hours = list(plan(3, 4).hours())
    assert [hour for hour, _ in hours] == [int(START.timestamp()) + 3600 * hour for hour in range(4)]
    assert [message.device for message in hours[2][1]] == ["D0", "D1", "D2"]


def test_a_message_holds_values_and_names_what_is_missing() -> None:
    message = messages(plan(1, 2))[1]
    assert message.hour == START + timedelta(hours=1)
    assert message.missing == ("so2",)
    assert message.values == {name: 1.0 for name in PROPERTIES if name != "so2"}


def test_half_of_the_stations_use_each_way() -> None:
    made = plan(4, 3)
    assert list(made.ways().values()) == [{Way.MQTT}, {Way.HJ212}, {Way.MQTT}, {Way.HJ212}]
    assert {(message.device, message.way) for message in messages(made)} == {
        *(("D0", Way.MQTT), ("D1", Way.HJ212), ("D2", Way.MQTT), ("D3", Way.HJ212)),
    }


def test_a_single_station_alternates_from_hour_to_hour() -> None:
    made = plan(1, 4)
    assert made.ways() == {"D0": {Way.MQTT, Way.HJ212}}
    ways = [message.way for message in messages(made)]
    assert ways == [ways[0], ways[1]] * 2
    assert set(ways) == set(Way)


def test_bounds_include_the_beginning_and_not_the_end() -> None:
    made = plan(2, 10, START + timedelta(hours=2), START + timedelta(hours=4))
    assert [message.hour.hour for message in messages(made)] == [2, 2, 3, 3]


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(Problem, match="no readings in this range"):
        plan(2, 10, START + timedelta(days=9))


def test_the_last_hour_can_be_made_the_present_one() -> None:
    rows = recording(1, 5)
    present = datetime(2026, 11, 20, 10, 42, 7, tzinfo=UTC)
    made = make_plan(rows, {"S0": "D0"}, end=START + timedelta(hours=3), present=present)
    sent = [message.hour for message in messages(made)]
    assert sent == [datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (8, 9, 10)]


def test_stations_take_registered_devices_in_order_of_code() -> None:
    assert assign(["B", "A"], ["XA-2", "XA-1"], {}) == {"B": "XA-1", "A": "XA-2"}


def test_a_named_device_is_used_and_not_given_away_twice() -> None:
    assert assign(["A", "B"], REGISTERED, {"B": "XA-1"}) == {"A": "XA-2", "B": "XA-1"}


@pytest.mark.parametrize(
    ("stations", "named", "words"),
    [
        (["A"], {"Z": "XA-1"}, "Z"),
        (["A"], {"A": "XA-9"}, "XA-9"),
        (["A", "B"], {"A": "XA-1", "B": "XA-1"}, "XA-1"),
        (["A", "B", "C", "D"], {}, "4 stations recorded, 3 registered"),
    ],
)
def test_an_impossible_assignment_is_refused(stations: list[str], named: dict[str, str], words: str) -> None:
    with pytest.raises(Problem, match=words):
        assign(stations, REGISTERED, named)


def test_speed_is_how_many_times_as_fast_as_real_time() -> None:
    assert seconds_until(7200, 0, 3600) == 2.0
    assert seconds_until(7200, 0, 1) == 7200.0
    assert seconds_until(7200, 0, 0) == 0.0

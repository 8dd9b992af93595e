"""The working calendar: known days of 2026, and what must hold for every span."""

from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.kernel.calendar import WorkingCalendar
from citybase.kernel.clock import from_city

CALENDAR = WorkingCalendar()
INSTANTS = st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.timedeltas(timedelta(), timedelta(days=4000))


def at(text: str) -> datetime:
    return from_city(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-10-01", False),  # National Day
        ("2026-10-07", False),
        ("2026-10-10", True),  # a Saturday worked for it
        ("2026-02-14", True),  # a Saturday worked for the Spring Festival
        ("2026-02-28", True),
        ("2026-02-17", False),  # first day of the lunar year
        ("2026-11-20", True),  # an ordinary Friday
        ("2026-11-21", False),  # an ordinary Saturday
    ],
)
def test_the_announced_days_of_2026_are_known(day: str, working: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is working


@given(st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_every_announced_day_is_as_its_source_says(day: date) -> None:
    assert CALENDAR.is_working_day(day) is chinese_calendar.is_workday(day)


def test_a_span_skips_the_national_holiday_and_counts_the_saturday_worked_for_it() -> None:
    assert CALENDAR.add_working(at("2026-09-30T16:00"), timedelta(hours=2)) == at("2026-10-08T10:00")
    assert CALENDAR.add_working(at("2026-10-09T16:00"), timedelta(hours=2)) == at("2026-10-10T10:00")


def test_noon_is_not_worked() -> None:
    assert CALENDAR.add_working(at("2026-11-20T11:30"), timedelta(hours=1)) == at("2026-11-20T13:30")
    assert CALENDAR.working_between(at("2026-11-20T12:00"), at("2026-11-20T13:00")) == timedelta()


def test_a_span_that_uses_up_a_day_ends_at_its_closing() -> None:
    assert CALENDAR.add_working(at("2026-11-20T09:00"), timedelta(hours=7)) == at("2026-11-20T17:00")


def test_a_span_that_starts_at_the_weekend_runs_from_monday() -> None:
    assert CALENDAR.add_working(at("2026-11-21T15:00"), timedelta(minutes=30)) == at("2026-11-23T09:30")


def test_working_days_leave_out_the_first_day_and_end_with_office_hours() -> None:
    assert CALENDAR.add_working_days(at("2026-11-20T08:00"), 3) == at("2026-11-25T17:00")
    assert CALENDAR.add_working_days(at("2026-09-30T23:00"), 1) == at("2026-10-08T17:00")


def test_an_override_outranks_the_announced_calendar() -> None:
    closed = WorkingCalendar({date(2026, 11, 20): False, date(2026, 11, 21): True})
    assert closed.add_working(at("2026-11-20T09:00"), timedelta(hours=1)) == at("2026-11-21T10:00")


def test_a_year_not_announced_yet_counts_weekends_and_says_so() -> None:
    assert CALENDAR.known_through.year >= 2026
    beyond = date(CALENDAR.known_through.year + 1, 10, 1)
    assert CALENDAR.is_working_day(beyond) is (beyond.weekday() < 5)
    assert CALENDAR.is_known(at("2026-06-01T12:00"))
    assert not CALENDAR.is_known(datetime(beyond.year, 10, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "hours",
    [
        [],
        [(time(9), time(9))],
        [(time(13), time(17)), (time(9), time(12))],
        [(time(9), time(12)), (time(11), time(14))],
    ],
)
def test_impossible_hours_are_refused(hours: list[tuple[time, time]]) -> None:
    with pytest.raises(ValueError, match="shifts"):
        WorkingCalendar(hours=hours)


def test_what_lies_outside_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.add_working(at("2026-11-20T09:00"), timedelta(seconds=-1))
    with pytest.raises(ValueError, match="at least 1"):
        CALENDAR.add_working_days(at("2026-11-20T09:00"), 0)
    with pytest.raises(OverflowError):
        CALENDAR.add_working(at("2026-11-20T09:00"), timedelta(days=999_999_999))


@given(INSTANTS, SPANS)
def test_what_was_added_is_what_is_measured(start: datetime, span: timedelta) -> None:
    assert CALENDAR.working_between(start, CALENDAR.add_working(start, span)) == span


@given(INSTANTS, SPANS, SPANS)
def test_a_longer_span_never_ends_earlier(start: datetime, one: timedelta, other: timedelta) -> None:
    shorter, longer = sorted((one, other))
    assert start <= CALENDAR.add_working(start, shorter) <= CALENDAR.add_working(start, longer)


@given(INSTANTS, INSTANTS, SPANS)
def test_a_later_start_never_ends_earlier(one: datetime, other: datetime, span: timedelta) -> None:
    earlier, later = sorted((one, other))
    assert CALENDAR.add_working(earlier, span) <= CALENDAR.add_working(later, span)


@given(INSTANTS, INSTANTS, INSTANTS)
def test_measured_spans_add_up_and_turn_around(a: datetime, b: datetime, c: datetime) -> None:
    between = CALENDAR.working_between
    assert between(a, b) + between(b, c) == between(a, c)
    assert between(a, b) == -between(b, a)


@given(INSTANTS, st.integers(1, 500))
def test_working_days_are_that_many_working_days(start: datetime, days: int) -> None:
    due = CALENDAR.add_working_days(start, days)
    assert CALENDAR.working_between(due, CALENDAR.add_working_days(start, days + 1)) == timedelta(hours=7)

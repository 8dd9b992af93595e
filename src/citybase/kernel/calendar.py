"""The working calendar: statutory holidays and 调休 working weekends, with a city's own days on top.

The days the State Council announced come from `chinesecalendar`; a year it does not know yet counts weekends only, and
`known_through` says from when on a result is such an estimate. Every instant is mapped to its *position* — the working
time elapsed since a fixed day — so that adding and measuring cost one step a year, however long the span.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate, pairwise

import chinese_calendar

from citybase.kernel.clock import from_city, to_city

__all__ = ["OFFICE_HOURS", "WorkingCalendar"]

OFFICE_HOURS: tuple[tuple[time, time], ...] = ((time(9), time(12)), (time(13), time(17)))
"""Working hours of a day in city time, unless a city sets others."""

_ANCHOR_YEAR = 2000
_NOTHING = timedelta()
_STATUTORY = chinese_calendar.constants
_LAST_KNOWN_YEAR = max(day.year for day in _STATUTORY.holidays)


class WorkingCalendar:
    """Working days and hours of a city. Immutable; a year's days are counted once.

    `overrides` maps a date to whether it is worked and outranks the statutory calendar; `hours` are the shifts of a
    working day, in order and without overlap (ValueError otherwise).
    """

    def __init__(
        self, overrides: Mapping[date, bool] | None = None, hours: Sequence[tuple[time, time]] = OFFICE_HOURS
    ) -> None:
        self._overrides = dict(overrides or {})
        self._shifts = [(_since_midnight(begin), _since_midnight(end)) for begin, end in hours]
        if not self._shifts or any(begin >= end for begin, end in self._shifts):
            raise ValueError("a working day needs shifts that end after they begin")
        if any(earlier[1] > later[0] for earlier, later in pairwise(self._shifts)):
            raise ValueError("shifts must be in order and must not overlap")
        self._day_length = sum((end - begin for begin, end in self._shifts), _NOTHING)
        self._own_years = {day.year for day in self._overrides}
        self._years: dict[int, list[int]] = {}

    @property
    def known_through(self) -> date:
        """Last day of the announced statutory calendar; later days count weekends and overrides only."""
        return date(_LAST_KNOWN_YEAR, 12, 31)

    def is_known(self, instant: datetime) -> bool:
        """Whether a result at this instant rests on the announced calendar."""
        return to_city(instant).date() <= self.known_through

    def is_working_day(self, day: date) -> bool:
        return self._overrides.get(day, _is_statutory_working_day(day))

    def add_working(self, start: datetime, duration: timedelta) -> datetime:
        """The earliest instant by which `duration` of working time has passed since `start`.

        A span that uses up a day ends at that day's closing, not at the next opening. Raises ValueError for a negative
        duration, OverflowError past the year 9999.
        """
        if duration < _NOTHING:
            raise ValueError("duration must not be negative")
        if duration == _NOTHING:
            return start.astimezone(UTC)
        return self._instant_at(self._position(start) + duration)

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """Closing time of the `days`-th working day after the day of `start`, which itself is not counted.

        Civil Code of the PRC, articles 201 and 203: the first day is not counted, the last ends with office hours.
        """
        if days < 1:
            raise ValueError("days must be at least 1")
        ordinal = self._days_before(to_city(start).date() + timedelta(days=1)) + days
        return from_city(_midnight(self._nth_day(ordinal)) + self._shifts[-1][1])

    def working_between(self, begin: datetime, end: datetime) -> timedelta:
        """Working time from `begin` to `end`; negative when `end` comes first."""
        return self._position(end) - self._position(begin)

    def _position(self, instant: datetime) -> timedelta:
        wall = to_city(instant).replace(tzinfo=None)
        day = wall.date()
        whole_days = self._days_before(day) * self._day_length
        return whole_days + (self._elapsed(wall - _midnight(day)) if self.is_working_day(day) else _NOTHING)

    def _elapsed(self, moment: timedelta) -> timedelta:
        """Working time of one working day up to a time of day."""
        return sum((min(max(moment - begin, _NOTHING), end - begin) for begin, end in self._shifts), _NOTHING)

    def _instant_at(self, position: timedelta) -> datetime:
        ordinal = -((-position) // self._day_length)
        rest = position - (ordinal - 1) * self._day_length
        moment = _midnight(self._nth_day(ordinal))
        for begin, end in self._shifts:
            if rest <= end - begin:
                return from_city(moment + begin + rest)
            rest -= end - begin
        raise AssertionError("a position lies within its day")

    def _days_before(self, day: date) -> int:
        """Working days from the anchor up to, not including, `day`; negative before the anchor."""
        within = self._year(day.year)[day.timetuple().tm_yday - 1]
        if day.year >= _ANCHOR_YEAR:
            return within + sum(self._year(year)[-1] for year in range(_ANCHOR_YEAR, day.year))
        return within - sum(self._year(year)[-1] for year in range(day.year, _ANCHOR_YEAR))

    def _nth_day(self, ordinal: int) -> date:
        """The working day with `ordinal` - 1 working days between it and the anchor."""
        year = _ANCHOR_YEAR
        while ordinal <= 0:
            year -= 1
            ordinal += self._year(year)[-1]
        while ordinal > self._year(year)[-1]:
            ordinal -= self._year(year)[-1]
            year += 1
        return date(year, 1, 1) + timedelta(days=bisect_left(self._year(year), ordinal) - 1)

    def _year(self, year: int) -> list[int]:
        """Running count of a year's working days: entry n counts its first n days."""
        if year not in self._own_years:
            return _statutory_year(year)
        if year not in self._years:
            self._years[year] = list(accumulate(map(self.is_working_day, _days_of(year)), initial=0))
        return self._years[year]


def _is_statutory_working_day(day: date) -> bool:
    # As `chinese_calendar.is_workday`, which looks for its first and last year anew on each call (16 µs).
    return day in _STATUTORY.workdays or (day.weekday() < 5 and day not in _STATUTORY.holidays)


@cache
def _statutory_year(year: int) -> list[int]:
    return list(accumulate(map(_is_statutory_working_day, _days_of(year)), initial=0))


def _days_of(year: int) -> list[date]:
    if not 1 <= year < 9999:
        raise OverflowError("the working calendar covers the years 1 to 9998")
    first = date(year, 1, 1)
    return [first + timedelta(days=offset) for offset in range((date(year + 1, 1, 1) - first).days)]


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())

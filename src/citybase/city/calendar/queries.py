"""The working calendar as it stands now."""

from datetime import date, timedelta

import msgspec
from sqlalchemy import extract, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.calendar.models import calendar_day
from citybase.kernel.calendar import WorkingCalendar

__all__ = ["Day", "Year", "load_calendar", "read_year"]


class Day(msgspec.Struct):
    """`statutory` is what the announced calendar says; `working` what holds here; `own` whether the city set it."""

    date: date
    working: bool
    statutory: bool
    own: bool
    note: str


class Year(msgspec.Struct):
    """After `known_through` nothing is announced yet: weekends only."""

    year: int
    known_through: date
    items: list[Day]


async def load_calendar(connection: AsyncConnection) -> WorkingCalendar:
    """The statutory calendar with the city's own days on top."""
    rows = await connection.execute(select(calendar_day.c.date, calendar_day.c.working))
    return WorkingCalendar({row.date: row.working for row in rows})


async def read_year(connection: AsyncConnection, year: int) -> Year:
    """All days of a year."""
    statutory = WorkingCalendar()
    rows = await connection.execute(select(calendar_day).where(extract("year", calendar_day.c.date) == year))
    own = {row.date: row for row in rows}
    first = date(year, 1, 1)
    days = (first + timedelta(days=offset) for offset in range((date(year + 1, 1, 1) - first).days))
    items = []
    for day in days:
        announced = statutory.is_working_day(day)
        mine = own.get(day)
        if mine is None:
            items.append(Day(day, announced, announced, own=False, note=""))
        else:
            items.append(Day(day, mine.working, announced, own=True, note=mine.note))
    return Year(year, statutory.known_through, items)

"""Clocks of a case: when time is up, how much is left, what a transition starts and stops."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from citybase.city.cases.case_type import CaseTypeDefinition, ClockDefinition, Limit, Priority
from citybase.kernel.calendar import WorkingCalendar

__all__ = ["due_time", "started_by", "stopped_by", "time_between"]


def due_time(calendar: WorkingCalendar, limit: Limit, start: datetime) -> datetime:
    """The instant by which it must be done."""
    if limit.working is not None:
        return calendar.add_working(start, limit.working)
    if limit.calendar is not None:
        return start + limit.calendar
    return calendar.add_working_days(start, limit.working_days or 1)


def time_between(calendar: WorkingCalendar, kind: str, begin: datetime, end: datetime) -> timedelta:
    """Time from `begin` to `end` as a clock of this kind counts it; negative when `end` comes first."""
    return end - begin if kind == "calendar" else calendar.working_between(begin, end)


def started_by(
    definition: CaseTypeDefinition, before: str | None, after: str, priority: Priority, *, passed_on: bool
) -> list[tuple[ClockDefinition, Limit]]:
    """Clocks that begin to run when a case goes from one state to another; `before` None: it is opened.

    `passed_on`: another body holds it now.
    """
    return [
        (clock, clock.limit_for(priority))
        for clock in definition.clocks
        if after in clock.runs_in and (before not in clock.runs_in or (clock.per_owner and passed_on))
    ]


def stopped_by(definition: CaseTypeDefinition, running: Iterable[Any], after: str, *, passed_on: bool) -> list[Any]:
    """Of the running clock rows those that must stop in the state `after`."""
    clocks = [(row, definition.clock(row.clock)) for row in running]
    return [row for row, clock in clocks if after not in clock.runs_in or (clock.per_owner and passed_on)]

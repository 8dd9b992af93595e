"""Routes of the working calendar."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import get, put
from litestar.params import FromPath, FromQuery, JSONBody

from citybase.city.calendar.actions import set_day
from citybase.city.calendar.queries import Year, read_year
from citybase.kernel.clock import now, to_city
from citybase.kernel.errors import Problem
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import begin

__all__ = ["ROUTES"]


class DayChange(msgspec.Struct, forbid_unknown_fields=True):
    """`working` null gives the day back to the statutory calendar."""

    working: bool | None
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


@get("/calendar", tags=["calendar"], summary="Working days of a year")
async def read_calendar(
    database: TheDatabase,
    principal: ThePrincipal,
    year: FromQuery[int | None] = None,
) -> Year:
    async with database.begin() as connection:
        return await read_year(connection, to_city(now()).year if year is None else _checked(year))


@put("/calendar/{day:str}", tags=["calendar"], summary="Set a working day or a day off of this city")
async def write_day(
    day: FromPath[str], data: JSONBody[DayChange], database: TheDatabase, principal: ThePrincipal
) -> Year:
    when = _date(day)
    async with begin(database, principal) as tx:
        await set_day(tx, when, data.working, data.note)
        return await read_year(tx.connection, when.year)


def _date(text: str) -> date:
    try:
        when = date.fromisoformat(text)
    except ValueError as error:
        raise Problem("invalid_input", reason="date: YYYY-MM-DD") from error
    _checked(when.year)
    return when


def _checked(year: int) -> int:
    if not 1900 <= year <= 2200:
        raise Problem("invalid_input", reason="year: 1900..2200")
    return year


ROUTES = [read_calendar, write_day]

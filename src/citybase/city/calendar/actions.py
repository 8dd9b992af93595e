"""Setting a day of the city's own calendar."""

from datetime import date

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from citybase.city.calendar.models import calendar_day
from citybase.kernel.text import refuse_unstorable
from citybase.security.scope import require_citywide
from citybase.security.transactions import Transaction

__all__ = ["set_day"]


async def set_day(tx: Transaction, day: date, working: bool | None, note: str = "") -> None:
    """Say that a day is worked or is not; None gives it back to the statutory calendar.

    Clocks that are running keep the due time they were given: a citizen or a bureau was told that time.
    """
    await require_citywide(tx.connection, tx.principal, "calendar.write")
    refuse_unstorable({"note": note})
    if working is None:
        await tx.connection.execute(delete(calendar_day).where(calendar_day.c.date == day))
    else:
        values = {"working": working, "note": note}
        statement = insert(calendar_day).values(date=day, **values)
        await tx.connection.execute(statement.on_conflict_do_update(index_elements=["date"], set_=values))
    await tx.audit("calendar.write", "calendar_day", day.isoformat(), {"working": working, "note": note})
    await tx.emit("calendar.changed", day.isoformat(), {"working": working})

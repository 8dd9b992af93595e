"""Late cases: a clock that runs out is noted and announced once, whoever happens to look."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from citybase.city.cases.case_type import CaseTypeDefinition
from citybase.city.cases.models import case_clock, case_record
from citybase.city.cases.transition import add_step, announce
from citybase.city.cases.types import type_of
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.principals import SYSTEM
from citybase.security.transactions import Transaction, begin

__all__ = ["note_late"]

_BATCH = 200


async def note_late(database: Database, moment: datetime | None = None) -> int:
    """Mark clocks that ran out by `moment` (now), emit `case.late` for each; returns how many. Safe to run twice."""
    moment = moment or now()
    total = 0
    while True:
        async with begin(database, SYSTEM) as tx:
            marked = await _mark(tx, moment)
        total += marked
        if marked < _BATCH:
            return total


async def _mark(tx: Transaction, moment: datetime) -> int:
    # Cases are locked before their clocks, as an action does; one that is being acted on waits for the next round.
    due = (
        select(case_clock.c.id, case_clock.c.clock, case_record.c.id.label("case_id"))
        .join(case_record, case_record.c.id == case_clock.c.case_id)
        .where(case_clock.c.stopped_at.is_(None), case_clock.c.exceeded.is_(False), case_clock.c.due_at < moment)
        .order_by(case_clock.c.due_at)
        .limit(_BATCH)
        .with_for_update(of=case_record, skip_locked=True)
    )
    rows = (await tx.connection.execute(due)).all()
    for row in rows:
        await _note(tx, row.id, row.clock, row.case_id, moment)
    return len(rows)


async def _note(tx: Transaction, clock_id: UUID, clock: str, case_id: UUID, moment: datetime) -> None:
    record = (await tx.connection.execute(select(case_record).where(case_record.c.id == case_id))).one()
    definition: CaseTypeDefinition = await type_of(tx.connection, record)
    still_running = (case_clock.c.id == clock_id) & case_clock.c.stopped_at.is_(None)
    marked = await tx.connection.execute(
        update(case_clock).where(still_running, case_clock.c.exceeded.is_(False)).values(exceeded=True)
    )
    if marked.rowcount:
        name = definition.clock(clock).name
        await add_step(tx, case_id, moment, "case.late", record.owner_id, comment=name)
        await announce(tx, case_id, "late", {"clock": clock})

"""What every change of a case leaves: its step on the timeline, its clocks, its parties, its audit entry, its event."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from citybase.city.calendar import load_calendar
from citybase.city.cases.case_type import PRIORITIES, CaseTypeDefinition
from citybase.city.cases.clocks import due_time, started_by, stopped_by, time_between
from citybase.city.cases.models import case_clock, case_party, case_record, case_step
from citybase.kernel.calendar import WorkingCalendar
from citybase.kernel.ids import new_id
from citybase.security.principals import Principal
from citybase.security.transactions import Transaction

__all__ = ["actor_of", "add_parties", "add_step", "announce", "turn_clocks"]


def actor_of(principal: Principal) -> dict[str, str]:
    """Who did it, as the timeline keeps it: names change, what was done does not."""
    return {"id": str(principal.id), "name": principal.name, "organization": principal.organization_name}


async def add_parties(tx: Transaction, case_id: UUID, *organizations: UUID | None) -> None:
    for organization_id in {one for one in organizations if one is not None}:
        statement = upsert(case_party).values(case_id=case_id, organization_id=organization_id)
        await tx.connection.execute(statement.on_conflict_do_nothing())


async def add_step(
    tx: Transaction,
    case_id: UUID,
    moment: datetime,
    action: str,
    owner_id: UUID,
    *,
    states: tuple[str | None, str | None] = (None, None),
    comment: str = "",
    form: dict[str, Any] | None = None,
) -> None:
    """Append to the timeline; the caller holds the case's row lock, so ordinals have neither gap nor double."""
    last = select(func.coalesce(func.max(case_step.c.ordinal), 0)).where(case_step.c.case_id == case_id)
    await tx.connection.execute(
        insert(case_step).values(
            id=new_id(),
            case_id=case_id,
            ordinal=last.scalar_subquery() + 1,
            time=moment,
            action=action,
            actor=actor_of(tx.principal),
            from_state=states[0],
            to_state=states[1],
            owner_id=owner_id,
            comment=comment,
            form=form or {},
        )
    )


async def turn_clocks(
    tx: Transaction,
    definition: CaseTypeDefinition,
    record: Any,
    states: tuple[str | None, str],
    *,
    owner_id: UUID,
    moment: datetime,
) -> datetime | None:
    """Stop and start clocks for a transition to `owner_id`; returns the earliest due time of those that run now."""
    before, after = states
    calendar = await load_calendar(tx.connection)
    statement = select(case_clock).where(case_clock.c.case_id == record.id, case_clock.c.stopped_at.is_(None))
    running = (await tx.connection.execute(statement)).all()
    passed_on = owner_id != record.owner_id
    stopped = stopped_by(definition, running, after, passed_on=passed_on)
    for row in stopped:
        await _stop(tx, calendar, row, moment)
    due = [row.due_at for row in running if row not in stopped]
    priority = PRIORITIES[record.priority - 1]
    for clock, limit in started_by(definition, before, after, priority, passed_on=passed_on):
        due.append(due_time(calendar, limit, moment))
        await tx.connection.execute(
            insert(case_clock).values(
                id=new_id(),
                case_id=record.id,
                clock=clock.id,
                kind=limit.kind,
                owner_id=owner_id,
                started_at=moment,
                due_at=due[-1],
            )
        )
    return min(due, default=None)


async def _stop(tx: Transaction, calendar: WorkingCalendar, row: Any, moment: datetime) -> None:
    elapsed = time_between(calendar, row.kind, row.started_at, moment).total_seconds()
    await tx.connection.execute(
        update(case_clock)
        .where(case_clock.c.id == row.id)
        .values(stopped_at=moment, elapsed=elapsed, exceeded=row.exceeded or moment > row.due_at)
    )


async def announce(tx: Transaction, case_id: UUID, verb: str, detail: dict[str, Any]) -> None:
    """Audit entry and event of one change, both from the case as it stands now."""
    record = (await tx.connection.execute(select(case_record).where(case_record.c.id == case_id))).one()
    facts = {
        "number": record.number,
        "type": record.type,
        "title": record.title,
        "state": record.state,
        "priority": PRIORITIES[record.priority - 1],
        "owner_id": record.owner_id,
        "registrar_id": record.registrar_id,
        "area_code": record.area_code,
        "resource_id": record.resource_id,
        "alarm_id": record.alarm_id,
        "due_at": record.due_at,
        "version": record.version,
    }
    await tx.audit(
        f"case.{verb}", "case", case_id, {"number": record.number, **detail}, organization_id=record.owner_id
    )
    await tx.emit(f"case.{verb}", case_id, facts | detail)

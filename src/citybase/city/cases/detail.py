"""One case whole: timeline, clocks, what this reader may do now, who is waited for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.calendar import load_calendar
from citybase.city.cases.case_type import ActionDefinition, CaseTypeDefinition
from citybase.city.cases.clocks import time_between
from citybase.city.cases.dispatch import assigned_body
from citybase.city.cases.models import case_clock, case_step
from citybase.city.cases.views import (
    Actor,
    AlarmRef,
    AvailableAction,
    CaseDetail,
    CaseItem,
    ClockState,
    Named,
    NextStep,
    OrganizationRef,
    ResourceRef,
    Step,
    seconds,
    step_name,
)
from citybase.city.resources.models import resource
from citybase.kernel.calendar import WorkingCalendar
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.security.organizations import organization
from citybase.security.policy import allowed
from citybase.security.principals import Principal
from citybase.security.scope import visible

__all__ = ["describe_case"]

Bodies = dict[UUID, Any]


async def describe_case(
    connection: AsyncConnection, principal: Principal, row: Any, definition: CaseTypeDefinition, item: CaseItem
) -> CaseDetail:
    """Everything the case page shows, from a row already found to be in the reader's scope."""
    steps = await _rows(
        connection, select(case_step).where(case_step.c.case_id == row.id).order_by(case_step.c.ordinal)
    )
    clocks = await _rows(
        connection, select(case_clock).where(case_clock.c.case_id == row.id).order_by(case_clock.c.started_at)
    )
    bodies = await _bodies(connection, row, steps, clocks)
    calendar, moment = await load_calendar(connection), now()
    open_to = _possible(definition, row)
    return CaseDetail(
        **msgspec.structs.asdict(item),
        version=row.version,
        place=row.place,
        data=row.data,
        registrar=_ref(bodies, row.registrar_id),
        handler=_ref(bodies, row.handler_id) if row.handler_id else None,
        opened_by=_actor(row.opened_by),
        timeline=[_step(definition, step, bodies) for step in steps],
        available_actions=[
            await _available(connection, definition, action, row)
            for action in open_to
            if allowed(principal, action.permission, bodies[_acting(action, row)].path)
        ],
        clocks=[_clock(definition, clock, bodies, calendar, moment) for clock in clocks],
        alarm=_alarm(row, steps),
        resource=await _resource(connection, principal, row.resource_id),
        who_next=_next(open_to, row, bodies) if row.closed_at is None else None,
    )


def _possible(definition: CaseTypeDefinition, row: Any) -> list[ActionDefinition]:
    return [action for action in definition.actions if row.state in action.from_]


def _acting(action: ActionDefinition, row: Any) -> UUID:
    """The body whose people perform an action."""
    return UUID(str(getattr(row, f"{action.by}_id") or row.owner_id))


async def _available(
    connection: AsyncConnection, definition: CaseTypeDefinition, action: ActionDefinition, row: Any
) -> AvailableAction:
    assigns = None
    if action.assign is not None and action.assign.to is not None:
        try:
            body_id = await assigned_body(connection, definition, action.assign, row, {})
            name = await connection.scalar(select(organization.c.name).where(organization.c.id == body_id))
            assigns = OrganizationRef(body_id, str(name))
        except Problem:
            assigns = None  # nobody answers for the place: the person acting names the body in the form
    return AvailableAction(
        action.id, action.name, action.name_en, action.primary, action.to, action.comment, action.form, assigns
    )


def _next(actions: Sequence[ActionDefinition], row: Any, bodies: Bodies) -> NextStep:
    waited_for = [Named(one.id, one.name, one.name_en) for one in actions if _acting(one, row) == row.owner_id]
    return NextStep(_ref(bodies, row.owner_id), waited_for)


def _step(definition: CaseTypeDefinition, step: Any, bodies: Bodies) -> Step:
    return Step(
        step.time,
        step.action,
        *step_name(definition, step.action),
        _actor(step.actor),
        _ref(bodies, step.owner_id),
        step.comment,
        step.form,
        step.from_state,
        step.to_state,
    )


def _clock(
    definition: CaseTypeDefinition, row: Any, bodies: Bodies, calendar: WorkingCalendar, moment: datetime
) -> ClockState:
    clock = definition.clock(row.clock)
    running = row.stopped_at is None
    end = moment if running else row.stopped_at
    late = end > row.due_at
    return ClockState(
        id=clock.id,
        name=clock.name,
        name_en=clock.name_en,
        kind=row.kind,
        owner=_ref(bodies, row.owner_id),
        started_at=row.started_at,
        due_at=row.due_at,
        stopped_at=row.stopped_at,
        state=("late" if late else "running") if running else ("exceeded" if late else "met"),
        remaining_seconds=seconds(time_between(calendar, row.kind, moment, row.due_at)) if running else None,
        elapsed_seconds=seconds(time_between(calendar, row.kind, row.started_at, end)),
        estimated=not calendar.is_known(row.due_at),
    )


def _alarm(row: Any, steps: Sequence[Any]) -> AlarmRef | None:
    if row.alarm_id is None:
        return None
    cleared = next((step.time for step in steps if step.action == "alarm.cleared"), None)
    return AlarmRef(row.alarm_id, row.origin, cleared)


async def _resource(connection: AsyncConnection, principal: Principal, id_: UUID | None) -> ResourceRef | None:
    statement = visible(
        select(resource).where(resource.c.id == id_),
        principal,
        "resource.read",
        resource.c.owner_id,
        classification=resource.c.classification,
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else ResourceRef(row.id, row.code, row.name, row.kind)


async def _bodies(connection: AsyncConnection, row: Any, steps: Sequence[Any], clocks: Sequence[Any]) -> Bodies:
    named = {row.owner_id, row.registrar_id, row.handler_id, *(one.owner_id for one in [*steps, *clocks])} - {None}
    rows = await _rows(connection, select(organization).where(organization.c.id.in_(named)))
    return {one.id: one for one in rows}


async def _rows(connection: AsyncConnection, statement: Any) -> Sequence[Any]:
    return (await connection.execute(statement)).all()


def _ref(bodies: Bodies, id_: UUID) -> OrganizationRef:
    return OrganizationRef(id_, bodies[id_].name)


def _actor(actor: dict[str, str]) -> Actor:
    return Actor(actor["name"], actor.get("organization") or None)

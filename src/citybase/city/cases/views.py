"""A case as pages and other systems see it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from citybase.city.cases.case_type import PRIORITIES, CaseTypeDefinition
from citybase.city.cases.clocks import time_between
from citybase.city.cases.types import CaseType
from citybase.kernel.calendar import WorkingCalendar

__all__ = [
    "Actor",
    "AlarmRef",
    "AvailableAction",
    "CaseDetail",
    "CaseItem",
    "CaseQueue",
    "ClockState",
    "Named",
    "NextStep",
    "OrganizationRef",
    "ResourceRef",
    "Step",
    "item_of",
    "seconds",
    "step_name",
]

NOTES = {
    "opened": ("事项生成", "Opened"),
    "alarm.cleared": ("告警解除", "Alarm cleared"),
    "case.late": ("超过时限", "Time exceeded"),
}


class Named(msgspec.Struct):
    id: str
    name: str
    name_en: str


class OrganizationRef(msgspec.Struct):
    id: UUID
    name: str


class CaseQueue(msgspec.Struct):
    id: str
    name: str
    name_en: str
    count: int


class LastStep(msgspec.Struct):
    name: str
    name_en: str
    time: datetime


class CaseItem(msgspec.Struct, kw_only=True):
    """One line of a list. `remaining_seconds` counts as the pressing clock does: negative is late, null is no clock."""

    id: UUID
    number: str
    type: str
    type_name: str
    type_name_en: str
    title: str
    state: Named
    priority: str
    owner: OrganizationRef
    area_code: str | None
    area_name: str | None
    longitude: float | None
    latitude: float | None
    due_at: datetime | None
    remaining_seconds: int | None
    late: bool
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    last_step: LastStep | None


class Actor(msgspec.Struct):
    name: str
    organization: str | None


class Step(msgspec.Struct):
    """`from` and `to` are states; both null for a note, which changes nothing."""

    time: datetime
    action: str
    name: str
    name_en: str
    actor: Actor
    owner: OrganizationRef
    comment: str
    form: dict[str, Any]
    from_: str | None = msgspec.field(name="from")
    to: str | None


class AvailableAction(msgspec.Struct):
    """`assigns` is who will hold the case if the form names nobody else."""

    id: str
    name: str
    name_en: str
    primary: bool
    to: str
    comment: str
    form: dict[str, Any] | None
    assigns: OrganizationRef | None


class ClockState(msgspec.Struct):
    """`estimated`: the due time lies beyond the announced working calendar."""

    id: str
    name: str
    name_en: str
    kind: str
    owner: OrganizationRef
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    state: str
    remaining_seconds: int | None
    elapsed_seconds: int
    estimated: bool


class AlarmRef(msgspec.Struct):
    """The alarm that opened it, with the data of its event; `cleared_at` from the timeline."""

    id: UUID
    data: dict[str, Any]
    cleared_at: datetime | None


class ResourceRef(msgspec.Struct):
    id: UUID
    code: str
    name: str
    kind: str


class NextStep(msgspec.Struct):
    """Who is waited for, and for which actions."""

    organization: OrganizationRef
    actions: list[Named]


class CaseDetail(CaseItem, kw_only=True):
    version: int
    place: str
    data: dict[str, Any]
    registrar: OrganizationRef
    handler: OrganizationRef | None
    opened_by: Actor
    timeline: list[Step]
    available_actions: list[AvailableAction]
    clocks: list[ClockState]
    alarm: AlarmRef | None
    resource: ResourceRef | None
    who_next: NextStep | None


def item_of(row: Any, types: dict[tuple[str, int], CaseType], calendar: WorkingCalendar, moment: datetime) -> CaseItem:
    """A list line from a row of the case query."""
    definition = types[row.type, row.type_version].definition
    state = definition.state(row.state)
    running = row.due_at is not None and row.clock_kind is not None
    return CaseItem(
        id=row.id,
        number=row.number,
        type=row.type,
        type_name=definition.name,
        type_name_en=definition.name_en,
        title=row.title,
        state=Named(state.id, state.name, state.name_en),
        priority=PRIORITIES[row.priority - 1],
        owner=OrganizationRef(row.owner_id, row.owner_name),
        area_code=row.area_code,
        area_name=row.area_name,
        longitude=row.longitude,
        latitude=row.latitude,
        due_at=row.due_at,
        remaining_seconds=seconds(time_between(calendar, row.clock_kind, moment, row.due_at)) if running else None,
        late=row.closed_at is None and row.due_at is not None and row.due_at < moment,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        last_step=LastStep(*step_name(definition, row.last_action), row.last_time) if row.last_action else None,
    )


def step_name(definition: CaseTypeDefinition, action: str) -> tuple[str, str]:
    """Chinese and English name of a step: a note's, or the action's."""
    found = definition.action(action)
    return NOTES.get(action, (action, action)) if found is None else (found.name, found.name_en)


def seconds(span: timedelta) -> int:
    return int(span.total_seconds())

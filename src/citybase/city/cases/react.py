"""Events that cases answer to: an alarm raised opens one, an alarm cleared is noted on its timeline.

Events come at least once, so both are idempotent: by the case's `alarm_id`, by the note already written.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select

from citybase.city.cases.actions import NewCase, open_case
from citybase.city.cases.case_type import PRIORITIES, Priority, Subscription
from citybase.city.cases.models import case_record, case_step
from citybase.city.cases.transition import add_step, announce
from citybase.city.cases.types import current_types
from citybase.city.resources.models import resource
from citybase.kernel.clock import now
from citybase.kernel.events import Event
from citybase.security.transactions import Transaction

__all__ = ["on_event"]

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_TITLE_LENGTH = 200


async def on_event(tx: Transaction, event: Event) -> UUID | None:
    """Let cases answer to an event, in the caller's transaction; returns the case it opened or noted.

    An alarm's event carries `resource_id`, `priority` (urgent | high | normal | low, or its rank from 1) and whatever
    subscriptions name; dots reach into nested objects.
    """
    if event.type == "alarm.raised":
        return await _open(tx, event)
    if event.type == "alarm.cleared":
        return await _note_cleared(tx, event)
    return None


async def _open(tx: Transaction, event: Event) -> UUID | None:
    matched = await _subscription(tx, event)
    if matched is None:
        return None
    alarm_id = UUID(event.subject)
    # Two deliveries of one event at the same moment take turns here; the second finds the first one's case.
    await tx.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(event.subject, 0))))
    opened: UUID | None = await tx.connection.scalar(select(case_record.c.id).where(case_record.c.alarm_id == alarm_id))
    if opened is not None:
        return opened
    new = _new_case(*matched, event.data)
    new.resource_id = await tx.connection.scalar(select(resource.c.id).where(resource.c.id == new.resource_id))
    return await open_case(tx, new, alarm_id=alarm_id, origin=event.data)


async def _subscription(tx: Transaction, event: Event) -> tuple[str, Subscription] | None:
    for type_ in await current_types(tx.connection):
        for subscription in type_.definition.subscribes:
            if subscription.event == event.type and _matches(subscription, event.data):
                return type_.definition.id, subscription
    return None


def _matches(subscription: Subscription, data: Mapping[str, Any]) -> bool:
    return all(
        lookup(data, field) in ([wanted] if isinstance(wanted, str) else wanted)
        for field, wanted in subscription.where.items()
    )


def _new_case(type_id: str, subscription: Subscription, data: Mapping[str, Any]) -> NewCase:
    resource_id = data.get("resource_id")
    return NewCase(
        type=type_id,
        title=fill(subscription.title, data)[:_TITLE_LENGTH],
        priority=_priority(data.get("priority")),
        resource_id=UUID(resource_id) if resource_id else None,
        data={name: lookup(data, field) for name, field in subscription.data.items()},
    )


def _priority(given: object) -> Priority:
    return next((name for rank, name in enumerate(PRIORITIES, start=1) if given in {name, rank}), "normal")


def lookup(data: Mapping[str, Any], field: str) -> Any:
    """A field of an event's data; `rule.id` reaches into an object; None where there is none."""
    value: Any = data
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def fill(template: str, data: Mapping[str, Any]) -> str:
    """`{field}` replaced by what the event says; by nothing where it says nothing."""
    text = _FIELD.sub(lambda match: _words(lookup(data, match[1])), template)
    return " ".join(text.split()) or template


def _words(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


async def _note_cleared(tx: Transaction, event: Event) -> UUID | None:
    record = (
        await tx.connection.execute(
            select(case_record).where(case_record.c.alarm_id == UUID(event.subject)).with_for_update()
        )
    ).one_or_none()
    if record is None:
        return None
    noted = exists().where(case_step.c.case_id == record.id, case_step.c.action == event.type)
    if not await tx.connection.scalar(select(noted)):
        await add_step(tx, record.id, max(now(), record.updated_at), event.type, record.owner_id)
        await announce(tx, record.id, "noted", {"event": event.type})
    return UUID(str(record.id))

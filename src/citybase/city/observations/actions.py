"""What happens to alarms (告警): raised, acknowledged, cleared; each an audited step with its event.

Raising and clearing come from the observer and may come again after `kill -9`: both are idempotent by (rule, terminal,
time of the event).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from citybase.city.observations.definitions import RuleDefinition
from citybase.city.observations.models import alarm
from citybase.city.resources.models import resource
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.scope import visible
from citybase.security.transactions import Transaction

__all__ = ["acknowledge_alarm", "clear_alarm", "raise_alarm"]

_PLACEHOLDER = re.compile(r"{([^{}]*)}")
_Values = Mapping[str, float | None]


async def raise_alarm(
    tx: Transaction, rule: RuleDefinition, resource_id: UUID, time: datetime, values: _Values
) -> UUID | None:
    """An alarm begins; `values` are those of the rule's properties. None when it had been raised already."""
    terminal = (await tx.connection.execute(select(resource).where(resource.c.id == resource_id))).one_or_none()
    if terminal is None:
        return None
    words = {"name": terminal.name, **{name: _figure(value) for name, value in values.items()}}
    statement = upsert(alarm).values(
        id=new_id(),
        rule=rule.id,
        resource_id=resource_id,
        owner_id=terminal.owner_id,
        area_code=terminal.area_code,
        priority=rule.priority,
        state="active",
        value=next(iter(values.values())),
        message=_filled(rule.message, words),
        message_en=_filled(rule.message_en, words),
        raised_at=time,
    )
    raised = (await tx.connection.execute(statement.on_conflict_do_nothing().returning(alarm))).one_or_none()
    if raised is None:
        return None
    data = _told(raised, terminal, rule) | {"property": next(iter(values)), "values": dict(values)}
    await _leave(tx, "raised", raised, data)
    return UUID(str(raised.id))


async def clear_alarm(tx: Transaction, rule: RuleDefinition, resource_id: UUID, time: datetime) -> UUID | None:
    """The active alarm of this rule and terminal ends. None when there is none."""
    statement = (
        update(alarm)
        .where(
            alarm.c.rule == rule.id,
            alarm.c.resource_id == resource_id,
            alarm.c.state != "cleared",
            alarm.c.raised_at <= time,
        )
        .values(state="cleared", cleared_at=time)
        .returning(alarm)
    )
    cleared = (await tx.connection.execute(statement)).one_or_none()
    if cleared is None:
        return None
    terminal = (await tx.connection.execute(select(resource).where(resource.c.id == resource_id))).one()
    await _leave(tx, "cleared", cleared, _told(cleared, terminal, rule) | {"cleared_at": time})
    return UUID(str(cleared.id))


async def acknowledge_alarm(tx: Transaction, alarm_id: UUID) -> None:
    """Somebody has seen it. A second time changes nothing. Raises `not_found` outside the principal's scope."""
    statement = visible(
        select(alarm).join(resource, resource.c.id == alarm.c.resource_id).where(alarm.c.id == alarm_id),
        tx.principal,
        "alarm.acknowledge",
        alarm.c.owner_id,
        classification=resource.c.classification,
    )
    found = (await tx.connection.execute(statement.with_for_update(of=alarm))).one_or_none()
    if found is None:
        raise Problem("not_found", what=str(alarm_id))
    if found.acknowledged_at is not None:
        return
    moment = now()
    await tx.connection.execute(
        update(alarm)
        .where(alarm.c.id == alarm_id)
        .values(
            state="cleared" if found.state == "cleared" else "acknowledged",
            acknowledged_at=moment,
            acknowledged_by=tx.principal.id,
        )
    )
    data = {"rule_id": found.rule, "resource_id": found.resource_id, "acknowledged_at": moment}
    await _leave(tx, "acknowledged", found, data)


async def _leave(tx: Transaction, verb: str, row: Row[*tuple[Any, ...]], data: Mapping[str, Any]) -> None:
    detail = {"rule": row.rule, "resource": row.resource_id}
    await tx.audit(f"alarm.{verb}", "alarm", row.id, detail, organization_id=row.owner_id)
    await tx.emit(f"alarm.{verb}", row.id, data)


def _told(row: Row[*tuple[Any, ...]], terminal: Row[*tuple[Any, ...]], rule: RuleDefinition) -> dict[str, Any]:
    """What an alarm's event says; case types subscribe to these fields."""
    return {
        "rule_id": rule.id,
        "rule": {"id": rule.id, "name": rule.name, "name_en": rule.name_en},
        "case_type": rule.case_type,
        "priority": rule.priority,
        "resource_id": terminal.id,
        "resource": {"id": terminal.id, "code": terminal.code, "name": terminal.name},
        "owner_id": row.owner_id,
        "area_code": terminal.area_code,
        "value": row.value,
        "message": row.message,
        "message_en": row.message_en,
        "raised_at": row.raised_at,
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), template)


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"

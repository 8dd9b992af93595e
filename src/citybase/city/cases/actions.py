"""Opening a case and performing an action on it: check, write, audit, emit, in one transaction."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from citybase.city.cases.case_type import PRIORITIES, ActionDefinition, CaseTypeDefinition, Priority
from citybase.city.cases.dispatch import assigned_body, find_by_code
from citybase.city.cases.forms import validate_form
from citybase.city.cases.models import case_counter, case_record
from citybase.city.cases.scope import visible_cases
from citybase.city.cases.transition import actor_of, add_parties, add_step, announce, turn_clocks
from citybase.city.cases.types import CaseType, body, current_type, type_of
from citybase.city.resources.models import resource
from citybase.kernel.clock import now, to_city
from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.ids import new_id
from citybase.kernel.text import refuse_unstorable
from citybase.security.policy import require
from citybase.security.scope import visible
from citybase.security.transactions import Transaction

__all__ = ["NewCase", "Performance", "open_case", "perform"]

Text = Annotated[str, msgspec.Meta(max_length=4000)]


class NewCase(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is taken in. A resource gives its place where none is given."""

    type: str
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    priority: Priority = "normal"
    area_code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,12}$")] | None = None
    place: Annotated[str, msgspec.Meta(max_length=200)] = ""
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    resource_id: UUID | None = None
    data: dict[str, Any] = {}


class Performance(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One action as somebody performs it. `version` is the one they looked at; without it the state alone decides."""

    version: int | None = None
    comment: Text = ""
    form: dict[str, Any] = {}


async def open_case(
    tx: Transaction, new: NewCase, *, alarm_id: UUID | None = None, origin: dict[str, Any] | None = None
) -> UUID:
    """Take a case in; it starts in the type's first state with its registrar. Returns its id.

    Raises `forbidden`, `invalid_input`, `case_without_body` (the registrar does not exist in this city).
    """
    require(tx.principal, "case.intake")
    refuse_unstorable(msgspec.to_builtins(new))
    type_ = await current_type(tx.connection, new.type)
    if origin is None:
        validate_form(type_.definition.intake, new.data, "/data")
    registrar = await find_by_code(tx.connection, type_.definition.registrar)
    if registrar is None:
        raise Problem("case_without_body", area=new.area_code or "—", code=type_.definition.registrar)
    moment = now()
    record = await _insert(tx, new, type_, registrar, moment, alarm_id=alarm_id, origin=origin or {})
    state = type_.definition.states[0].id
    await add_parties(tx, record.id, registrar, tx.principal.organization_id)
    await add_step(tx, record.id, moment, "opened", registrar, states=(None, state))
    due = await turn_clocks(tx, type_.definition, record, (None, state), owner_id=registrar, moment=moment)
    await tx.connection.execute(update(case_record).where(case_record.c.id == record.id).values(due_at=due))
    await announce(tx, record.id, "opened", {})
    return UUID(str(record.id))


async def perform(tx: Transaction, case_id: UUID, action_id: str, performance: Performance) -> None:
    """Perform one action of the case's type.

    Raises `not_found`, `version_conflict` (412), `case_action_unavailable` (409: not in this state), `forbidden`,
    `invalid_input`, `case_without_body`.
    """
    refuse_unstorable(msgspec.to_builtins(performance))
    record = await _lock(tx, case_id)
    definition = await type_of(tx.connection, record)
    action = _check(definition, record, action_id, performance)
    actor = await body(tx.connection, getattr(record, f"{action.by}_id") or record.owner_id)
    require(tx.principal, action.permission, actor.path)
    _check_words(action, performance)
    owner, handler = await _bodies_after(tx, definition, action, record, performance.form)
    moment = max(now(), record.updated_at)
    states = (record.state, action.to)
    due = await turn_clocks(tx, definition, record, states, owner_id=owner, moment=moment)
    await tx.connection.execute(
        update(case_record)
        .where(case_record.c.id == case_id)
        .values(
            state=action.to,
            owner_id=owner,
            handler_id=handler,
            updated_at=moment,
            due_at=due,
            closed_at=record.closed_at or (moment if definition.state(action.to).terminal else None),
            version=record.version + 1,
        )
    )
    await add_parties(tx, case_id, owner)
    await add_step(
        tx, case_id, moment, action.id, owner, states=states, comment=performance.comment, form=performance.form
    )
    await announce(tx, case_id, action.id, {"from": record.state, "to": action.to})


async def _lock(tx: Transaction, case_id: UUID) -> Any:
    # The row lock makes two people acting at once take turns; the second then meets the first one's version.
    statement = visible_cases(select(case_record).where(case_record.c.id == case_id), tx.principal)
    record = (await tx.connection.execute(statement.with_for_update(of=case_record))).one_or_none()
    if record is None:
        raise Problem("not_found", what=case_id)
    return record


def _check(definition: CaseTypeDefinition, record: Any, action_id: str, performance: Performance) -> ActionDefinition:
    if performance.version is not None and performance.version != record.version:
        raise Problem("version_conflict", given=performance.version, current=record.version)
    action = definition.action(action_id)
    if action is None or record.state not in action.from_:
        state = definition.state(record.state)
        names = (action.name, action.name_en) if action else (action_id, action_id)
        raise Problem(
            "case_action_unavailable", action=names[0], action_en=names[1], state=state.name, state_en=state.name_en
        )
    return action


def _check_words(action: ActionDefinition, performance: Performance) -> None:
    if action.comment == "required" and not performance.comment.strip():
        error = FieldError("/comment", "required", "请填写意见 a comment is required")
        raise Problem("invalid_input", [error], reason=error.message)
    validate_form(action.form, performance.form, "/form")


async def _bodies_after(
    tx: Transaction, definition: CaseTypeDefinition, action: ActionDefinition, record: Any, form: dict[str, Any]
) -> tuple[UUID, UUID | None]:
    """Who holds the case, and who handles it, when the action is done."""
    if action.assign is None:
        return record.owner_id, record.handler_id
    owner = await assigned_body(tx.connection, definition, action.assign, record, form)
    return owner, owner if action.assign.handles else record.handler_id


async def _insert(
    tx: Transaction,
    new: NewCase,
    type_: CaseType,
    registrar: UUID,
    moment: datetime,
    *,
    alarm_id: UUID | None,
    origin: dict[str, Any],
) -> Any:
    thing = await _resource(tx, new.resource_id)
    statement = insert(case_record).values(
        id=new_id(),
        number=await _next_number(tx, type_.definition.prefix, moment),
        type=new.type,
        type_version=type_.version,
        title=new.title.strip(),
        state=type_.definition.states[0].id,
        priority=PRIORITIES.index(new.priority) + 1,
        owner_id=registrar,
        registrar_id=registrar,
        area_code=new.area_code or (thing.area_code if thing else None),
        place=new.place or (thing.address if thing else ""),
        longitude=new.longitude if new.longitude is not None or thing is None else thing.longitude,
        latitude=new.latitude if new.latitude is not None or thing is None else thing.latitude,
        resource_id=new.resource_id,
        alarm_id=alarm_id,
        data=new.data,
        origin=origin,
        opened_by=actor_of(tx.principal),
        opened_at=moment,
        updated_at=moment,
    )
    return (await tx.connection.execute(statement.returning(*case_record.c))).one()


async def _resource(tx: Transaction, id_: UUID | None) -> Any:
    if id_ is None:
        return None
    statement = visible(
        select(resource).where(resource.c.id == id_),
        tx.principal,
        "resource.read",
        resource.c.owner_id,
        classification=resource.c.classification,
    )
    found = (await tx.connection.execute(statement)).one_or_none()
    if found is None:
        raise Problem("not_found", what=id_)
    return found


async def _next_number(tx: Transaction, prefix: str, moment: datetime) -> str:
    """`XA-AIR-20261120-0001`: counted by prefix and city day, without gaps, since a rolled back case takes none."""
    day = to_city(moment).date()
    statement = (
        insert(case_counter)
        .values(prefix=prefix, date=day, last=1)
        .on_conflict_do_update(index_elements=["prefix", "date"], set_={"last": case_counter.c.last + 1})
        .returning(case_counter.c.last)
    )
    last = (await tx.connection.execute(statement)).scalar_one()
    return f"{prefix}-{day:%Y%m%d}-{last:04d}"

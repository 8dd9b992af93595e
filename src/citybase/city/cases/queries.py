"""Reading cases: lists, queues and their counts, one case whole. Every read is scoped."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, and_, false, func, literal, or_, select, true, tuple_

from citybase.city.calendar import load_calendar
from citybase.city.cases.detail import describe_case
from citybase.city.cases.models import case_clock, case_record, case_step
from citybase.city.cases.scope import visible_cases
from citybase.city.cases.types import CaseType, all_types
from citybase.city.cases.views import CaseDetail, CaseItem, CaseQueue, item_of
from citybase.city.organizations.models import area
from citybase.engines.paging import COUNTED_EXACTLY, Order, Page, fetch_page
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.text import refuse_unstorable
from citybase.security.organizations import organization
from citybase.security.principals import Principal
from citybase.security.scope import in_scope

__all__ = ["CaseFilter", "Queue", "Sort", "list_cases", "read_case", "read_queues"]

Queue = Literal["mine", "all", "late", "closed"]
Sort = Literal["due_at", "-opened_at", "opened_at", "-updated_at", "priority"]
Types = dict[tuple[str, int], CaseType]

_QUEUES: tuple[tuple[Queue, str, str], ...] = (
    ("mine", "待我办理", "To do"),
    ("late", "已超时", "Late"),
    ("all", "全部", "All"),
    ("closed", "已办结", "Closed"),
)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DUE = func.coalesce(case_record.c.due_at, literal(_NEVER, DateTime(timezone=True)))
_ORDERS: dict[Sort, tuple[Order, ...]] = {
    "due_at": (Order(_DUE), Order(case_record.c.id)),
    "-opened_at": (Order(case_record.c.opened_at, descending=True), Order(case_record.c.id, descending=True)),
    "opened_at": (Order(case_record.c.opened_at), Order(case_record.c.id)),
    "-updated_at": (Order(case_record.c.updated_at, descending=True), Order(case_record.c.id, descending=True)),
    "priority": (Order(case_record.c.priority), Order(_DUE), Order(case_record.c.id)),
}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """`q` searches number and title; the others compare."""

    queue: Queue = "all"
    type: str | None = None
    state: str | None = None
    resource_id: UUID | None = None
    q: str | None = None


async def list_cases(
    database: Database,
    principal: Principal,
    wanted: CaseFilter,
    sort: Sort = "-opened_at",
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CaseItem]:
    """One page of the cases in the reader's scope."""
    refuse_unstorable({"q": wanted.q or "", "type": wanted.type or "", "state": wanted.state or ""})
    async with database.begin() as connection:
        types = await all_types(connection)
        statement = visible_cases(_items(), principal).where(
            in_queue(wanted.queue, principal, types), *_conditions(wanted)
        )
        page = await fetch_page(connection, statement, _ORDERS[sort], cursor, limit)
        calendar, moment = await load_calendar(connection), now()
        return page.to([item_of(row, types, calendar, moment) for row in page.rows])


async def read_queues(database: Database, principal: Principal) -> list[CaseQueue]:
    """How many cases stand in each queue; counts stop at the paging's bound."""
    async with database.begin() as connection:
        types = await all_types(connection)
        queues = []
        for id_, name, name_en in _QUEUES:
            statement = visible_cases(select(literal(1)).select_from(case_record), principal)
            bounded = statement.where(in_queue(id_, principal, types)).limit(COUNTED_EXACTLY).subquery()
            count = await connection.scalar(select(func.count()).select_from(bounded))
            queues.append(CaseQueue(id_, name, name_en, int(count or 0)))
        return queues


async def read_case(database: Database, principal: Principal, case_id: UUID) -> CaseDetail:
    """One case whole, with what this reader may do now. Raises `not_found`, also when it is out of scope."""
    async with database.begin() as connection:
        statement = visible_cases(_items().where(case_record.c.id == case_id), principal)
        row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise Problem("not_found", what=case_id)
        types = await all_types(connection)
        calendar, moment = await load_calendar(connection), now()
        item = item_of(row, types, calendar, moment)
        return await describe_case(connection, principal, row, types[row.type, row.type_version].definition, item)


def in_queue(queue: Queue, principal: Principal, types: Types) -> ColumnElement[bool]:
    """The condition of a queue on `case_record`."""
    open_ = case_record.c.closed_at.is_(None)
    if queue == "mine":
        return and_(open_, waits_for(principal, types))
    if queue == "late":
        return and_(open_, case_record.c.due_at < now())
    return case_record.c.closed_at.is_not(None) if queue == "closed" else true()


def waits_for(principal: Principal, types: Types) -> ColumnElement[bool]:
    """Cases whose next step is up to the body that holds them, where this principal may take it for that body."""
    states: dict[tuple[str, str], set[tuple[str, int, str]]] = {}
    for (id_, version), type_ in types.items():
        for action in type_.definition.actions:
            if action.primary:
                rows = states.setdefault((action.permission, action.by), set())
                rows.update((id_, version, state) for state in action.from_)
    place = tuple_(case_record.c.type, case_record.c.type_version, case_record.c.state)
    conditions = [
        and_(
            place.in_(sorted(rows)),
            case_record.c[f"{by}_id"] == case_record.c.owner_id,
            in_scope(principal, permission, case_record.c.owner_id),
        )
        for (permission, by), rows in states.items()
    ]
    return or_(false(), *conditions)


def _conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if wanted.type:
        conditions.append(case_record.c.type == wanted.type)
    if wanted.state:
        conditions.append(case_record.c.state == wanted.state)
    if wanted.resource_id:
        conditions.append(case_record.c.resource_id == wanted.resource_id)
    if wanted.q and wanted.q.strip():
        words = wanted.q.strip()
        number, title = case_record.c.number, case_record.c.title
        conditions.append(or_(number.icontains(words, autoescape=True), title.icontains(words, autoescape=True)))
    return conditions


def _items() -> Select[Any]:
    """Cases with the names and the newest facts that a list shows."""
    newest = select(case_step.c.action, case_step.c.time).where(case_step.c.case_id == case_record.c.id)
    newest = newest.order_by(case_step.c.ordinal.desc()).limit(1)
    pressing = (
        select(case_clock.c.kind)
        .where(case_clock.c.case_id == case_record.c.id, case_clock.c.stopped_at.is_(None))
        .order_by(case_clock.c.due_at)
        .limit(1)
    )
    return (
        select(
            case_record,
            organization.c.name.label("owner_name"),
            area.c.name.label("area_name"),
            newest.with_only_columns(case_step.c.action).scalar_subquery().label("last_action"),
            newest.with_only_columns(case_step.c.time).scalar_subquery().label("last_time"),
            pressing.scalar_subquery().label("clock_kind"),
        )
        .join(organization, organization.c.id == case_record.c.owner_id)
        .join(area, area.c.code == case_record.c.area_code, isouter=True)
    )

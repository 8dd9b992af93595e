"""Routes of cases."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from citybase.city.cases.actions import NewCase, Performance, open_case, perform
from citybase.city.cases.queries import CaseFilter, Queue, Sort, list_cases, read_case, read_queues
from citybase.city.cases.types import current_types
from citybase.city.cases.views import CaseDetail, CaseItem, CaseQueue
from citybase.engines.paging import Page
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import begin

__all__ = ["ROUTES"]


class State(msgspec.Struct):
    id: str
    name: str
    name_en: str
    terminal: bool


class Action(msgspec.Struct):
    id: str
    name: str
    name_en: str
    from_: list[str] = msgspec.field(name="from")
    to: str
    form: dict[str, Any] | None


class Type(msgspec.Struct):
    id: str
    name: str
    name_en: str
    version: int
    pack: str
    description: str
    states: list[State]
    actions: list[Action]
    intake_form: dict[str, Any] | None


@get("/case-types", tags=["cases"], summary="Kinds of cases this city handles")
async def read_case_types(database: TheDatabase, principal: ThePrincipal) -> list[Type]:
    async with database.begin() as connection:
        types = await current_types(connection)
    return [
        Type(
            id=type_.definition.id,
            name=type_.definition.name,
            name_en=type_.definition.name_en,
            version=type_.version,
            pack=type_.pack,
            description=type_.definition.description,
            states=[State(one.id, one.name, one.name_en, one.terminal) for one in type_.definition.states],
            actions=[
                Action(one.id, one.name, one.name_en, one.from_, one.to, one.form) for one in type_.definition.actions
            ],
            intake_form=type_.definition.intake,
        )
        for type_ in types
    ]


@get("/cases", tags=["cases"], summary="Cases in my scope")
async def read_cases(
    database: TheDatabase,
    principal: ThePrincipal,
    *,
    queue: FromQuery[Queue] = "all",
    type_id: Annotated[str | None, QueryParameter(name="type")] = None,
    state_id: Annotated[str | None, QueryParameter(name="state")] = None,
    resource_id: FromQuery[UUID | None] = None,
    q: FromQuery[str | None] = None,
    sort: FromQuery[Sort] = "-opened_at",
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=200)]] = 50,
) -> Page[CaseItem]:
    wanted = CaseFilter(queue, type_id, state_id, resource_id, q)
    return await list_cases(database, principal, wanted, sort, cursor=cursor, limit=limit)


@get("/cases/queues", tags=["cases"], summary="How many cases wait in each queue")
async def read_case_queues(database: TheDatabase, principal: ThePrincipal) -> list[CaseQueue]:
    return await read_queues(database, principal)


@get("/cases/{case_id:uuid}", tags=["cases"], summary="One case, with what I may do now")
async def read_one_case(case_id: FromPath[UUID], database: TheDatabase, principal: ThePrincipal) -> CaseDetail:
    return await read_case(database, principal, case_id)


@post("/cases", tags=["cases"], summary="Take a case in by hand")
async def add_case(data: JSONBody[NewCase], database: TheDatabase, principal: ThePrincipal) -> CaseDetail:
    async with begin(database, principal) as tx:
        case_id = await open_case(tx, data)
    return await read_case(database, principal, case_id)


@post("/cases/{case_id:uuid}/actions/{action:str}", tags=["cases"], summary="Perform an action", status_code=200)
async def act_on_case(
    case_id: FromPath[UUID],
    action: FromPath[str],
    data: JSONBody[Performance],
    database: TheDatabase,
    principal: ThePrincipal,
) -> CaseDetail:
    async with begin(database, principal) as tx:
        await perform(tx, case_id, action, data)
    return await read_case(database, principal, case_id)


ROUTES = [read_case_types, read_cases, read_case_queues, read_one_case, add_case, act_on_case]

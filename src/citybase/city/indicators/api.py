"""Routes of indicators."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from citybase.city.indicators.compute import compute_now
from citybase.city.indicators.queries import (
    IndicatorDetail,
    IndicatorItem,
    IndicatorRows,
    list_indicators,
    read_indicator,
    read_rows,
)
from citybase.city.indicators.relations import ObservationSources
from citybase.engines.paging import Page
from citybase.kernel.text import refuse_unstorable
from citybase.security.dependencies import TheDatabase, ThePrincipal

__all__ = ["ROUTES"]

TheSources = NamedDependency[ObservationSources]


@get("/indicators", tags=["indicators"], summary="All indicators with state and trend")
async def read_indicators(database: TheDatabase, principal: ThePrincipal) -> Page[IndicatorItem]:
    return await list_indicators(database, principal)


@get("/indicators/{indicator_id:str}", tags=["indicators"], summary="One indicator: definition, tables, history")
async def read_one_indicator(
    indicator_id: FromPath[str], database: TheDatabase, principal: ThePrincipal
) -> IndicatorDetail:
    refuse_unstorable({"id": indicator_id})
    return await read_indicator(database, principal, indicator_id)


@get("/indicators/{indicator_id:str}/rows", tags=["indicators"], summary="The rows behind, in my scope")
async def read_indicator_rows(
    indicator_id: FromPath[str],
    database: TheDatabase,
    principal: ThePrincipal,
    observation_sources: TheSources,
    *,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=200)]] = 50,
) -> IndicatorRows:
    refuse_unstorable({"id": indicator_id})
    return await read_rows(database, observation_sources, principal, indicator_id, cursor=cursor, limit=limit)


@post("/indicators/{indicator_id:str}/compute", tags=["indicators"], summary="Compute it now", status_code=200)
async def compute_indicator(
    indicator_id: FromPath[str], database: TheDatabase, principal: ThePrincipal, observation_sources: TheSources
) -> IndicatorDetail:
    refuse_unstorable({"id": indicator_id})
    await compute_now(database, observation_sources, principal, indicator_id)
    return await read_indicator(database, principal, indicator_id)


ROUTES = [read_indicators, read_one_indicator, read_indicator_rows, compute_indicator]

"""Computing indicators: read their relations, run their SQL, keep the value with what it rests on."""

import asyncio
import logging
import math
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import insert, select, update

from citybase.city.indicators.definitions import IndicatorDefinition, state_of
from citybase.city.indicators.fetch import fetch_relations
from citybase.city.indicators.models import indicator, indicator_value
from citybase.city.indicators.relations import ObservationSources
from citybase.city.indicators.sql import inspect, run
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.policy import require
from citybase.security.principals import SYSTEM, Principal
from citybase.security.transactions import Transaction, begin

__all__ = ["compute_due", "compute_now", "read_definition"]

_LOG = logging.getLogger("citybase.indicators")
_NUMBERS = frozenset({"value", "numerator", "denominator"})


class Computed(msgspec.Struct, frozen=True):
    """One value and what it rests on."""

    value: float | None
    numerator: float | None
    denominator: float | None
    as_of: datetime
    duration: float
    rows_read: dict[str, int]


async def compute_due(database: Database, sources: ObservationSources, moment: datetime | None = None) -> int:
    """Compute every indicator whose period has passed; returns how many were computed. Several workers may call it.

    One that fails keeps its last value, says why, and does not hold up the others.
    """
    moment = moment or now()
    async with database.begin() as connection:
        statement = select(indicator.c.id, indicator.c.definition, indicator.c.attempted_at)
        rows = (await connection.execute(statement)).all()
    done = 0
    for row in rows:
        if row.attempted_at is None or row.attempted_at + _period(row) <= moment:
            done += await _compute_if_due(database, sources, row.id, moment)
    return done


async def compute_now(database: Database, sources: ObservationSources, principal: Principal, id_: str) -> None:
    """Compute one indicator at a person's request. Raises `forbidden`, `not_found`, `indicator_failed`."""
    require(principal, "indicator.compute")
    definition = (await read_definition(database, id_)).definition
    async with begin(database, principal) as tx:
        await tx.connection.execute(select(indicator.c.id).where(indicator.c.id == id_).with_for_update())
        await _keep(tx, definition, await _compute(database, sources, definition))
        await tx.audit("indicator.compute", "indicator", id_)


class Stored(msgspec.Struct, frozen=True):
    pack: str
    definition: IndicatorDefinition
    error: str | None


async def read_definition(database: Database, id_: str) -> Stored:
    """One indicator's definition. Raises `not_found`."""
    async with database.begin() as connection:
        row = (await connection.execute(select(indicator).where(indicator.c.id == id_))).one_or_none()
    if row is None:
        raise Problem("not_found", what=id_)
    return Stored(row.pack, msgspec.convert(row.definition, IndicatorDefinition), row.error)


def _period(row: Any) -> timedelta:
    return msgspec.convert(row.definition, IndicatorDefinition).period


async def _compute_if_due(database: Database, sources: ObservationSources, id_: str, moment: datetime) -> bool:
    async with begin(database, SYSTEM) as tx:
        # Locked and looked at again: another worker may be at it, or may just have finished.
        statement = select(indicator).where(indicator.c.id == id_).with_for_update(skip_locked=True)
        row = (await tx.connection.execute(statement)).one_or_none()
        if row is None or (row.attempted_at is not None and row.attempted_at + _period(row) > moment):
            return False
        definition = msgspec.convert(row.definition, IndicatorDefinition)
        try:
            computed = await _compute(database, sources, definition)
        except Exception as error:
            _LOG.warning("indicator %s could not be computed", id_, exc_info=error)
            reason = str(error.params.get("reason", error)) if isinstance(error, Problem) else type(error).__name__
            failed = update(indicator).where(indicator.c.id == id_).values(attempted_at=moment, error=reason)
            await tx.connection.execute(failed)
            return False
        await _keep(tx, definition, computed)
        return True


async def _compute(database: Database, sources: ObservationSources, definition: IndicatorDefinition) -> Computed:
    as_of, begun = now(), perf_counter()
    tables = await fetch_relations(database, sources, SYSTEM, inspect(definition.sql))
    result = await asyncio.to_thread(run, definition.sql, tables)
    if result.num_rows != 1:
        raise Problem("indicator_failed", reason=f"应为一行 one row expected: {result.num_rows}")
    rows_read = {name: rows.num_rows for name, rows in tables.items() if isinstance(rows, pa.Table)}
    number = {name: _number(result[name][0].as_py()) for name in result.column_names if name in _NUMBERS}
    return Computed(
        number.get("value"),
        number.get("numerator"),
        number.get("denominator"),
        as_of,
        perf_counter() - begun,
        rows_read,
    )


def _number(given: Any) -> float | None:
    """A finite number; nothing, NaN and infinity (a share of nothing) are no number."""
    return float(given) if given is not None and math.isfinite(given) else None


async def _keep(tx: Transaction, definition: IndicatorDefinition, computed: Computed) -> None:
    id_ = definition.id
    latest = select(indicator_value.c.value).where(indicator_value.c.indicator == id_)
    before = (await tx.connection.execute(latest.order_by(indicator_value.c.time.desc()).limit(1))).one_or_none()
    facts = msgspec.structs.asdict(computed)
    await tx.connection.execute(
        insert(indicator_value).values(id=new_id(), indicator=id_, time=computed.as_of, **facts)
    )
    done = update(indicator).where(indicator.c.id == id_).values(attempted_at=computed.as_of, error=None)
    await tx.connection.execute(done)
    if before is None or before.value != computed.value:
        state = state_of(definition, computed.value)
        await tx.emit("indicator.computed", id_, {"value": computed.value, "state": state, "time": computed.as_of})

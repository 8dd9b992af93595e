"""Relations in a reader's scope, as Arrow: records from PostgreSQL by ADBC, observations from their sources.

ADBC was chosen by trial over `COPY` to CSV: 200,000 rows of 8 columns in 0.29 s against 0.54 s, with true types.
"""

import asyncio
from collections.abc import Collection
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from adbc_driver_postgresql import dbapi
from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql

from citybase.city.indicators.relations import RELATIONS, ObservationSources, Relation, arrow_schema, whole_city
from citybase.city.indicators.sql import Reading, lower_bound
from citybase.city.resources.models import resource
from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.security.principals import Principal
from citybase.security.scope import in_scope

__all__ = ["Rows", "fetch_relations"]

Rows: TypeAlias = pa.Table | ds.Dataset

_MAX_ROWS = 5_000_000
_TIMEOUT = "20s"
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]


async def fetch_relations(
    database: Database, sources: ObservationSources, principal: Principal, reading: Reading
) -> dict[str, Rows]:
    """The rows behind a statement that this principal may read, by relation name."""
    relations = [RELATIONS[name] for name in reading.relations]
    records = [relation for relation in relations if relation.kind == "record"]
    tables: dict[str, Rows] = await asyncio.to_thread(_fetch_records, database.url, principal, records, reading.columns)
    if len(records) < len(relations):
        tables |= await _fetch_observations(database, sources, principal, reading)
    return tables


def _fetch_records(
    url: str, principal: Principal, relations: list[Relation], columns: Collection[str] | None
) -> dict[str, pa.Table]:
    """All in one snapshot, so that a case and its clocks agree."""
    if not relations:
        return {}
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = '{_TIMEOUT}'")
        tables = {}
        for relation in relations:
            wanted = [name for name in relation.columns if columns is None or name in columns]
            cursor.execute(_literal(relation.select(principal, wanted).limit(_MAX_ROWS + 1)))
            tables[relation.name] = _typed(relation, wanted, cursor.fetch_arrow_table())
        return tables


def _literal(statement: Select[tuple[object, ...]]) -> str:
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _typed(relation: Relation, wanted: list[str], rows: pa.Table) -> pa.Table:
    if rows.num_rows > _MAX_ROWS:
        raise Problem("indicator_failed", reason=f"{relation.name}: > {_MAX_ROWS}")
    if not wanted:
        return rows  # nothing but counting: one column of ones
    schema = arrow_schema(relation)
    return rows.select(wanted).cast(pa.schema([schema.field(name) for name in wanted]))


async def _fetch_observations(
    database: Database, sources: ObservationSources, principal: Principal, reading: Reading
) -> dict[str, Rows]:
    codes, ids = await _terminals_in_scope(database, principal)
    tables: dict[str, Rows] = {}
    since = lower_bound(reading)
    if since is not None:
        tables["observation"] = _only(await sources.observation(since, codes), "terminal", codes)
    if "series_latest" in reading.relations:
        tables["series_latest"] = _only(await sources.series_latest(ids), "resource_id", ids)
    return tables


def _only(rows: Rows, name: str, allowed: Collection[str] | None) -> Rows:
    """Whatever a source handed over, rows outside the reader's scope end here."""
    if allowed is None:
        return rows
    return rows.filter(pc.field(name).isin(pa.array(list(allowed), type=pa.string())))


async def _terminals_in_scope(database: Database, principal: Principal) -> tuple[set[str] | None, set[str] | None]:
    """Codes and ids of the resources whose observations the principal may read; None: all of them."""
    if whole_city(principal):
        return None, None
    scope = in_scope(principal, "observation.read", resource.c.owner_id, classification=resource.c.classification)
    async with database.begin() as connection:
        rows = (await connection.execute(select(resource.c.code, resource.c.id).where(scope))).all()
    return {row.code for row in rows}, {str(row.id) for row in rows}

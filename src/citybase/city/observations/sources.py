"""Observations as relations for SQL: what indicators read from the lake and from the latest values."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyiceberg.expressions import And, BooleanExpression, GreaterThanOrEqual, In
from sqlalchemy import select

from citybase.city.observations.latest import LatestReader
from citybase.city.observations.models import series
from citybase.engines.lake import Lake
from citybase.engines.postgres import Database

__all__ = ["CityObservations"]


class CityObservations:
    """The lake and the latest values of this city."""

    def __init__(self, database: Database, open_lake: Callable[[], Lake], latest: LatestReader) -> None:
        self._database = database
        self._open_lake = open_lake
        self._latest = latest
        self._lake: Lake | None = None

    def close(self) -> None:
        """Let go of the catalog's connections."""
        if self._lake is not None:
            self._lake.close()

    async def observation(self, since: datetime, terminals: Collection[str] | None) -> ds.Dataset:
        """Observations from `since` on, to be scanned in pieces; `terminals` only narrows the files."""
        condition: BooleanExpression = GreaterThanOrEqual("time", since.isoformat())
        if terminals is not None:
            condition = And(condition, In("terminal", sorted(terminals)))
        dataset = await asyncio.to_thread(lambda: self._opened().dataset(condition))
        return dataset.filter(pc.field("time") >= pa.scalar(since, pa.timestamp("us", tz="UTC")))

    async def series_latest(self, resources: Collection[str] | None) -> pa.Table:
        """One row (resource_id, property, time, value) a series that was ever observed."""
        async with self._database.begin() as connection:
            rows = (await connection.execute(select(series.c.id, series.c.resource_id, series.c.property))).all()
        wanted = [row for row in rows if resources is None or str(row.resource_id) in resources]
        values = self._latest.read(np.array([row.id for row in wanted], np.int64))
        table = pa.table(
            {
                "resource_id": pa.array([str(row.resource_id) for row in wanted], pa.string()),
                "property": pa.array([row.property for row in wanted], pa.string()),
                "time": pa.array(values.time, pa.timestamp("us", tz="UTC")),
                "value": pa.array(values.value, pa.float64()),
                "received": pa.array(values.received, pa.timestamp("us", tz="UTC")),
            }
        )
        return table.filter(pa.array(values.time > 0))

    async def totals(self) -> tuple[float, float]:
        """Rows and data files that the lake holds now."""
        return await asyncio.to_thread(lambda: self._opened().totals())

    async def query(
        self, sql: str, condition: BooleanExpression, parameters: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """SQL over `observation` in the lake; `condition` narrows the files that are read."""
        return await asyncio.to_thread(self._query, sql, condition, parameters)

    def _query(self, sql: str, condition: BooleanExpression, parameters: Mapping[str, Any] | None) -> pa.Table:
        return self._opened().query(sql, condition, parameters)

    def _opened(self) -> Lake:
        if self._lake is None:
            self._lake = self._open_lake()
        return self._lake

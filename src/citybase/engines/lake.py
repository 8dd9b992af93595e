"""The lake: Apache Iceberg tables, catalogued in PostgreSQL, kept in the data folder or on object storage.

One process writes a table (the observer writes `city.observation`); anybody reads. A commit is atomic and carries
properties of its own, such as the stream position that the rows came from.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileSystem
from pyiceberg import expressions
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import BooleanExpression
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import DoubleType, IntegerType, LongType, NestedField, StringType, TimestamptzType

from citybase.engines.postgres import sqlalchemy_url
from citybase.kernel.settings import Settings

__all__ = ["CARRIED_PREFIX", "OBSERVATION_COLUMNS", "Lake", "open_lake", "within"]

CARRIED_PREFIX = "citybase."
"""Names of the properties that we give to commits begin so."""

_SCHEMA = "lake"  # the catalog's tables live apart from ours, so that migrations never see them
_OBSERVATION = ("city", "observation")
_BUCKETS = 8

OBSERVATION_COLUMNS = pa.schema(
    [
        pa.field("series", pa.int64(), nullable=False),
        pa.field("terminal", pa.string(), nullable=False),
        pa.field("property", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.int32(), nullable=False),
        pa.field("received", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""One row an observation. `series` numbers (terminal, property); quality 0 is good; `received`: when it reached us."""

_ICEBERG_SCHEMA = Schema(
    NestedField(1, "series", LongType(), required=True),
    NestedField(2, "terminal", StringType(), required=True),
    NestedField(3, "property", StringType(), required=True),
    NestedField(4, "time", TimestamptzType(), required=True),
    NestedField(5, "value", DoubleType(), required=True),
    NestedField(6, "quality", IntegerType(), required=True),
    NestedField(7, "received", TimestamptzType(), required=True),
    NestedField(8, "source", StringType(), required=True),
)
_PARTITIONS = PartitionSpec(
    PartitionField(4, 1000, DayTransform(), "day"),
    PartitionField(2, 1001, BucketTransform(_BUCKETS), "terminal_bucket"),
)
_ORDER = SortOrder(
    SortField(source_id=1, transform=IdentityTransform()), SortField(source_id=4, transform=IdentityTransform())
)
# No extension is ever fetched from the internet.
_DUCKDB: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": False}
_PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.manifest-merge.enabled": "true",
}


class Lake:
    """The catalog and its observation table."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog
        catalog.create_namespace_if_not_exists(_OBSERVATION[0])
        self.table: Table = catalog.create_table_if_not_exists(
            _OBSERVATION, _ICEBERG_SCHEMA, partition_spec=_PARTITIONS, sort_order=_ORDER, properties=_PROPERTIES
        )

    def close(self) -> None:
        self._catalog.close()

    def append(self, rows: pa.Table, properties: Mapping[str, str]) -> None:
        """Commit rows (of `OBSERVATION_COLUMNS`) together with properties. Raises when the commit did not happen."""
        self.table.append(rows, snapshot_properties=dict(properties))

    def properties(self) -> dict[str, str]:
        """The properties of the newest commit, as the catalog knows it now."""
        snapshot = self.refresh().current_snapshot()
        return dict(snapshot.summary.additional_properties) if snapshot and snapshot.summary else {}

    def carried(self) -> dict[str, str]:
        """Our own properties of the newest commit; a commit that only rearranges files carries them on."""
        return {name: value for name, value in self.properties().items() if name.startswith(CARRIED_PREFIX)}

    def totals(self) -> tuple[int, int]:
        """Rows and data files of the newest commit."""
        summary = self.properties()
        return int(summary.get("total-records", 0)), int(summary.get("total-data-files", 0))

    def refresh(self) -> Table:
        self.table.refresh()
        return self.table

    def files(self, condition: BooleanExpression | None = None) -> list[str]:
        """Data files that may hold rows under the condition (partitions and statistics pruned)."""
        scan = self.refresh().scan(row_filter=condition or expressions.AlwaysTrue())
        return [task.file.file_path for task in scan.plan_files()]

    def dataset(self, condition: BooleanExpression | None = None) -> ds.Dataset:
        """The same files as an Arrow dataset: whoever scans it reads in pieces, never all rows at once."""
        files = [urlsplit(file) for file in self.files(condition)]
        if not files:
            return ds.dataset(OBSERVATION_COLUMNS.empty_table())
        filesystem, _ = FileSystem.from_uri(files[0].geturl())
        return ds.dataset([file.netloc + file.path for file in files], OBSERVATION_COLUMNS, "parquet", filesystem)

    def query(
        self,
        sql: str,
        condition: BooleanExpression | None = None,
        parameters: Mapping[str, Any] | None = None,
        relations: Mapping[str, pa.Table] | None = None,
    ) -> pa.Table:
        """Run SQL over `observation` (pruned by `condition`, which only narrows the files) and given Arrow tables."""
        try:
            return self._query(sql, condition, parameters, relations)
        except duckdb.IOException:
            # A file of a very old plan is gone (`upkeep`): the newest plan names its successor.
            return self._query(sql, condition, parameters, relations)

    def _query(
        self,
        sql: str,
        condition: BooleanExpression | None,
        parameters: Mapping[str, Any] | None,
        relations: Mapping[str, pa.Table] | None,
    ) -> pa.Table:
        with duckdb.connect(config=_DUCKDB) as connection:
            files = self.files(condition)
            if files:
                connection.from_parquet(files, hive_partitioning=False).create_view("observation")
            else:
                connection.register("observation", OBSERVATION_COLUMNS.empty_table())
            for name, relation in (relations or {}).items():
                connection.register(name, relation)
            return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()


def within(start: int, end: int, terminals: Sequence[str] = ()) -> BooleanExpression:
    """Rows from `start` to `end` (µs since 1970, both included), of these terminals (none: of all)."""
    build: Any = expressions  # its constructors take positions that their type hints hide
    span = build.And(build.GreaterThanOrEqual("time", _iso(start)), build.LessThanOrEqual("time", _iso(end)))
    named = build.In("terminal", list(terminals)) if terminals else build.AlwaysTrue()
    condition: BooleanExpression = build.And(span, named)
    return condition


def _iso(microseconds: int) -> str:
    return f"{np.datetime64(microseconds, 'us')}+00:00"


def open_lake(settings: Settings, postgres_url: str) -> Lake:
    """Connect to the catalog in PostgreSQL, creating its schema and the table on first use."""
    logging.getLogger("pyiceberg").setLevel(logging.WARNING)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
    url = sqlalchemy_url(postgres_url).update_query_dict({"options": f"-csearch_path={_SCHEMA}"})
    warehouse = settings.lake_url or (settings.data.absolute() / "lake").as_uri()
    return Lake(
        SqlCatalog("city", uri=url.render_as_string(hide_password=False), warehouse=warehouse, pool_pre_ping="true")
    )

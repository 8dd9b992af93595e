"""Upkeep of the lake: nothing is lost or doubled, commits carry on what they carried, readers are not disturbed."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from citybase.engines.lake import OBSERVATION_COLUMNS, Lake
from citybase.engines.upkeep import delete_orphans, expire, merge

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
COMMITS = 35


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """35 commits with one row each, all of one terminal and day."""
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=(tmp_path / "lake").as_uri())
    lake = Lake(catalog)
    for number in range(COMMITS):
        append(lake, number)
    yield lake
    lake.close()


def append(lake: Lake, number: int) -> None:
    row = {"series": 1, "terminal": "a", "property": "pm25", "quality": 0, "received": NOON, "source": "mqtt"}
    rows = [row | {"time": NOON + timedelta(seconds=number), "value": float(number)}]
    lake.append(pa.Table.from_pylist(rows, OBSERVATION_COLUMNS), {"citybase.commit": str(number)})


def values(lake: Lake) -> list[float]:
    found: list[float] = lake.query("SELECT value FROM observation ORDER BY value")["value"].to_pylist()
    return found


def test_a_lake_is_kept_up_while_it_is_read_and_written(lake: Lake) -> None:
    files = lake.files()
    assert len(files) == COMMITS
    assert merge(lake) == COMMITS
    # What was planned before the merge can still be read.
    assert all(Path(file.removeprefix("file://")).exists() for file in files)
    assert len(lake.files()) == 1
    assert values(lake) == [float(number) for number in range(COMMITS)]
    assert lake.carried() == {"citybase.commit": str(COMMITS - 1)}
    assert lake.totals() == (COMMITS, 1)
    assert merge(lake) == 0
    append(lake, COMMITS)
    assert values(lake) == [float(number) for number in range(COMMITS + 1)]


def test_young_snapshots_stay_and_fifty_stay_however_old(lake: Lake) -> None:
    for number in range(100, 120):
        append(lake, number)
    kept = len(lake.refresh().metadata.snapshots)
    assert expire(lake, datetime.now(UTC)) == 0
    assert expire(lake, datetime.now(UTC) + timedelta(hours=2)) == kept - 50
    assert len(lake.refresh().metadata.snapshots) == 50
    assert len(values(lake)) == COMMITS + 20


def test_only_what_no_kept_snapshot_names_is_deleted(lake: Lake, tmp_path: Path) -> None:
    merge(lake)
    append(lake, COMMITS)
    only_the_newest = [item.snapshot_id for item in lake.refresh().metadata.snapshots[:-1]]
    lake.table.maintenance.expire_snapshots().by_ids(only_the_newest).commit()
    everything = [file for file in (tmp_path / "lake").rglob("*.*") if file.suffix in (".parquet", ".avro")]
    stray = everything[0].with_name("stray.parquet")
    stray.write_bytes(b"left by a commit that died")
    young = everything[0].with_name("young.parquet")
    young.write_bytes(b"of a commit that is under way")
    for file in [*everything, stray]:
        os.utime(file, (0, 0))
    named = files_of(lake)
    assert delete_orphans(lake) == len(everything) + 1 - len(named)
    assert not stray.exists()
    assert young.exists()
    assert all(Path(file).exists() for file in named)
    assert values(lake) == [float(number) for number in range(COMMITS + 1)]


def files_of(lake: Lake) -> set[str]:
    """Everything that the newest snapshot is made of."""
    snapshot = lake.refresh().current_snapshot()
    assert snapshot is not None
    manifests = {item.manifest_path for item in snapshot.manifests(lake.table.io)}
    return {name.removeprefix("file://") for name in (*lake.files(), *manifests, snapshot.manifest_list)}

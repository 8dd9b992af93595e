"""Upkeep of the lake: small files merged, old snapshots forgotten, files that nothing names deleted.

Every function does a bounded piece of work and may die anywhere: a commit happens or not, and a file is deleted only
when no snapshot that is kept can name it. Only the process that writes the table calls them, never beside a commit.
Files that a merge replaced stay for an hour at least, so that whoever reads them now can finish.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pyarrow.dataset as ds
from pyarrow.fs import FileSelector, FileSystem, FileType
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from citybase.engines.lake import OBSERVATION_COLUMNS, Lake

__all__ = ["delete_orphans", "expire", "merge"]

_SMALL_ROWS = 100_000
_MANY_FILES = 32
_MERGED_ROWS = 300_000
_KEPT_SNAPSHOTS = 50
_KEPT_TIME = timedelta(hours=1)
_CLOCK_SLACK = timedelta(minutes=10)
_DELETED_AT_ONCE = 1_000


def merge(lake: Lake) -> int:
    """Merge the small files of the day and bucket that has most of them, when they are many; how many were merged.

    The commit carries on what the newest one carried: stream positions and the identifier of the last append.
    """
    table, chosen = lake.refresh(), _crowded(lake)
    if not chosen:
        return 0
    paths = [urlsplit(file.file_path) for file in chosen]
    filesystem, _ = FileSystem.from_uri(paths[0].geturl())
    files = [path.netloc + path.path for path in paths]
    rows = ds.dataset(files, OBSERVATION_COLUMNS, "parquet", filesystem).to_table()
    rows = rows.sort_by([("series", "ascending"), ("time", "ascending")])
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=lake.carried()).overwrite() as overwrite,
    ):
        for file in chosen:
            overwrite.delete_data_file(file)
        for file in _dataframe_to_data_files(transaction.table_metadata, rows, table.io):
            overwrite.append_data_file(file)
    return len(chosen)


def expire(lake: Lake, now: datetime) -> int:
    """Forget snapshots older than an hour, except the newest 50; how many were forgotten."""
    table = lake.refresh()
    before = (now - _KEPT_TIME).timestamp() * 1000
    old = [item.snapshot_id for item in _by_time(table)[:-_KEPT_SNAPSHOTS] if item.timestamp_ms < before]
    if old:
        table.maintenance.expire_snapshots().by_ids(old).commit()
    return len(old)


def delete_orphans(lake: Lake) -> int:
    """Delete data and manifest files that no snapshot kept can name; how many were deleted.

    What a kept snapshot names was either named by the oldest one kept, or written after it.
    """
    table = lake.refresh()
    snapshots = _by_time(table)
    if not snapshots:
        return 0
    named = _named(table, snapshots[0])
    since = datetime.fromtimestamp(snapshots[0].timestamp_ms / 1000, UTC) - _CLOCK_SLACK
    filesystem, root = FileSystem.from_uri(table.location())
    found = filesystem.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
    orphans = [
        item.path
        for item in found
        if item.type == FileType.File
        and item.extension in ("parquet", "avro")
        and item.mtime < since
        and item.path not in named
    ]
    for path in orphans[:_DELETED_AT_ONCE]:
        filesystem.delete_file(path)
    return min(len(orphans), _DELETED_AT_ONCE)


def _crowded(lake: Lake) -> list[DataFile]:
    """The smallest files of the partition with most small ones, as many as one round may merge."""
    partitions: defaultdict[tuple[object, ...], list[DataFile]] = defaultdict(list)
    for task in lake.table.scan().plan_files():
        if task.file.record_count < _SMALL_ROWS:
            partitions[tuple(task.file.partition)].append(task.file)
    crowded = max(partitions.values(), key=len, default=[])
    if len(crowded) <= _MANY_FILES:
        return []
    chosen, rows = [], 0
    for file in sorted(crowded, key=lambda file: file.record_count):
        rows += file.record_count
        if rows > _MERGED_ROWS:
            break
        chosen.append(file)
    return chosen


def _by_time(table: Table) -> list[Snapshot]:
    return sorted(table.metadata.snapshots, key=lambda item: item.timestamp_ms)


def _named(table: Table, snapshot: Snapshot) -> set[str]:
    """Paths of all files that a snapshot is made of."""
    manifests = snapshot.manifests(table.io)
    files = [entry.data_file.file_path for item in manifests for entry in item.fetch_manifest_entry(table.io)]
    uris = [snapshot.manifest_list, *(item.manifest_path for item in manifests), *files]
    return {part.netloc + part.path for part in map(urlsplit, uris)}

"""Commits to the lake: rows and stream positions in one snapshot, once.

Everything here blocks and runs in a thread, beside the taking of the next batch.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from citybase.collection.observer.pending import Taken, already_stored, to_arrow
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.lake import CARRIED_PREFIX, Lake
from citybase.engines.streams import Position, Source
from citybase.engines.upkeep import delete_orphans, expire, merge

__all__ = ["Commits"]

_COMMIT = CARRIED_PREFIX + "commit"
_POSITION = CARRIED_PREFIX + "position."
_LOG = logging.getLogger(__name__)


class Commits:
    """The writing end of the lake. There is one."""

    def __init__(self, lake: Lake, index: SeriesIndex) -> None:
        self.lake = lake
        self._index = index

    def position(self, source: Source) -> Position | None:
        """How far the stream was when the newest snapshot was committed."""
        text = self.lake.properties().get(_POSITION + source.name)
        if text is None:
            return None
        stream, _, sequence = text.rpartition("@")
        return Position(stream, int(sequence))

    def commit(self, identifier: UUID, taken: Taken, positions: Sequence[tuple[Source, Position]]) -> int:
        """Store what is not stored yet; returns how many rows were new. May be called again with the same identifier
        after an error that left open whether it happened."""
        found = self.lake.properties()
        if found.get(_COMMIT) == str(identifier):
            return 0
        rows = taken.without(already_stored(self.lake, taken, self._index))
        # Positions of a stream that is not open now are carried on.
        properties = {name: value for name, value in found.items() if name.startswith(_POSITION)}
        properties |= {_POSITION + source.name: f"{at.stream}@{at.sequence}" for source, at in positions}
        if len(rows):
            self.lake.append(to_arrow(rows, self._index), properties | {_COMMIT: str(identifier)})
        return len(rows)

    def merge(self) -> None:
        """Merge some small files when they are many."""
        if merged := merge(self.lake):
            _LOG.info("%d small files of the lake merged", merged)

    def clean(self) -> None:
        """Forget old snapshots, then delete what only they named."""
        forgotten, deleted = expire(self.lake, datetime.now(UTC)), delete_orphans(self.lake)
        if forgotten or deleted:
            _LOG.info("%d old snapshots forgotten, %d files deleted", forgotten, deleted)

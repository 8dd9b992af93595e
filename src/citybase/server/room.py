"""Room on the disk: NATS stops a stream at the first write that finds none, and does not start it again by itself.

So it is started anew once there is room. What it had acknowledged is in its files; what it could not store was never
acknowledged, and devices send it again.
"""

import logging
from collections.abc import Callable

from citybase.server.health import LEAST_ROOM

__all__ = ["RoomWatch"]

_LOG = logging.getLogger("citybase.room")
# A little above the mark where there is no room: the disk must not be called full and free again every second.
_ENOUGH = 2 * LEAST_ROOM


class RoomWatch:
    """Looks at the free bytes again and again; calls `mend` when there is room after there was none."""

    def __init__(self, free: Callable[[], int], mend: Callable[[], None]) -> None:
        self._free = free
        self._mend = mend
        self._full = False

    def look(self) -> None:
        free = self._free()
        if not self._full and free < LEAST_ROOM:
            self._full = True
            _LOG.error("no room on the disk: %d bytes free; nothing more is accepted", free)
        elif self._full and free > _ENOUGH:
            self._full = False
            _LOG.warning("room on the disk again: starting NATS anew")
            self._mend()

"""The push channel of the pages: what changes in the city reaches every open page that may see it.

One feed a server process; one bounded queue an open page. A page too slow to follow is told to fetch anew instead of
holding the others up.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from citybase.kernel.events import Event

__all__ = ["Feed"]

_WAITING = 500


class Feed:
    """Fans events out to open pages."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event | None]] = set()

    def deliver(self, event: Event) -> None:
        """Give an event to every open page; a full queue is emptied and its page told so (None)."""
        for queue in self._queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            queue.put_nowait(event)

    @contextmanager
    def open(self) -> Iterator["asyncio.Queue[Event | None]"]:
        """A queue for one page, closed with it."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_WAITING)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

"""Loops that must not end: a failure is logged and the loop goes on after a growing pause."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

__all__ = ["keep_going"]

_LOG = logging.getLogger(__name__)
_SHORTEST, _LONGEST = 0.2, 10.0


async def keep_going(name: str, step: Callable[[], Awaitable[object]], *, every: float) -> None:
    """Run `step` for ever, `every` seconds apart; while it fails, wait up to ten seconds between tries.

    An engine that is restarting makes steps fail for a while: that is expected, said once in the log, and mended by
    itself.
    """
    pause = 0.0
    while True:
        try:
            await step()
            if pause:
                _LOG.info("%s works again", name)
            pause = 0.0
        except Exception as error:
            if not pause:
                _LOG.warning("%s fails and is tried again: %s", name, error, exc_info=error)
            pause = min(_LONGEST, max(_SHORTEST, pause * 2))
        await asyncio.sleep(pause or every)

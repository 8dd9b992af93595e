"""How each of our processes begins and ends: settings from the environment, a log, an orderly stop on SIGTERM."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from citybase.kernel.settings import Settings, load_settings

__all__ = ["run_process"]

_LOG = logging.getLogger(__name__)


def run_process(run: Callable[[Settings], Awaitable[None]]) -> None:
    """Run until it returns or the supervisor says stop; then everything that `run` holds is let go of."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # One line a request to another server, and one a job every ten seconds, would bury what matters.
    for chatty in ("httpx", "procrastinate"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = load_settings(environment=os.environ)

    async def until_told() -> None:
        task = asyncio.ensure_future(run(settings))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await task

    try:
        asyncio.run(until_told())
    except asyncio.CancelledError:
        _LOG.info("stopped")

"""The HTTP process: `python -m citybase.server`, started by the supervisor with its settings in the environment."""

import asyncio
import signal

from granian.constants import Interfaces
from granian.server.embed import Server

from citybase.engines.entry import run_process
from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.server.app import create_app


async def serve(settings: Settings) -> None:
    database = Database(settings.postgres_url or "")
    server = Server(
        create_app(settings, database),
        address=settings.host,
        port=settings.port or 8080,
        interface=Interfaces.ASGI,
        log_access=False,
    )
    # Granian's own stop lets requests finish; cancelling it would cut them off.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    run_process(serve)

"""Run the gateways with settings from the environment: `CITYBASE_*`, as the supervisor gives them."""

import asyncio
import logging

import nats

from citybase.collection.gateways.callout import Callout
from citybase.collection.gateways.credentials import Credentials
from citybase.collection.gateways.hj212_server import Hj212Server
from citybase.collection.gateways.revocation import SUBJECT, Revocation
from citybase.engines.entry import run_process
from citybase.engines.events import handle_events
from citybase.engines.keeping import keep_going
from citybase.engines.nats import account_seed, nats_address
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings

_HJ212_PORT = 9212
_LOG = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    if settings.postgres_url is None:
        raise Problem("engine_unavailable", engine="PostgreSQL")
    database = Database(settings.postgres_url, pool_size=4)
    address = nats_address(settings)
    client = await nats.connect(
        address.url,
        user=address.user,
        password=address.password,
        allow_reconnect=True,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
        error_cb=_on_error,
    )
    credentials, seed = Credentials(database), account_seed(settings)
    await Callout(credentials, seed).serve(client)
    revocation = Revocation(credentials, address, seed)
    broker = Broker(address)
    await broker.connect()
    door = Hj212Server(database, broker, credentials)
    server = await door.listen(settings.host, settings.hj212_port or _HJ212_PORT)

    async def follow_credentials() -> None:
        await handle_events(address, "gateways", revocation.on_event, SUBJECT)

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_going("revocation", follow_credentials, every=1.0))
        group.create_task(server.serve_forever())


async def _on_error(error: Exception) -> None:
    _LOG.warning("NATS: %s", error)


if __name__ == "__main__":
    run_process(run)

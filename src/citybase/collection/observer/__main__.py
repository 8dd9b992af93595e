"""Run the observer with settings from the environment: `CITYBASE_*`, as the supervisor gives them."""

import asyncio

from citybase.city.observations.latest import LatestWriter
from citybase.collection.observer.commits import Commits
from citybase.collection.observer.deriving import Derivations
from citybase.collection.observer.mending import mend
from citybase.collection.observer.observer import Observer
from citybase.collection.observer.patience import patiently
from citybase.collection.observer.series import SeriesIndex
from citybase.collection.observer.watching import Watch
from citybase.engines.entry import run_process
from citybase.engines.heartbeat import Heartbeat
from citybase.engines.lake import open_lake
from citybase.engines.nats import nats_address
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings


async def run(settings: Settings) -> None:
    if settings.postgres_url is None:
        raise Problem("engine_unavailable", engine="PostgreSQL")
    url = settings.postgres_url
    lake = await patiently("opening the lake", lambda: asyncio.to_thread(open_lake, settings, url))
    broker = Broker(nats_address(settings))
    await patiently("connecting to NATS", broker.connect)
    await patiently("preparing the streams", broker.ensure_streams)
    database, index, latest = Database(url, pool_size=2), SeriesIndex(), LatestWriter(settings.data / "latest")
    observer = Observer(
        database=database,
        broker=broker,
        commits=Commits(lake, index),
        latest=latest,
        index=index,
        watch=Watch(database, settings.data / "rules"),
        derivations=Derivations(database),
        flush_seconds=settings.flush_seconds,
        heartbeat=Heartbeat(settings.data, "observer"),
    )
    await patiently("mending the latest values", lambda: asyncio.to_thread(mend, latest, lake))
    try:
        await observer.run()
    finally:
        latest.close()


if __name__ == "__main__":
    run_process(run)

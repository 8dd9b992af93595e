"""The worker process: what the city does by itself — relay events, react to them, keep clocks and numbers.

`python -m citybase.server.worker`, started by the supervisor. Every loop survives the loss of an engine and goes on
by itself; every step is idempotent, so that `kill -9` at any moment costs at most a repetition.
"""

import asyncio

from citybase.city import cases, indicators
from citybase.city.observations.latest import LatestReader
from citybase.city.observations.sources import CityObservations
from citybase.engines.entry import run_process
from citybase.engines.events import handle_events
from citybase.engines.jobs import ScheduledJob, job_app
from citybase.engines.keeping import keep_going
from citybase.engines.lake import open_lake
from citybase.engines.nats import nats_address
from citybase.engines.postgres import Database
from citybase.engines.relay import relay_once
from citybase.engines.streams import Broker
from citybase.foundation.clouds.reporting import HostReporter
from citybase.kernel.events import Event
from citybase.kernel.settings import Settings
from citybase.security.audit.integrate import integrate
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["run"]

_RELAY_EVERY = 0.1
_INTEGRATE_EVERY = 1.0
_TELEMETRY_EVERY = 10.0


async def run(settings: Settings) -> None:
    """All loops at once, until the process is told to stop."""
    database = Database(settings.postgres_url or "")
    broker = Broker(nats_address(settings))
    await broker.connect()
    latest = LatestReader(settings.data / "latest")
    observations = CityObservations(database, lambda: open_lake(settings, database.url), latest)
    reporter = HostReporter(settings, database, broker, observations)
    async with asyncio.TaskGroup() as loops:
        loops.create_task(keep_going("relay", lambda: relay_once(database, broker), every=_RELAY_EVERY))
        loops.create_task(keep_going("audit", lambda: integrate(database, settings), every=_INTEGRATE_EVERY))
        loops.create_task(keep_going("events", lambda: react(settings, database), every=1.0))
        loops.create_task(keep_going("host telemetry", reporter.report, every=_TELEMETRY_EVERY))
        loops.create_task(keep_going("jobs", lambda: work(database, observations), every=1.0))


async def react(settings: Settings, database: Database) -> None:
    """Let every noun answer to what happened elsewhere, until NATS goes away."""

    async def handle(event: Event) -> None:
        async with begin(database, SYSTEM) as tx:
            await cases.on_event(tx, event)

    await handle_events(nats_address(settings), "worker", handle)


async def work(database: Database, observations: CityObservations) -> None:
    """Run scheduled jobs until PostgreSQL goes away."""
    app = job_app(database.url, scheduled_jobs(database, observations))
    async with app.open_async():
        await app.run_worker_async(install_signal_handlers=False, delete_jobs="always", concurrency=2)


def scheduled_jobs(database: Database, observations: CityObservations) -> list[ScheduledJob]:
    return [
        ScheduledJob("cases.note_late", "* * * * * */20", lambda: cases.note_late(database)),
        ScheduledJob(
            "indicators.compute_due", "* * * * * */10", lambda: indicators.compute_due(database, observations)
        ),
    ]


if __name__ == "__main__":
    run_process(run)

"""Durable jobs and schedules on PostgreSQL (procrastinate; `docs/decisions/0001`).

A capability declares a job as an async function and its schedule; the worker process runs it. A job must be
idempotent: after a crash it runs again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from procrastinate import App, PsycopgConnector

__all__ = ["ScheduledJob", "job_app"]


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """Something done again and again. `cron` has five or six fields (seconds last), in UTC."""

    name: str
    cron: str
    run: Callable[[], Awaitable[object]]


def job_app(url: str, jobs: Sequence[ScheduledJob]) -> App:
    """The application a worker runs: one periodic task a job; a tick is deferred once however many workers run."""
    app = App(connector=PsycopgConnector(conninfo=url))
    for job in jobs:
        _register(app, job)
    return app


def _register(app: App, job: ScheduledJob) -> None:
    async def task(timestamp: int) -> None:
        await job.run()

    # `queueing_lock`: a slow run is not piled upon by the next ticks.
    registered = app.task(name=job.name, queueing_lock=job.name, pass_context=False)(task)
    app.periodic(cron=job.cron, periodic_id=job.name)(registered)

"""The ledger of the city on this machine, for whoever holds the machine: read and written through its database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from citybase.city.resources.credentials import issue_credential
from citybase.city.resources.models import resource
from citybase.collection.replay.credentials import KIND
from citybase.engines.postgres import Database, EmbeddedPostgres
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["LocalLedger"]

T = TypeVar("T")


class LocalLedger:
    """Acts as the program itself; the audit log says so. Raises `engine_unavailable` when the city does not run."""

    def __init__(self, settings: Settings) -> None:
        url = settings.postgres_url or EmbeddedPostgres(settings.data / "postgres").running_url()
        if url is None:
            raise Problem("engine_unavailable", engine=f"PostgreSQL ({settings.data}; bin/run)")
        self._url = url
        self._ids: dict[str, UUID] = {}

    def stations(self) -> list[str]:
        async def read(database: Database) -> dict[str, UUID]:
            statement = select(resource.c.code, resource.c.id).where(resource.c.kind == KIND)
            async with database.begin() as connection:
                return {row.code: row.id for row in await connection.execute(statement)}

        self._ids = self._run(read)
        return sorted(self._ids)

    def issue(self, codes: Sequence[str]) -> dict[str, str]:
        async def issue(database: Database) -> dict[str, str]:
            async with begin(database, SYSTEM) as tx:
                issued = [await issue_credential(tx, self._ids[code]) for code in codes]
            return {credential.device: credential.password for credential in issued}

        return self._run(issue)

    def _run(self, work: Callable[[Database], Awaitable[T]]) -> T:
        async def run() -> T:
            database = Database(self._url, pool_size=1)
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(run())

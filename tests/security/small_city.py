"""A small city for the tests of security: a root, two districts, and whoever a test puts there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from argon2 import PasswordHasher
from sqlalchemy import insert

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.identity.models import person, role_grant
from citybase.security.organizations import organization
from citybase.server.app import create_app

PASSWORD = "correct horse battery"
ADDRESS = "http://127.0.0.1:8080"
# The real hash takes 64 MiB and three passes; a test's people need not.
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class SmallCity:
    """Organisations by code: `city`, `east`, `west` (below the city), `street` (below east)."""

    def __init__(self, database: Database, app: Any, settings: Settings) -> None:
        self.database = database
        self.app = app
        self.settings = settings
        self.organizations: dict[str, UUID] = {}
        self.people: dict[str, UUID] = {}

    async def build(self) -> None:
        tree = {"city": (None, "/city/"), "east": ("city", "/city/east/"), "west": ("city", "/city/west/")}
        tree["street"] = ("east", "/city/east/street/")
        for code, (parent, path) in tree.items():
            self.organizations[code] = new_id()
            await self.execute(
                insert(organization).values(
                    id=self.organizations[code],
                    code=code,
                    name=f"{code} 局",
                    kind="department",
                    parent_id=self.organizations.get(parent or ""),
                    path=path,
                )
            )

    async def add(self, username: str, home: str, *grants: tuple[str, str], **columns: Any) -> UUID:
        """A person with grants (role, organisation code); further columns as given."""
        values = {"password_hash": _HASH, "clearance": 2} | columns
        new = self.people[username] = new_id()
        await self.execute(
            insert(person).values(
                id=new, username=username, name=f"{username} 先生", organization_id=self.organizations[home], **values
            )
        )
        for role, place in grants:
            await self.execute(
                insert(role_grant).values(
                    id=new_id(), person_id=new, role=role, organization_id=self.organizations[place]
                )
            )
        return new

    async def execute(self, statement: Any) -> None:
        async with self.database.begin() as connection:
            await connection.execute(statement)

    async def rows(self, statement: Any) -> Sequence[Any]:
        async with self.database.begin() as connection:
            return (await connection.execute(statement)).all()

    def browser(self, **options: Any) -> httpx.AsyncClient:
        """A client with its own cookies."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ADDRESS, **options)

    async def sign_in(self, username: str, browser: httpx.AsyncClient | None = None) -> httpx.AsyncClient:
        browser = browser or self.browser()
        answer = await browser.post("/api/v1/session", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser


@asynccontextmanager
async def small_city(database: Database, folder: Path, **settings: Any) -> AsyncIterator[SmallCity]:
    chosen = Settings(data=folder, **settings)
    city = SmallCity(database, create_app(chosen, database), chosen)
    await city.build()
    yield city

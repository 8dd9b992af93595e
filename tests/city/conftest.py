"""The small city, founded in empty tables, and a signed-in client."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import insert

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.identity.models import person, role_grant
from citybase.security.identity.secrets import hash_password
from citybase.server.app import create_app
from tests.city.a_city import City, found_city

PASSWORD = "correct horse battery"


@pytest.fixture
async def city(database: Database) -> City:
    return await found_city(database)


@pytest.fixture
async def client(city: City, tmp_path: Path) -> AsyncIterator[Any]:
    """Somebody of the data bureau, operator there and administrator of the whole city."""
    someone, bureau = new_id(), city.organizations["610100-data"]
    places = {"operator": bureau, "administrator": city.organizations["610100"]}
    async with city.database.begin() as connection:
        await connection.execute(
            insert(person).values(
                id=someone,
                username="duty",
                name="值班员",
                organization_id=bureau,
                password_hash=hash_password(PASSWORD),
            )
        )
        for role, place in places.items():
            await connection.execute(
                insert(role_grant).values(id=new_id(), person_id=someone, role=role, organization_id=place)
            )
    async with AsyncTestClient(create_app(Settings(data=tmp_path), city.database)) as client:
        await client.post("/api/v1/session", json={"username": "duty", "password": PASSWORD})
        yield client

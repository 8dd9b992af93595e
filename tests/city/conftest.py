"""The small city, founded in empty tables."""

import pytest

from citybase.engines.postgres import Database
from tests.city.a_city import City, found_city


@pytest.fixture
async def city(database: Database) -> City:
    return await found_city(database)

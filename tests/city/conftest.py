"""The small city, founded in empty tables."""

import pytest
from tests.city.a_city import City, found_city

from citybase.engines.postgres import Database


@pytest.fixture
async def city(database: Database) -> City:
    return await found_city(database)

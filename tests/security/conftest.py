"""What the tests of security share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citybase.engines.postgres import Database
from tests.security.small_city import SmallCity, small_city


@pytest.fixture
async def city(database: Database, tmp_path: Path) -> AsyncIterator[SmallCity]:
    async with small_city(database, tmp_path, lockout_failures=3) as city:
        yield city

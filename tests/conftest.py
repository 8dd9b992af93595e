"""One PostgreSQL for the whole test run, migrated once; each test that asks for it gets empty tables."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text

from citybase.engines.postgres import Database, EmbeddedPostgres, metadata
from citybase.server.schema import migrate

# A slow machine is no failure: property tests have no time limit.
hypothesis.settings.register_profile("city", deadline=None)
hypothesis.settings.load_profile("city")

SHARED_DATA = Path(os.environ.get("CITYBASE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; a test that needs it is skipped aloud where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data is absent: no folder {SHARED_DATA} (set CITYBASE_SHARED_DATA)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    # Not pytest's own folder: that is private, and PostgreSQL runs as another user where we are root.
    with tempfile.TemporaryDirectory(prefix="citybase-test-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        url = server.start()
        migrate(url)
        yield url
        server.stop()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    tables = ", ".join(f'"{name}"' for name in metadata.tables)
    async with database.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    yield database
    await database.close()

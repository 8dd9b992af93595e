"""A lake of a test's own, and a ledger with two air stations as the observer's index knows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from citybase.engines.lake import Lake


@pytest.fixture
def empty_lake(tmp_path: Path) -> Iterator[Lake]:
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=(tmp_path / "lake").as_uri())
    lake = Lake(catalog)
    yield lake
    lake.close()

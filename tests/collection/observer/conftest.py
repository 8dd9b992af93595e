"""A lake of a test's own, and a ledger with two air stations as the observer's index knows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import insert

from citybase.city.packs.models import pack
from citybase.city.resources.models import resource, resource_kind
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.lake import Lake
from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.security.organizations import organization

AIR = Path(__file__).parents[3] / "packs" / "air"


@pytest.fixture
def empty_lake(tmp_path: Path) -> Iterator[Lake]:
    catalog = SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=(tmp_path / "lake").as_uri())
    lake = Lake(catalog)
    yield lake
    lake.close()


@pytest.fixture
async def index(database: Database) -> SeriesIndex:
    """The air pack's station kind with the stations `a` and `b`, learnt as the observer learns them."""
    definition = yaml.safe_load((AIR / "kinds" / "air-station.yaml").read_text(encoding="utf-8"))
    bureau, found = new_id(), SeriesIndex()
    async with database.begin() as connection:
        await connection.execute(
            insert(organization).values(id=bureau, code="bureau", name="生态环境局", kind="bureau", path="/bureau/")
        )
        await connection.execute(
            insert(pack).values(
                id="air", version="1", title="", title_en="", requires=[], serves=[], source=str(AIR), digest=b""
            )
        )
        names = {name: definition[name] for name in ("id", "name", "name_en")}
        await connection.execute(insert(resource_kind).values(**names, pack="air", definition=definition))
        common = {"kind": definition["id"], "owner_id": bureau, "life_cycle": "running"}
        await connection.execute(
            insert(resource), [common | {"id": new_id(), "code": code, "name": code} for code in ("a", "b")]
        )
        for code in ("a", "b"):
            await found.learn(connection, [code])
    return found

"""Credentials on the city's own machine, through its database."""

from pathlib import Path

import msgspec
import pytest
from anyio.to_thread import run_sync
from sqlalchemy import select

from citybase.city.resources.actions import create_resource
from citybase.city.resources.checking import ResourceDraft
from citybase.city.resources.definitions import apply_definitions
from citybase.collection.replay.credentials import KIND
from citybase.collection.replay.local import LocalLedger
from citybase.engines.postgres import Database
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.identity.authenticate import device_principal
from citybase.security.principals import SYSTEM
from citybase.security.transactions import audit_pending, begin
from tests.worlds import SENSOR, add_organization

pytestmark = pytest.mark.anyio


async def found_stations(database: Database) -> None:
    owner = await add_organization(database, "610100", "西安市", None)
    async with begin(database, SYSTEM) as tx:
        await apply_definitions(tx, "test", [msgspec.structs.replace(SENSOR, id=KIND)])
        for code in ("XA-2", "XA-1"):
            await create_resource(tx, ResourceDraft(kind=KIND, code=code, name=code, owner_id=owner))


async def test_stations_are_read_and_credentials_issued_and_audited(database: Database) -> None:
    await found_stations(database)
    ledger = LocalLedger(Settings(postgres_url=database.url))
    assert await run_sync(ledger.stations) == ["XA-1", "XA-2"]
    passwords = await run_sync(ledger.issue, ["XA-2"])
    async with database.begin() as connection:
        assert await device_principal(connection, "XA-2", passwords["XA-2"]) is not None
        audited = (await connection.scalars(select(audit_pending.c.action))).all()
    assert audited.count("credential.issue") == 1


def test_a_city_that_does_not_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="bin/run"):
        LocalLedger(Settings(data=tmp_path))

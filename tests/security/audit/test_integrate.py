"""Pending entries reach the log exactly once, whatever dies on the way."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.security.audit import integrate
from citybase.security.audit.entries import decode
from citybase.security.audit.integrate import city_log, city_log_reader, integrate_once
from citybase.security.audit.log import AuditLog
from citybase.security.audit.models import audit_entry
from citybase.security.audit.tiles import LogDamagedError
from citybase.security.audit.verify import verify_folder
from citybase.security.principals import SYSTEM
from citybase.security.transactions import audit_pending, begin
from tests.security.audit.crashing import Crash, die_after

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def log(settings: Settings) -> AuditLog:
    return city_log(settings)


async def act(database: Database, count: int, first: int = 0, **detail: Any) -> None:
    async with begin(database, SYSTEM) as tx:
        for number in range(first, first + count):
            await tx.audit("test.act", "thing", str(number), detail)


async def copied(database: Database) -> list[Any]:
    async with database.begin() as connection:
        return list((await connection.execute(select(audit_entry).order_by(audit_entry.c.log_index))).all())


async def pending(database: Database) -> int:
    async with database.begin() as connection:
        return await connection.scalar(select(func.count()).select_from(audit_pending)) or 0


def targets(log: AuditLog) -> list[str]:
    return [decode(data).target.id for data in log.entries(0, log.size)]


async def test_pending_entries_are_logged_in_order_and_copied(database: Database, log: AuditLog) -> None:
    await act(database, 3, fields=["name"])
    assert await integrate_once(database, log) == 3
    assert await integrate_once(database, log) == 0
    assert await pending(database) == 0
    entry = decode(log.entry(2))
    assert (entry.actor.kind, entry.action, entry.target.id, entry.detail) == (
        "system",
        "test.act",
        "2",
        {"fields": ["name"]},
    )
    rows = await copied(database)
    assert [(row.log_index, row.target_id, row.actor["username"]) for row in rows] == [
        (0, "0", "system"),
        (1, "1", "system"),
        (2, "2", "system"),
    ]
    assert log.inclusion(2).shows(log.entry(2), log.verifier)
    assert verify_folder(log.folder, log.verifier).ok


async def test_what_is_rolled_back_is_not_logged(database: Database, log: AuditLog) -> None:
    async def failing() -> None:
        async with begin(database, SYSTEM) as tx:
            await tx.audit("test.act", "thing", "0")
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await failing()
    assert await integrate_once(database, log) == 0


async def test_a_round_takes_all_that_is_pending(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrate, "_BATCH", 2)
    await act(database, 5)
    assert await integrate.integrate(database, settings) == 5
    assert await integrate.integrate(database, settings) == 0
    assert targets(city_log(settings)) == ["0", "1", "2", "3", "4"]


async def test_a_detail_too_long_is_logged_by_its_hash(database: Database, log: AuditLog) -> None:
    await act(database, 1, text="字" * 70_000)
    await integrate_once(database, log)
    assert decode(log.entry(0)).detail["shortened"]["bytes"] > 200_000


async def test_an_entry_is_logged_once_whatever_step_the_integrator_dies_at(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = city_log(settings)
    for allowed in range(100):
        await act(database, 2, first=2 * allowed)
        with monkeypatch.context() as patch:
            die_after(patch, allowed)
            try:
                await integrate_once(database, log)
            except Crash:
                died = True
            else:
                died = False
        log = city_log(settings)
        await integrate_once(database, log)
        assert targets(log) == [str(number) for number in range(2 * allowed + 2)]
        assert [row.target_id for row in await copied(database)] == targets(log)
        assert await pending(database) == 0
        if not died:
            return
    pytest.fail("the integrator never survived")


async def test_an_entry_is_logged_once_when_the_commit_fails_after_the_append(
    database: Database, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dying(*_args: object) -> None:
        raise Crash

    await act(database, 3)
    with monkeypatch.context() as patch:
        patch.setattr(integrate, "_copy", dying)
        with pytest.raises(Crash):
            await integrate_once(database, log)
    assert (log.size, await pending(database)) == (3, 3)
    await act(database, 1, first=3)
    assert await integrate_once(database, log) == 1
    assert targets(log) == ["0", "1", "2", "3"]


async def test_the_copy_is_rebuilt_from_the_log(database: Database, log: AuditLog) -> None:
    await act(database, 5)
    await integrate_once(database, log)
    before = await copied(database)
    async with database.begin() as connection:
        await connection.execute(delete(audit_entry))
    await integrate_once(database, log)
    assert await copied(database) == before


async def test_a_log_that_lost_entries_is_not_continued(database: Database, log: AuditLog, settings: Settings) -> None:
    await act(database, 2)
    await integrate_once(database, log)
    shutil.rmtree(log.folder)
    await act(database, 1, first=2)
    with pytest.raises(LogDamagedError, match="the log has 0 entries, the database knows 2"):
        await integrate_once(database, city_log(settings))
    assert await pending(database) == 1


async def test_only_one_integrator_works_at_a_time(database: Database, log: AuditLog) -> None:
    await act(database, 1)
    async with database.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": integrate._LOCK})
        assert await integrate_once(database, log) == 0
    assert await integrate_once(database, log) == 1


async def test_after_a_failure_the_next_round_logs_what_waits(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError("no space left on device")

    await act(database, 3)
    with monkeypatch.context() as patch:
        patch.setattr("citybase.security.audit.log.append_durably", full)
        with pytest.raises(OSError, match="no space left"):
            await integrate.integrate(database, settings)
    assert await pending(database) == 3
    assert await integrate.integrate(database, settings) == 3
    assert targets(city_log(settings)) == ["0", "1", "2"]


def test_a_reader_needs_no_private_key(settings: Settings) -> None:
    with pytest.raises(LogDamagedError):
        city_log_reader(settings)
    log = city_log(settings)
    (settings.data / "keys" / "audit.key").unlink()
    assert city_log_reader(settings).root == log.root

"""From committed transactions into the log: pending rows are appended, copied for search, and forgotten.

The log is the truth and the table `audit_entry` its copy. Each round first copies what the log holds beyond the copy,
so that a crash between the append and the commit neither loses an entry nor logs it twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.audit.entries import Actor, Entry, Target, decode, encode, shorten
from citybase.security.audit.log import AuditLog, LogReader, open_log
from citybase.security.audit.merkle import TreeHash
from citybase.security.audit.models import audit_entry
from citybase.security.audit.tiles import LogDamagedError
from citybase.security.transactions import audit_pending

__all__ = ["city_log", "city_log_reader", "integrate", "integrate_once"]

_LOCK = 7_202_612
_BATCH = 1_000


def city_log(settings: Settings) -> AuditLog:
    """The log of this city in `audit` of the data folder, signed with `keys/audit.key`; founded when there is none."""
    origin = f"citybase/audit/{new_id().hex}"
    return open_log(settings.data / "audit", settings.data / "keys" / "audit.key", origin, settings.audit_hash)


def city_log_reader(settings: Settings) -> LogReader:
    """The same log for processes that only read it, and hold no private key. LogDamagedError before it is founded."""
    return LogReader.of_folder(settings.data / "audit")


async def integrate(database: Database, settings: Settings) -> int:
    """Log everything that is pending; how many entries. Meant to be called every second or so.

    The log is opened anew each time, so that whatever failed on the way is finished or discarded first.
    """
    log = await asyncio.to_thread(city_log, settings)
    total = count = await integrate_once(database, log)
    while count == _BATCH:
        count = await integrate_once(database, log)
        total += count
    return total


async def integrate_once(database: Database, log: AuditLog) -> int:
    """Append one batch of pending entries in the order of their ids; how many. Only one integrator works at a time."""
    async with database.begin() as connection:
        if not await connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        await _copy_tail(connection, log)
        query = select(audit_pending).order_by(audit_pending.c.id).limit(_BATCH)
        entries = [_encoded(row) for row in (await connection.execute(query)).all()]
        if entries:
            indexes = await asyncio.to_thread(log.append, entries)
            await _copy(connection, log, indexes.start, entries)
        return len(entries)


async def _copy_tail(connection: AsyncConnection, log: AuditLog) -> None:
    """Copy what the log holds beyond the table: left by a crash, or by a database restored from an older backup."""
    size = await asyncio.to_thread(log.recover)
    known = await connection.scalar(select(func.coalesce(func.max(audit_entry.c.log_index) + 1, 0))) or 0
    if known > size:
        raise LogDamagedError("checkpoint", f"the log has {size} entries, the database knows {known}: restore the log")
    for start in range(known, size, _BATCH):
        entries = await asyncio.to_thread(log.entries, start, min(start + _BATCH, size))
        await _copy(connection, log, start, entries)


async def _copy(connection: AsyncConnection, log: AuditLog, start: int, entries: Sequence[bytes]) -> None:
    tree = TreeHash(await asyncio.to_thread(lambda: log.hash_name))
    rows = [_copied(index, data, tree) for index, data in enumerate(entries, start)]
    await connection.execute(insert(audit_entry), rows)
    await connection.execute(delete(audit_pending).where(audit_pending.c.id.in_([row["id"] for row in rows])))


def _copied(index: int, data: bytes, tree: TreeHash) -> dict[str, Any]:
    entry = decode(data)
    return {
        "log_index": index,
        "id": entry.id,
        "time": entry.time,
        "actor_id": entry.actor.id,
        "actor_name": entry.actor.name,
        "actor": {field: getattr(entry.actor, field) for field in entry.actor.__struct_fields__},
        "action": entry.action,
        "target_type": entry.target.type,
        "target_id": entry.target.id,
        "organization_id": entry.target.organization,
        "outcome": entry.outcome,
        "leaf_hash": tree.leaf(data),
    }


def _encoded(row: Any) -> bytes:
    """A pending row as an entry. One that is too long is cut, not refused: the change it tells of is committed."""
    actor = {field: str(row.actor.get(field) or "") for field in Actor.__struct_fields__}
    entry = Entry(
        id=row.id,
        time=row.time,
        actor=Actor(**actor),
        action=row.action,
        target=Target(row.target_type, row.target_id, row.organization_id),
        detail=row.detail,
        outcome=row.outcome,
    )
    try:
        return encode(entry)
    except ValueError:
        return encode(shorten(entry))

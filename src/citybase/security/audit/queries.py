"""Reading the audit log: search in the copy, the entry itself and its proof from the log. Scope: `audit.read`."""

import asyncio
import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.paging import Order, Page, fetch_page
from citybase.engines.postgres import Database
from citybase.kernel.clock import CITY_ZONE
from citybase.kernel.errors import Problem
from citybase.kernel.settings import Settings
from citybase.security.audit.entries import Actor
from citybase.security.audit.integrate import city_log_reader
from citybase.security.audit.log import CHECKPOINT, LogReader
from citybase.security.audit.models import audit_entry
from citybase.security.audit.proof import InclusionProof
from citybase.security.audit.tiles import LogDamagedError
from citybase.security.organizations import organization
from citybase.security.policy import require
from citybase.security.principals import Principal
from citybase.security.scope import visible

__all__ = ["AuditDetail", "AuditItem", "AuditSearch", "Signed", "list_entries", "newest_checkpoint", "read_entry"]


T = TypeVar("T")

_LARGEST_INDEX = 2**63 - 1


class AuditSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions, all of which must hold; `since` <= time < `until`, without offset city wall-clock time.

    `q` is looked for in the actor's name, the action and the target's id; an `action` that ends with a dot is a prefix.
    """

    q: str | None = None
    actor: str | None = None
    action: str | None = None
    target_type: str | None = None
    target: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ItemTarget(msgspec.Struct):
    type: str
    id: str


class AuditItem(msgspec.Struct):
    """One line of the list."""

    index: int
    time: datetime
    actor: Actor
    action: str
    target: ItemTarget
    outcome: str


class AuditDetail(AuditItem):
    """One entry with what proves it. `entry` is the logged JSON itself; hashes are base64, as in the checkpoint."""

    entry: msgspec.Raw
    leaf_hash: str
    hash: str
    proof: list[str]
    checkpoint: str
    tlog_proof: str
    """The same proof as a C2SP `tlog-proof` file."""


class Signed(msgspec.Struct):
    """What an auditor should keep elsewhere: the newest signed checkpoint and the key that signs."""

    size: int
    time: datetime
    hash: str
    checkpoint: str
    public_key: str


async def list_entries(
    database: Database, principal: Principal, search: AuditSearch, cursor: str | None, limit: int
) -> Page[AuditItem]:
    """Entries of the reader's scope, newest first."""
    require(principal, "audit.read")
    statement = _scoped(principal).where(*_conditions(search))
    async with database.begin() as connection:
        page = await fetch_page(connection, statement, [Order(audit_entry.c.log_index, descending=True)], cursor, limit)
    return page.to([AuditItem(*_item(row)) for row in page.rows])


async def read_entry(database: Database, settings: Settings, principal: Principal, index: int) -> AuditDetail:
    """One entry of the reader's scope, from the log, with its proof under the newest checkpoint."""
    require(principal, "audit.read")
    async with database.begin() as connection:
        row = await _row(connection, principal, index)
    entry, proof, hash_name = await asyncio.to_thread(_reading, settings, lambda log: _proved(log, index))
    return AuditDetail(
        *_item(row),
        entry=msgspec.Raw(entry),
        leaf_hash=base64.b64encode(row.leaf_hash).decode(),
        hash=hash_name,
        proof=[base64.b64encode(sibling).decode() for sibling in proof.path],
        checkpoint=proof.checkpoint.decode(),
        tlog_proof=proof.text(),
    )


async def newest_checkpoint(settings: Settings, principal: Principal) -> Signed:
    """The signed state of the whole log; it tells nothing of its entries."""
    require(principal, "audit.read")
    return await asyncio.to_thread(_reading, settings, _signed)


def _scoped(principal: Principal) -> Select[Any]:
    # What belongs to nobody in particular (a pack applied at start) belongs to the root of the tree.
    root = select(organization.c.id).where(organization.c.parent_id.is_(None)).limit(1).scalar_subquery()
    owner = func.coalesce(audit_entry.c.organization_id, root)
    return visible(select(audit_entry), principal, "audit.read", owner)


def _conditions(search: AuditSearch) -> list[ColumnElement[bool]]:
    column = audit_entry.c
    found: list[ColumnElement[bool]] = []
    if search.q:
        words = (column.actor_name, column.action, column.target_id)
        found.append(func.concat_ws(" ", *words).icontains(_clean(search.q), autoescape=True))
    if search.action:
        action = _clean(search.action)
        prefix = action.endswith(".")
        found.append(column.action.startswith(action, autoescape=True) if prefix else column.action == action)
    exact = {
        column.actor_id: search.actor,
        column.target_type: search.target_type,
        column.target_id: search.target,
        column.outcome: search.outcome,
    }
    found += [name == _clean(value) for name, value in exact.items() if value]
    if search.since:
        found.append(column.time >= _instant(search.since))
    if search.until:
        found.append(column.time < _instant(search.until))
    return found


def _instant(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=CITY_ZONE)


def _clean(text: str) -> str:
    """PostgreSQL stores no NUL, so none can match; and it refuses to be asked."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def _row(connection: AsyncConnection, principal: Principal, index: int) -> Any:
    if not 0 <= index <= _LARGEST_INDEX:
        raise Problem("not_found", what=index)
    found = await connection.execute(_scoped(principal).where(audit_entry.c.log_index == index))
    row = found.one_or_none()
    if row is None:
        raise Problem("not_found", what=index)
    return row


def _reading(settings: Settings, read: Callable[[LogReader], T]) -> T:
    """Read from the log's files; what is wrong with them is a problem that names the remedy."""
    try:
        return read(city_log_reader(settings))
    except LogDamagedError as error:
        raise Problem("audit_log_damaged", file=error.file, reason=error.reason) from error
    except (IndexError, ValueError) as error:
        raise Problem("audit_log_damaged", file=CHECKPOINT, reason=str(error)) from error


def _proved(log: LogReader, index: int) -> tuple[bytes, InclusionProof, str]:
    return log.entry(index), log.inclusion(index), log.hash_name


def _signed(log: LogReader) -> Signed:
    note = log.note()
    checkpoint = log.opened(note)
    return Signed(checkpoint.size, checkpoint.time, checkpoint.hash_name, note.decode(), log.verifier.text())


def _item(row: Any) -> tuple[int, datetime, Actor, str, ItemTarget, str]:
    target = ItemTarget(row.target_type, row.target_id)
    return row.log_index, row.time, Actor(**row.actor), row.action, target, row.outcome

"""A unit of work: one database transaction that carries the change, its audit entry and its event together.

Whatever is committed is audited and announced; whatever is rolled back leaves no trace of either. The audit
integrator (`citybase.security.audit`) and the event relay (`citybase.engines.relay`) take it from there.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, DateTime, Table, Text, Uuid, func, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.engines.outbox import outbox
from citybase.engines.postgres import Database, metadata
from citybase.kernel.clock import now
from citybase.kernel.events import Event
from citybase.kernel.ids import new_id
from citybase.security.principals import Principal

__all__ = ["Transaction", "audit_pending", "begin"]

audit_pending = Table(
    "audit_pending",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("time", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor", JSONB, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    # The organisation the target belongs to, so that an auditor's scope reaches the entry.
    Column("organization_id", Uuid),
    Column("detail", JSONB, nullable=False),
    Column("outcome", Text, nullable=False),
)
"""Audit entries committed with their change, waiting to be sequenced into the Merkle log."""


class Transaction:
    """What an action gets: a connection, who acts, and the two records it must leave."""

    def __init__(self, connection: AsyncConnection, principal: Principal) -> None:
        self.connection = connection
        self.principal = principal

    async def audit(
        self,
        action: str,
        target_type: str,
        target_id: UUID | str,
        detail: Mapping[str, Any] | None = None,
        *,
        organization_id: UUID | None = None,
        outcome: str = "done",
    ) -> None:
        """Leave one audit entry. `detail` names what changed, never secrets or personal payloads."""
        await self.connection.execute(
            insert(audit_pending).values(
                id=new_id(),
                time=now(),
                actor=_actor(self.principal),
                action=action,
                target_type=target_type,
                target_id=str(target_id),
                organization_id=organization_id or self.principal.organization_id,
                detail=msgspec.to_builtins(dict(detail or {})),
                outcome=outcome,
            )
        )

    async def emit(self, type_: str, subject: UUID | str, data: Mapping[str, Any]) -> None:
        """Announce what happened as a CloudEvent; it leaves after the commit."""
        event = Event(type=type_, subject=str(subject), data=msgspec.to_builtins(dict(data)))
        await self.connection.execute(
            insert(outbox).values(id=event.id, type=type_, subject=event.subject, event=msgspec.to_builtins(event))
        )


@asynccontextmanager
async def begin(database: Database, principal: Principal) -> AsyncIterator[Transaction]:
    """Open a unit of work; commits at the end of the block, rolls back on an exception."""
    async with database.begin() as connection:
        yield Transaction(connection, principal)


def _actor(principal: Principal) -> dict[str, str]:
    return {
        "id": str(principal.id),
        "kind": principal.kind,
        "name": principal.name,
        "username": principal.username,
        "organization": principal.organization_name,
    }

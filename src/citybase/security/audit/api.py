"""Routes of the audit log."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from citybase.engines.paging import Page
from citybase.security.audit.queries import (
    AuditDetail,
    AuditItem,
    AuditSearch,
    Signed,
    list_entries,
    newest_checkpoint,
    read_entry,
)
from citybase.security.dependencies import TheDatabase, ThePrincipal, TheSettings

__all__ = ["ROUTES"]


@get("/audit", tags=["audit"], summary="Audit entries in my scope, newest first")
async def read_audit(
    *,
    database: TheDatabase,
    principal: ThePrincipal,
    q: FromQuery[str | None] = None,
    actor: FromQuery[str | None] = None,
    action: FromQuery[str | None] = None,
    target_type: FromQuery[str | None] = None,
    target: FromQuery[str | None] = None,
    outcome: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    cursor: FromQuery[str | None] = None,
    limit: FromQuery[Annotated[int, msgspec.Meta(ge=1, le=200)]] = 50,
) -> Page[AuditItem]:
    search = AuditSearch(
        q=q,
        actor=actor,
        action=action,
        target_type=target_type,
        target=target,
        outcome=outcome,
        since=since,
        until=until,
    )
    return await list_entries(database, principal, search, cursor, limit)


@get("/audit/checkpoint", tags=["audit"], summary="The newest signed checkpoint and the key that signs")
async def read_checkpoint(settings: TheSettings, principal: ThePrincipal) -> Signed:
    return await newest_checkpoint(settings, principal)


@get("/audit/{index:int}", tags=["audit"], summary="One audit entry with the proof that it is in the log")
async def read_audit_entry(
    index: FromPath[int], database: TheDatabase, settings: TheSettings, principal: ThePrincipal
) -> AuditDetail:
    return await read_entry(database, settings, principal, index)


ROUTES = [read_audit, read_checkpoint, read_audit_entry]

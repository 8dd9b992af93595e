"""What a principal can reach in the ledger: one entry, locked for a change, or a place to put one."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from citybase.city.organizations.models import organization
from citybase.city.resources.models import resource
from citybase.kernel.errors import FieldError, Problem
from citybase.security.policy import require
from citybase.security.scope import visible
from citybase.security.transactions import Transaction

__all__ = ["require_at", "within_reach"]


async def within_reach(tx: Transaction, action: str, identifier: UUID) -> Row[Any]:
    """One entry, locked, that the principal sees and may act on. Raises `not_found` or `forbidden`."""
    statement = visible(
        select(resource).where(resource.c.id == identifier),
        tx.principal,
        "resource.read",
        resource.c.owner_id,
        classification=resource.c.classification,
    )
    row = (await tx.connection.execute(statement.with_for_update())).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(identifier))
    await require_at(tx, action, row.owner_id, row.classification)
    return row


async def require_at(tx: Transaction, action: str, owner_id: UUID, classification: int) -> None:
    """Raise `forbidden` unless the action is permitted on a thing of this owner and classification."""
    path = await tx.connection.scalar(select(organization.c.path).where(organization.c.id == owner_id))
    if path is None:
        raise Problem(
            "invalid_input", [FieldError("/owner_id", "unknown_owner", "没有这个部门")], reason="没有这个部门"
        )
    require(tx.principal, action, path, {"classification": classification})

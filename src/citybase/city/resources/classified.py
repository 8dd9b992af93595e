"""Reads of classified entries are audited, whichever page or interface they were shown on."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from citybase.city.resources.models import resource
from citybase.security.transactions import Transaction

__all__ = ["CLASSIFIED", "audit_classified"]

CLASSIFIED = 3
"""From this classification on (3 important 重要) every read is audited."""


async def audit_classified(tx: Transaction, action: str, shown: Collection[UUID]) -> None:
    """Leave one entry with the codes of the classified resources among those shown; none when there are none."""
    classified = select(resource.c.code).where(resource.c.id.in_(shown), resource.c.classification >= CLASSIFIED)
    codes = (await tx.connection.execute(classified.order_by(resource.c.code))).scalars().all()
    if codes:
        await tx.audit(action, "resource", "list", {"codes": list(codes)})

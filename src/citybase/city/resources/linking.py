"""Links between entries: what runs on what, what watches what, what belongs to what."""

from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from citybase.city.resources.models import resource_link
from citybase.city.resources.reach import within_reach
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.transactions import Transaction

__all__ = ["LinkDraft", "link_resources", "unlink_resources"]


class LinkDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A link to another entry; `relation` is a verb read from this end: `runs-on`, `part-of`, `watches`."""

    to_id: UUID
    relation: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z-]{0,39}$")]


async def link_resources(tx: Transaction, identifier: UUID, draft: LinkDraft) -> UUID:
    """Link one entry to another that is in sight. Raises `conflict` when they are linked so already."""
    if draft.to_id == identifier:
        raise Problem("conflict", reason="不能关联到自己")
    start = await within_reach(tx, "resource.write", identifier)
    end = await within_reach(tx, "resource.read", draft.to_id)
    statement = insert(resource_link).values(
        id=new_id(), from_id=identifier, to_id=draft.to_id, relation=draft.relation
    )
    link = await tx.connection.scalar(statement.on_conflict_do_nothing().returning(resource_link.c.id))
    if link is None:
        raise Problem("conflict", reason="这个关联已经存在")
    detail = {"from": start.code, "to": end.code, "relation": draft.relation}
    await tx.audit("resource.link", "resource", identifier, detail, organization_id=start.owner_id)
    await tx.emit("resource.linked", identifier, detail)
    return UUID(str(link))


async def unlink_resources(tx: Transaction, identifier: UUID, link_id: UUID) -> None:
    """Remove a link that starts at this entry. Raises `not_found`."""
    start = await within_reach(tx, "resource.write", identifier)
    removed = await tx.connection.scalar(
        delete(resource_link)
        .where(resource_link.c.id == link_id, resource_link.c.from_id == identifier)
        .returning(resource_link.c.relation)
    )
    if removed is None:
        raise Problem("not_found", what=str(link_id))
    detail = {"from": start.code, "relation": removed}
    await tx.audit("resource.unlink", "resource", identifier, detail, organization_id=start.owner_id)
    await tx.emit("resource.unlinked", identifier, detail)

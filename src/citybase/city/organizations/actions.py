"""What can be done to the tree: create, rename (the former name stays findable), move."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from citybase.city.organizations.definitions import Code, Name, OrganizationKind
from citybase.city.organizations.models import organization
from citybase.city.organizations.tree import carry_subtree
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.kernel.text import refuse_unstorable
from citybase.security.policy import require
from citybase.security.scope import visible
from citybase.security.transactions import Transaction

__all__ = ["OrganizationDraft", "OrganizationNames", "create_organization", "move_organization", "rename_organization"]

_TREE_LOCK = 7_202_612


class OrganizationNames(msgspec.Struct, forbid_unknown_fields=True):
    """New names; what is left out stays."""

    name: Name | None = None
    name_en: str | None = None
    short_name: str | None = None


class OrganizationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A new organisation below `parent_id`."""

    code: Code
    name: Name
    kind: OrganizationKind
    parent_id: UUID
    name_en: str = ""
    short_name: str = ""
    former_names: list[str] = []
    area_code: str | None = None


async def create_organization(tx: Transaction, draft: OrganizationDraft) -> UUID:
    """Add one organisation. Raises `not_found` (parent out of sight), `forbidden`, `conflict` (code taken)."""
    refuse_unstorable(msgspec.to_builtins(draft))
    parent = await _within_reach(tx, draft.parent_id)
    values = msgspec.structs.asdict(draft) | {"id": new_id(), "path": f"{parent.path}{draft.code}/"}
    statement = insert(organization).values(values).on_conflict_do_nothing().returning(organization.c.id)
    identifier = await tx.connection.scalar(statement)
    if identifier is None:
        raise Problem("conflict", reason=f"部门编码 {draft.code} 已被使用")
    await tx.audit("organization.create", "organization", identifier, {"code": draft.code}, organization_id=parent.id)
    await tx.emit("organization.created", identifier, {"code": draft.code, "name": draft.name})
    return UUID(str(identifier))


async def rename_organization(tx: Transaction, identifier: UUID, names: OrganizationNames) -> None:
    """Change names; the full and the short name that end are kept as former ones."""
    refuse_unstorable(msgspec.to_builtins(names))
    before = await _within_reach(tx, identifier)
    given = {field: value for field, value in msgspec.structs.asdict(names).items() if value is not None}
    after = {"name": before.name, "short_name": before.short_name} | given
    ended = [before.name, before.short_name]
    former = [name for name in dict.fromkeys([*before.former_names, *ended]) if name and name not in after.values()]
    await tx.connection.execute(
        update(organization).where(organization.c.id == identifier).values(**given, former_names=former)
    )
    change = {field: [getattr(before, field), value] for field, value in given.items()}
    await tx.audit("organization.rename", "organization", identifier, {"change": change}, organization_id=identifier)
    await tx.emit("organization.renamed", identifier, {"code": before.code, "change": change})


async def move_organization(tx: Transaction, identifier: UUID, parent_id: UUID) -> None:
    """Put an organisation with everything below it under another parent. Raises `conflict` for its own subtree."""
    # Two moves at once could each be sound and together close a circle: moves happen one after the other.
    await tx.connection.execute(select(func.pg_advisory_xact_lock(_TREE_LOCK)))
    moved = await _within_reach(tx, identifier)
    parent = await _within_reach(tx, parent_id)
    if parent.path.startswith(moved.path):
        raise Problem("conflict", reason="不能把部门移到它自己或它的下级之下")
    path = f"{parent.path}{moved.code}/"
    await tx.connection.execute(update(organization).where(organization.c.id == identifier).values(parent_id=parent.id))
    await carry_subtree(tx.connection, moved.path, path)
    detail = {"path": [moved.path, path]}
    await tx.audit("organization.move", "organization", identifier, detail, organization_id=identifier)
    await tx.emit("organization.moved", identifier, detail)


async def _within_reach(tx: Transaction, identifier: UUID) -> Row[Any]:
    """The organisation, locked, if the principal sees it and may write there."""
    statement = visible(
        select(organization).where(organization.c.id == identifier),
        tx.principal,
        "organization.read",
        organization.c.id,
    )
    row = (await tx.connection.execute(statement.with_for_update())).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(identifier))
    require(tx.principal, "organization.write", row.path)
    return row

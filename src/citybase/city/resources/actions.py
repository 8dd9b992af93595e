"""What can be done to an entry: register, change, move in its life cycle. Each leaves history, audit and event."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Row, insert, update

from citybase.city.resources.checking import ResourceDraft, ShortText, check_draft
from citybase.city.resources.credentials import drop_credential
from citybase.city.resources.definitions import KindDefinition
from citybase.city.resources.kinds import read_kind
from citybase.city.resources.models import resource, resource_history
from citybase.city.resources.reach import require_at, within_reach
from citybase.engines.batches import insert_batch
from citybase.kernel.clock import now
from citybase.kernel.errors import FieldError, Problem
from citybase.kernel.ids import new_id
from citybase.security.transactions import Transaction

__all__ = ["ResourceChange", "change_resource", "create_resource", "insert_drafts", "move_life_cycle"]

_BATCH = 1_000


class ResourceChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What may change; what is left out stays, null empties. `attributes` replaces the whole object."""

    name: ShortText | UnsetType = UNSET
    owner_id: UUID | UnsetType = UNSET
    area_code: Annotated[str, msgspec.Meta(max_length=12)] | UnsetType | None = UNSET
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | UnsetType | None = UNSET
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | UnsetType | None = UNSET
    address: Annotated[str, msgspec.Meta(max_length=500)] | UnsetType = UNSET
    classification: Annotated[int, msgspec.Meta(ge=1, le=4)] | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET
    tags: Annotated[list[ShortText], msgspec.Meta(max_length=50)] | UnsetType = UNSET


async def create_resource(tx: Transaction, draft: ResourceDraft, action: str = "resource.write") -> UUID:
    """Register one entry. Raises `invalid_input` with every place, `forbidden`, `conflict` (code taken)."""
    kind = await read_kind(tx.connection, draft.kind)
    _refuse(check_draft(kind, draft))
    await require_at(tx, action, draft.owner_id, draft.classification)
    inserted = await insert_drafts(tx, kind, [draft])
    if not inserted:
        raise Problem("conflict", reason=f"编码 {draft.code} 已登记")
    identifier = inserted[draft.code]
    await tx.audit("resource.create", "resource", identifier, {"code": draft.code}, organization_id=draft.owner_id)
    await tx.emit("resource.created", identifier, {"kind": draft.kind, "code": draft.code, "name": draft.name})
    return identifier


async def insert_drafts(tx: Transaction, kind: KindDefinition, drafts: Sequence[ResourceDraft]) -> dict[str, UUID]:
    """Write checked drafts with their first history entries; returns code → id of those whose code was free."""
    inserted: dict[str, UUID] = {}
    for start in range(0, len(drafts), _BATCH):
        rows = [_row(kind, draft) for draft in drafts[start : start + _BATCH]]
        statement = insert_batch(resource, rows).on_conflict_do_nothing(index_elements=[resource.c.code])
        written = await tx.connection.execute(statement.returning(resource.c.code, resource.c.id))
        fresh = {row.code: row.id for row in written}
        entries = [
            _history(tx, fresh[row["code"]], 1, "create", {field: [None, row[field]] for field in _SHOWN})
            for row in rows
            if row["code"] in fresh
        ]
        if entries:
            await tx.connection.execute(insert_batch(resource_history, entries))
        inserted |= fresh
    return inserted


async def change_resource(tx: Transaction, identifier: UUID, version: int, change: ResourceChange) -> int:
    """Change fields of one entry; returns its new version.

    Raises `version_conflict` when somebody else changed it since `version`.
    """
    before = await within_reach(tx, "resource.write", identifier)
    _expect(before, version)
    given = {field: value for field, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    changed = {field: value for field, value in given.items() if getattr(before, field) != value}
    if not changed:
        return version
    kind = await read_kind(tx.connection, before.kind)
    fields = [field for field in ResourceDraft.__struct_fields__ if field != "life_cycle"]
    after = ResourceDraft(**{field: getattr(before, field) for field in fields} | changed)
    _refuse(check_draft(kind, after))
    await require_at(tx, "resource.write", after.owner_id, after.classification)
    return await _write(tx, before, "change", changed)


async def move_life_cycle(tx: Transaction, identifier: UUID, to: str, version: int | None = None) -> int:
    """Move one entry along a declared transition; returns its new version. A final state revokes its credential."""
    before = await within_reach(tx, "resource.write", identifier)
    if version is not None:
        _expect(before, version)
    kind = await read_kind(tx.connection, before.kind)
    state = kind.state(to)
    if state is None or not kind.can_move(before.life_cycle, to):
        allowed = "、".join(m.target for m in kind.life_cycle.transitions if m.source == before.life_cycle) or "无"
        raise Problem("conflict", reason=f"不能从 {before.life_cycle} 转到 {to};可转到:{allowed}")
    if state.final:
        await drop_credential(tx, identifier)
    return await _write(tx, before, "life_cycle", {"life_cycle": to})


async def _write(tx: Transaction, before: Row[Any], verb: str, values: dict[str, Any]) -> int:
    version = int(before.version) + 1
    await tx.connection.execute(
        update(resource).where(resource.c.id == before.id).values(**values, version=version, updated_at=now())
    )
    change = {field: [getattr(before, field), value] for field, value in values.items()}
    await tx.connection.execute(insert(resource_history).values(_history(tx, before.id, version, verb, change)))
    owner = values.get("owner_id", before.owner_id)
    detail = {"code": before.code, "fields": sorted(change)}
    await tx.audit(f"resource.{verb}", "resource", before.id, detail, organization_id=owner)
    await tx.emit("resource.changed", before.id, {"kind": before.kind, "code": before.code, "fields": sorted(change)})
    return version


def _expect(before: Row[Any], version: int) -> None:
    if before.version != version:
        raise Problem("version_conflict", given=version, current=before.version)


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise Problem("invalid_input", errors, reason="; ".join(f"{e.pointer} {e.message}" for e in errors[:3]))


def _row(kind: KindDefinition, draft: ResourceDraft) -> dict[str, Any]:
    values = msgspec.structs.asdict(draft)
    return values | {"id": new_id(), "life_cycle": draft.life_cycle or kind.life_cycle.initial}


_SHOWN = [field for field in ResourceDraft.__struct_fields__ if field != "kind"]


def _history(tx: Transaction, identifier: UUID, version: int, action: str, change: dict[str, Any]) -> dict[str, Any]:
    who = tx.principal
    return {
        "id": new_id(),
        "resource_id": identifier,
        "version": version,
        "time": now(),
        "actor": {"id": str(who.id), "name": who.name, "organization": who.organization_name or None},
        "action": action,
        "change": msgspec.to_builtins(change),
    }

"""Entries of the ledger that packs state (`resources/*.csv`)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from citybase.city.organizations.models import organization
from citybase.city.resources.actions import ResourceChange, change_resource, insert_drafts
from citybase.city.resources.checking import ResourceDraft
from citybase.city.resources.kinds import read_kinds
from citybase.city.resources.models import resource
from citybase.kernel.errors import FieldError
from citybase.security.transactions import Transaction

__all__ = ["ResourceDefinition", "apply_entries", "check_entry"]


class ResourceDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row. `owner` is an organisation's code; `attributes` a JSON object, `tags` separated by `|`."""

    code: str
    name: str
    kind: str
    owner: str
    area_code: str | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    address: str = ""
    classification: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    life_cycle: str | None = None
    attributes: dict[str, Any] = {}
    tags: list[str] = []


def check_entry(definition: ResourceDefinition) -> list[FieldError]:
    """Nothing on its own: rows are checked against their kind, by `citybase.city.packs.checking`."""
    return []


async def apply_entries(tx: Transaction, pack: str, definitions: Sequence[ResourceDefinition]) -> list[str]:
    """Register new rows and change those that differ. The life cycle belongs to the city once an entry exists."""
    kinds = await read_kinds(tx.connection)
    codes = [definition.code for definition in definitions]
    owners = {row.code: row.id for row in await tx.connection.execute(select(organization.c.code, organization.c.id))}
    known = await tx.connection.execute(
        select(resource.c.code, resource.c.id, resource.c.version).where(resource.c.code.in_(codes))
    )
    existing = {row.code: row for row in known}
    fresh: dict[str, list[ResourceDraft]] = defaultdict(list)
    for definition in definitions:
        values = _values(definition, owners)
        if definition.code in existing:
            row = existing[definition.code]
            await change_resource(tx, row.id, row.version, _change(values))
        else:
            fresh[definition.kind].append(ResourceDraft(**values))
    for kind, drafts in fresh.items():
        await insert_drafts(tx, kinds[kind], drafts)
    return codes


def _values(definition: ResourceDefinition, owners: dict[str, UUID]) -> dict[str, Any]:
    values = msgspec.structs.asdict(definition)
    owner = values.pop("owner")
    return values | {"owner_id": owners[owner]}


def _change(values: dict[str, Any]) -> ResourceChange:
    return ResourceChange(**{name: value for name, value in values.items() if name in ResourceChange.__struct_fields__})

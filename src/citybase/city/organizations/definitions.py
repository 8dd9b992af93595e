"""Organisations and areas as packs state them (`organizations.csv`, `areas.csv`)."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from citybase.city.organizations.models import area, organization
from citybase.city.organizations.tree import carry_subtree
from citybase.kernel.errors import FieldError
from citybase.kernel.ids import new_id
from citybase.kernel.text import unstorable
from citybase.security.transactions import Transaction

__all__ = [
    "AreaDefinition",
    "OrganizationDefinition",
    "OrganizationKind",
    "apply_areas",
    "apply_organizations",
    "check_area",
    "check_organization",
]

OrganizationKind = Literal[
    "city", "district", "development-zone", "department", "branch", "street", "community", "enterprise"
]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OrganizationDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `organizations.csv`. `parent` is a code; an earlier name is kept in `former_names`."""

    code: Code
    name: Name
    kind: OrganizationKind
    name_en: str = ""
    short_name: str = ""
    former_names: list[str] = []
    parent: Code | None = None
    area_code: str | None = None


class AreaDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `areas.csv`; the point is WGS 84 degrees and approximate unless the pack says otherwise."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2,12}$")]
    name: Name
    level: Literal["province", "city", "district", "development-zone", "street", "community"]
    code_system: Literal["GB/T 2260", "NBS", "local"]
    name_en: str = ""
    parent_code: str | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None


def check_organization(definition: OrganizationDefinition) -> list[FieldError]:
    errors = list(unstorable(msgspec.to_builtins(definition)))
    if definition.name in definition.former_names:
        errors.append(FieldError("/former_names", "same_name", "曾用名与现名相同"))
    if definition.parent == definition.code:
        errors.append(FieldError("/parent", "own_parent", "上级不能是自己"))
    return errors


def check_area(definition: AreaDefinition) -> list[FieldError]:
    errors = list(unstorable(msgspec.to_builtins(definition)))
    if (definition.longitude is None) != (definition.latitude is None):
        errors.append(FieldError("/longitude", "half_a_point", "经度和纬度必须同时给出或同时留空"))
    return errors


async def apply_organizations(tx: Transaction, pack: str, definitions: Sequence[OrganizationDefinition]) -> list[str]:
    """Upsert a pack's organisations, parents first; a name that changes is kept among the former ones."""
    rows = await tx.connection.execute(select(organization))
    known = {row.code: Standing(row.id, row.name, row.path, row.former_names) for row in rows}
    for definition in parents_first(definitions):
        before = known.get(definition.code)
        above = known[definition.parent] if definition.parent else None
        former = _former_names(definition, before)
        path = f"{above.path if above else '/'}{definition.code}/"
        standing = Standing(before.id if before else new_id(), definition.name, path, former)
        known[definition.code] = standing
        await _upsert(tx, definition, standing, above.id if above else None)
        if before is not None and before.path != path:
            await carry_subtree(tx.connection, before.path, path)
    return [definition.code for definition in definitions]


class Standing(msgspec.Struct, frozen=True):
    """What an organisation is in the tree at this moment."""

    id: UUID
    name: str
    path: str
    former_names: list[str]


def parents_first(definitions: Sequence[OrganizationDefinition]) -> list[OrganizationDefinition]:
    """Order definitions so that every parent that is among them stands before its children; a cycle keeps its order."""
    by_code = {definition.code: definition for definition in definitions}
    ordered: dict[str, OrganizationDefinition] = {}

    def place(definition: OrganizationDefinition, above: frozenset[str]) -> None:
        parent = by_code.get(definition.parent or "")
        if parent is not None and parent.code not in ordered and parent.code not in above:
            place(parent, above | {definition.code})
        ordered.setdefault(definition.code, definition)

    for definition in definitions:
        place(definition, frozenset())
    return list(ordered.values())


def _former_names(definition: OrganizationDefinition, before: Standing | None) -> list[str]:
    names = [*(before.former_names if before else ()), *definition.former_names]
    if before is not None:
        names.append(before.name)
    return [name for name in dict.fromkeys(names) if name != definition.name]


async def _upsert(tx: Transaction, definition: OrganizationDefinition, standing: Standing, parent: UUID | None) -> None:
    values = {
        "name": definition.name,
        "name_en": definition.name_en,
        "short_name": definition.short_name,
        "former_names": standing.former_names,
        "kind": definition.kind,
        "parent_id": parent,
        "path": standing.path,
        "area_code": definition.area_code,
    }
    statement = insert(organization).values(id=standing.id, code=definition.code, **values)
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=[organization.c.code], set_=values))


async def apply_areas(tx: Transaction, pack: str, definitions: Sequence[AreaDefinition]) -> list[str]:
    """Upsert a pack's divisions and zones."""
    if not definitions:
        return []
    statement = insert(area).values([msgspec.to_builtins(definition) for definition in definitions])
    columns = {column.name: statement.excluded[column.name] for column in area.c if column.name != "code"}
    await tx.connection.execute(statement.on_conflict_do_update(index_elements=[area.c.code], set_=columns))
    return [definition.code for definition in definitions]

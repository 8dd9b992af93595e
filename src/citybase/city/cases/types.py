"""Case types as stored: the newest version of each for opening, any version for cases under way."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.cases.case_type import CaseTypeDefinition
from citybase.city.cases.models import case_type
from citybase.kernel.errors import Problem
from citybase.security.organizations import organization

__all__ = ["CaseType", "all_types", "body", "current_type", "current_types", "type_of"]


class CaseType(msgspec.Struct, frozen=True):
    version: int
    pack: str
    definition: CaseTypeDefinition


async def all_types(connection: AsyncConnection) -> dict[tuple[str, int], CaseType]:
    """Every version of every type, by id and version."""
    rows = await connection.execute(select(case_type).order_by(case_type.c.id, case_type.c.version))
    return {(row.id, row.version): _read(row) for row in rows}


async def current_types(connection: AsyncConnection) -> list[CaseType]:
    """The newest version of each type, by id."""
    newest = {id_: type_ for (id_, _), type_ in (await all_types(connection)).items()}
    return list(newest.values())


async def current_type(connection: AsyncConnection, id_: str) -> CaseType:
    """The newest version of a type. Raises `invalid_input` for an unknown one."""
    statement = select(case_type).where(case_type.c.id == id_).order_by(case_type.c.version.desc()).limit(1)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise Problem("invalid_input", reason=f"type: {id_}")
    return _read(row)


async def type_of(connection: AsyncConnection, record: Any) -> CaseTypeDefinition:
    """The definition that a case goes by: the one it was opened under."""
    statement = select(case_type).where(case_type.c.id == record.type, case_type.c.version == record.type_version)
    return _read((await connection.execute(statement)).one()).definition


async def body(connection: AsyncConnection, id_: UUID) -> Any:
    """An organisation's row."""
    return (await connection.execute(select(organization).where(organization.c.id == id_))).one()


def _read(row: Any) -> CaseType:
    return CaseType(row.version, row.pack, msgspec.convert(row.definition, CaseTypeDefinition))

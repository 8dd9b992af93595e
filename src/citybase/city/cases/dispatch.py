"""Dispatch 派遣: which organisation answers for a case."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.cases.case_type import Assignment, CaseTypeDefinition, DispatchRule
from citybase.kernel.errors import FieldError, Problem
from citybase.security.organizations import organization

__all__ = ["assigned_body", "dispatched_body", "find_by_code"]

_DIVISION_LENGTHS = (9, 6)
"""GB/T 10114 street codes have 9 digits, GB/T 2260 district codes 6: a street's case goes up to its district."""


async def assigned_body(
    connection: AsyncConnection, definition: CaseTypeDefinition, assign: Assignment, record: Any, form: dict[str, Any]
) -> UUID:
    """The organisation an action hands the case to. Raises `invalid_input` or `case_without_body`."""
    if assign.field is not None and form.get(assign.field):
        return await _named(connection, form[assign.field], assign.field)
    if assign.to == "dispatch":
        return await dispatched_body(connection, definition, record.area_code)
    found: UUID | None = {"registrar": record.registrar_id, "handler": record.handler_id}.get(assign.to or "")
    if found is None:
        raise Problem("case_without_body", area=record.area_code or "—", code=assign.to or assign.field)
    return found


async def dispatched_body(connection: AsyncConnection, definition: CaseTypeDefinition, area_code: str | None) -> UUID:
    """The first organisation that a rule names and that exists. Raises `case_without_body`."""
    tried = [code for rule in definition.dispatch for code in candidates(rule, area_code or "")]
    for code in tried:
        found = await find_by_code(connection, code)
        if found is not None:
            return found
    raise Problem("case_without_body", area=area_code or "—", code=", ".join(tried))


def candidates(rule: DispatchRule, area_code: str) -> Iterator[str]:
    """Organisation codes a rule may mean for an area, the closest division first."""
    if rule.areas and not area_code.startswith(tuple(rule.areas)):
        return
    if "{area_code}" not in rule.organization:
        yield rule.organization
        return
    shorter = [area_code[:length] for length in _DIVISION_LENGTHS if len(area_code) > length]
    for code in [area_code, *shorter] if area_code else []:
        yield rule.organization.replace("{area_code}", code)


async def find_by_code(connection: AsyncConnection, code: str) -> UUID | None:
    found: UUID | None = await connection.scalar(select(organization.c.id).where(organization.c.code == code))
    return found


async def _named(connection: AsyncConnection, value: Any, field: str) -> UUID:
    """An organisation that a person chose in a form, by id or by code."""
    try:
        known = organization.c.id == UUID(str(value))
    except ValueError:
        known = organization.c.code == str(value)
    found: UUID | None = await connection.scalar(select(organization.c.id).where(known))
    if found is None:
        error = FieldError(f"/form/{field}", "unknown_organization", "没有这个部门 no such organisation")
        raise Problem("invalid_input", [error], reason=f"{error.pointer}: {error.message}")
    return found

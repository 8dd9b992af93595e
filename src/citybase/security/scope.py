"""Data scope compiled into SQL: every list and every single read passes through `visible`.

A principal sees a row when the row's organisation lies below one of the places where a role permits the action,
and the row's classification does not exceed their clearance. No row is ever fetched first and filtered after.
"""

from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.security.organizations import organization, read_root
from citybase.security.policy import paths_for, require
from citybase.security.principals import Principal

__all__ = ["in_scope", "require_citywide", "visible"]

Ts = TypeVarTuple("Ts")


def visible(
    statement: Select[*Ts],
    principal: Principal,
    action: str,
    *owners: ColumnElement[Any],
    classification: ColumnElement[Any] | None = None,
) -> Select[*Ts]:
    """Limit a SELECT to rows whose organisation (any of the id columns `owners`) is in the principal's scope."""
    return statement.where(in_scope(principal, action, *owners, classification=classification))


def in_scope(
    principal: Principal,
    action: str,
    *owners: ColumnElement[Any],
    classification: ColumnElement[Any] | None = None,
) -> ColumnElement[bool]:
    """The WHERE condition of `visible`, for statements that are no SELECT."""
    paths = paths_for(principal, action)
    if not paths:
        return false()
    reached: ColumnElement[bool] = true()
    if "/" not in paths:
        below = select(organization.c.id).where(
            or_(*(organization.c.path.startswith(path, autoescape=True) for path in paths))
        )
        reached = or_(*(owner.in_(below) for owner in owners))
    if classification is None:
        return reached
    return and_(reached, classification <= principal.clearance)


async def require_citywide(connection: AsyncConnection, principal: Principal, action: str) -> None:
    """Raise `forbidden` unless the principal may do it at the root of the tree: what is the whole city's is not
    changed from a part of it."""
    root = await read_root(connection)
    require(principal, action, root.path if root is not None else "/")

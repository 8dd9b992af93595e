"""Which cases a principal may read: those whose owner, registrar or any past holder lies in scope."""

from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, select

from citybase.city.cases.models import case_party, case_record
from citybase.security.policy import paths_for
from citybase.security.principals import Principal
from citybase.security.scope import in_scope

__all__ = ["case_in_scope", "visible_cases"]

Ts = TypeVarTuple("Ts")


def case_in_scope(principal: Principal) -> ColumnElement[bool]:
    """The condition on `case_record`."""
    scope = in_scope(principal, "case.read", case_party.c.organization_id)
    if "/" in paths_for(principal, "case.read"):
        return scope
    return case_record.c.id.in_(select(case_party.c.case_id).where(scope))


def visible_cases(statement: Select[*Ts], principal: Principal) -> Select[*Ts]:
    """Limit a SELECT over `case_record` to what the principal may read."""
    return statement.where(case_in_scope(principal))

"""Indicators as packs state them (`indicators/*.yaml`): a number's SQL, unit, target and period."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from citybase.city.indicators.models import indicator
from citybase.city.indicators.sql import try_out
from citybase.kernel.errors import FieldError, Problem
from citybase.security.transactions import Transaction

__all__ = ["IndicatorDefinition", "Target", "TargetState", "apply_definitions", "check", "state_of"]

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
TargetState = Literal["ok", "warn", "alarm", "none"]
_SHORTEST = timedelta(minutes=1)


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the value should be."""

    comparator: Literal[">=", ">", "<=", "<", "="]
    value: float

    def is_met(self, value: float) -> bool:
        outcomes = {
            ">=": value >= self.value,
            ">": value > self.value,
            "<=": value <= self.value,
            "<": value < self.value,
            "=": value == self.value,
        }
        return outcomes[self.comparator]


class IndicatorDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """`sql` yields one row with `value` (of a ratio also `numerator`, `denominator`); `rows_sql` the rows behind."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    name: Name
    name_en: Name
    sql: str
    rows_sql: str
    description: str = ""
    unit: str = ""
    decimals: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0
    target: Target | None = None
    warn: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Missing the target by no more than so much is a warning, by more an alarm."""
    period: timedelta = timedelta(minutes=5)
    serves: list[str] = []


def state_of(definition: IndicatorDefinition, value: float | None) -> TargetState:
    """How a value stands against its target."""
    if definition.target is None or value is None:
        return "none"
    if definition.target.is_met(value):
        return "ok"
    return "warn" if abs(value - definition.target.value) <= definition.warn else "alarm"


def check(definition: IndicatorDefinition) -> list[FieldError]:
    """Every fault; both statements are tried over empty relations, so that wrong columns show without data."""
    return list(_faults(definition))


def _faults(definition: IndicatorDefinition) -> Iterator[FieldError]:
    if definition.period < _SHORTEST:
        yield FieldError("/period", "too_short", "周期至少一分钟 at least one minute")
    try:
        names = try_out(definition.sql).column_names
        if "value" not in names:
            yield FieldError("/sql", "no_value", "结果缺少 value 列 the result has no column value")
    except Problem as problem:
        yield FieldError("/sql", problem.code, str(problem.params.get("reason")))
    try:
        try_out(definition.rows_sql)
    except Problem as problem:
        yield FieldError("/rows_sql", problem.code, str(problem.params.get("reason")))


async def apply_definitions(tx: Transaction, pack: str, definitions: Sequence[IndicatorDefinition]) -> list[str]:
    """Upsert a pack's indicators; a changed one is computed anew at once. Returns the ids of those that changed."""
    changed = []
    for definition in definitions:
        document = msgspec.to_builtins(definition)
        known = await tx.connection.execute(select(indicator).where(indicator.c.id == definition.id))
        before = known.one_or_none()
        if before is not None and (before.definition, before.pack) == (document, pack):
            continue
        values = {"pack": pack, "definition": document, "attempted_at": None, "error": None}
        statement = insert(indicator).values(id=definition.id, **values)
        await tx.connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
        changed.append(definition.id)
    return changed

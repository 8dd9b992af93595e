"""An alarm rule as a pack states it (`rules/*.yaml`)."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from citybase.city.observations.conditions import Condition, ConditionError, compile_condition
from citybase.city.observations.models import alarm_rule
from citybase.city.observations.rules import Rule
from citybase.kernel.errors import FieldError
from citybase.security.transactions import Transaction

__all__ = ["Priority", "RuleDefinition", "apply_definitions", "check", "compiled"]

Priority = Literal["urgent", "high", "normal", "low"]
_PLACEHOLDER = re.compile(r"{([^{}]*)}")


class RuleDefinition(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename={"lasting": "for"}
):
    """`condition` and `clear` are SQL over the kind's properties; without `clear` the alarm ends with the condition."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    name_en: Annotated[str, msgspec.Meta(min_length=1)]
    kind: str
    condition: str
    clear: str | None = None
    lasting: timedelta = timedelta(0)
    """How long the condition must hold (ISO 8601, `PT1H`)."""
    priority: Priority
    case_type: str | None = None
    """Type of the case that the alarm opens; none: the alarm is for information."""
    message: Annotated[str, msgspec.Meta(min_length=1)]
    """`{name}` is the terminal's, `{pm25}` the value of a property."""
    message_en: Annotated[str, msgspec.Meta(min_length=1)]


def compiled(definition: RuleDefinition) -> Rule:
    """The rule ready to evaluate. Raises `ConditionError`."""
    clear = definition.clear or f"NOT ({definition.condition})"
    return Rule(
        definition.id,
        compile_condition(definition.condition),
        compile_condition(clear),
        definition.lasting // timedelta(microseconds=1),
    )


def check(definition: RuleDefinition) -> list[FieldError]:
    """What is wrong with a rule on its own."""
    return list(_errors(definition))


def _errors(definition: RuleDefinition) -> Iterator[FieldError]:
    named: set[str] = {"name"}
    for place in ("condition", "clear"):
        text = getattr(definition, place)
        found = _condition(text) if text is not None else None
        if isinstance(found, ConditionError):
            yield FieldError(f"/{place}", "bad_condition", f"条件不能使用:{found}")
        elif found is not None:
            named.update(found.properties)
    for place in ("message", "message_en"):
        for name in _PLACEHOLDER.findall(getattr(definition, place)):
            if name not in named:
                yield FieldError(f"/{place}", "unknown_placeholder", f"{{{name}}} 不是 name,也不在条件的观测项中")
    if definition.lasting < timedelta(0):
        yield FieldError("/for", "negative", "持续时间不能为负")


def _condition(text: str) -> Condition | ConditionError:
    try:
        return compile_condition(text)
    except ConditionError as error:
        return error


async def apply_definitions(tx: Transaction, pack: str, definitions: Sequence[RuleDefinition]) -> list[str]:
    """Upsert rules; returns the ids of those that changed."""
    rows = await tx.connection.execute(select(alarm_rule.c.id, alarm_rule.c.definition))
    stored = {row.id: row.definition for row in rows}
    changed = []
    for definition in definitions:
        content = msgspec.to_builtins(definition)
        if stored.get(definition.id) == content:
            continue
        values = {
            "pack": pack,
            "kind": definition.kind,
            "name": definition.name,
            "name_en": definition.name_en,
            "priority": definition.priority,
            "case_type": definition.case_type,
            "definition": content,
        }
        statement = insert(alarm_rule).values(id=definition.id, **values)
        await tx.connection.execute(statement.on_conflict_do_update(index_elements=[alarm_rule.c.id], set_=values))
        changed.append(definition.id)
    return changed

"""A kind of resource as a pack states it (`kinds/*.yaml`): schema, code scheme, life cycle, what it observes."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from sqlalchemy.dialects.postgresql import insert

from citybase.city.resources.models import resource_kind
from citybase.kernel.errors import FieldError
from citybase.kernel.text import unstorable
from citybase.security.transactions import Transaction

__all__ = [
    "CodeScheme",
    "Derivation",
    "KindDefinition",
    "LifeCycle",
    "ObservedProperty",
    "State",
    "Transition",
    "apply_definitions",
    "check",
]

Identifier = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
PropertyName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One state of a life cycle; entering a `final` one ends the resource's work and revokes its credential."""

    id: Identifier
    name: str
    name_en: str = ""
    final: bool = False


class Transition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}):
    """A declared move between states, named by its verb."""

    source: str
    target: str
    name: str
    name_en: str = ""


class LifeCycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    initial: str
    states: list[State]
    transitions: list[Transition] = []


class CodeScheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How codes of this kind look; `standard` names the rule they follow, if any."""

    pattern: str
    example: str
    name: str = ""
    standard: str = ""


class Derivation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a property is computed: a function of the pack's `functions.py` and the properties it is given, in order."""

    function: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    arguments: Annotated[list[str], msgspec.Meta(min_length=1)]


class ObservedProperty(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing a terminal of this kind observes, or that is derived from what it observes.

    `range` holds the plausible values: beyond it is bad quality. `ucum` is the unit's UCUM code, `interval` the time
    one value stands for.
    """

    id: PropertyName
    name: str
    unit: str
    name_en: str = ""
    ucum: str = ""
    decimals: int | None = None
    range: tuple[float, float] | None = None
    interval: timedelta | None = None
    derive: Derivation | None = None


class KindDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A kind of resource. One that declares `properties` makes terminals: its code is the device id on the wire."""

    id: Identifier
    name: str
    name_en: str
    life_cycle: LifeCycle
    code: CodeScheme
    schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "object"})
    """JSON Schema 2020-12 of `attributes`; each property carries a Chinese `title`."""
    description: str = ""
    icon: str = ""
    serves: list[str] = []
    standards: list[str] = []
    properties: list[ObservedProperty] = []

    @property
    def is_terminal(self) -> bool:
        return bool(self.properties)

    def state(self, identifier: str) -> State | None:
        return next((state for state in self.life_cycle.states if state.id == identifier), None)

    def can_move(self, source: str, target: str) -> bool:
        return any(move.source == source and move.target == target for move in self.life_cycle.transitions)


def check(definition: KindDefinition) -> list[FieldError]:
    """What is wrong with a kind on its own, with JSON pointers into it."""
    return [
        *unstorable(msgspec.to_builtins(definition)),
        *_check_schema(definition.schema),
        *_check_life_cycle(definition.life_cycle),
        *_check_code(definition.code),
        *_check_properties(definition),
    ]


def _check_schema(schema: dict[str, Any]) -> Iterator[FieldError]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "".join(f"/{part}" for part in error.absolute_path)
        yield FieldError(f"/schema{place}", "bad_json_schema", f"不是有效的 JSON Schema 2020-12:{error.message}")
        return
    if schema.get("type") != "object":
        yield FieldError("/schema", "not_an_object", "顶层必须写 type: object")
    for name, part in schema.get("properties", {}).items():
        if not isinstance(part, dict) or not part.get("title"):
            yield FieldError(f"/schema/properties/{name}", "no_title", "缺少中文名 title")


def _check_life_cycle(cycle: LifeCycle) -> Iterator[FieldError]:
    states = [state.id for state in cycle.states]
    yield from _repeated(states, "/life_cycle/states")
    if cycle.initial not in states:
        yield FieldError("/life_cycle/initial", "unknown_state", f"没有状态 {cycle.initial}")
    for number, move in enumerate(cycle.transitions):
        for end, state in (("from", move.source), ("to", move.target)):
            if state not in states:
                yield FieldError(f"/life_cycle/transitions/{number}/{end}", "unknown_state", f"没有状态 {state}")


def _check_code(scheme: CodeScheme) -> Iterator[FieldError]:
    try:
        pattern = re.compile(scheme.pattern)
    except re.error as error:
        yield FieldError("/code/pattern", "bad_pattern", f"正则表达式有误:{error}")
        return
    if not pattern.fullmatch(scheme.example):
        yield FieldError("/code/example", "example_differs", f"示例 {scheme.example} 不符合 {scheme.pattern}")


def _check_properties(definition: KindDefinition) -> Iterator[FieldError]:
    names = [item.id for item in definition.properties]
    yield from _repeated(names, "/properties")
    for number, item in enumerate(definition.properties):
        if item.range is not None and item.range[0] >= item.range[1]:
            yield FieldError(f"/properties/{number}/range", "empty_range", "下限必须小于上限")
        measured = [other.id for other in definition.properties if other.derive is None]
        for place, name in enumerate(item.derive.arguments if item.derive else ()):
            if name not in measured:
                pointer = f"/properties/{number}/derive/arguments/{place}"
                yield FieldError(pointer, "unknown_property", f"没有实测的观测项 {name}")


def _repeated(names: Sequence[str], pointer: str) -> Iterator[FieldError]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield FieldError(f"{pointer}/{number}/id", "duplicate", f"重复:{name}")


async def apply_definitions(tx: Transaction, pack: str, definitions: Sequence[KindDefinition]) -> list[str]:
    """Upsert kinds. What the ledger already holds stays as it is and is validated at its next change."""
    for definition in definitions:
        values = {
            "pack": pack,
            "name": definition.name,
            "name_en": definition.name_en,
            "definition": msgspec.to_builtins(definition),
        }
        statement = insert(resource_kind).values(id=definition.id, **values)
        await tx.connection.execute(statement.on_conflict_do_update(index_elements=[resource_kind.c.id], set_=values))
    return [definition.id for definition in definitions]

"""The sections of a pack: which files they are, what one definition is, who checks and applies it.

One line a section. Each noun keeps its definitions in its own `definitions.py` with a Struct, `check` and
`apply_definitions`; the table names the place as text, because a section may belong to a higher floor of the house
(views are drawn by the operations centre) and is looked up only when a pack is read.
"""

import importlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from citybase.kernel.errors import FieldError
from citybase.security.transactions import Transaction

__all__ = ["SECTIONS", "Section"]

Check = Callable[[Any], list[FieldError]]
Apply = Callable[[Transaction, str, Sequence[Any]], Awaitable[list[str]]]


@dataclass(frozen=True)
class Section:
    """`refers` maps places of a definition (`*`: any item) to the section they must be found in; `sql` lists places
    that hold SQL. Rows (`key` code) are handed to `apply` when they changed, definitions all together."""

    name: str
    pattern: str
    module: str
    type_name: str
    check_name: str = "check"
    apply_name: str = "apply_definitions"
    key: str = "id"
    refers: dict[str, str] = field(default_factory=dict)
    sql: tuple[str, ...] = ()

    @property
    def rows(self) -> bool:
        return self.pattern.endswith(".csv")

    @cached_property
    def type(self) -> type[msgspec.Struct]:
        found: type[msgspec.Struct] = getattr(importlib.import_module(self.module), self.type_name)
        return found

    @cached_property
    def check(self) -> Check:
        found: Check = getattr(importlib.import_module(self.module), self.check_name)
        return found

    @cached_property
    def apply(self) -> Apply:
        found: Apply = getattr(importlib.import_module(self.module), self.apply_name)
        return found

    def identify(self, value: Any) -> str:
        """The id of a definition, typed or as it was read."""
        given = value.get(self.key, "") if isinstance(value, dict) else getattr(value, self.key)
        return str(given)


_TREE = "citybase.city.organizations.definitions"
_LEDGER = "citybase.city.resources"
SECTIONS: tuple[Section, ...] = (
    Section(
        "areas", "areas.csv", _TREE, "AreaDefinition", "check_area", "apply_areas", "code",
        refers={"parent_code": "areas"},
    ),
    Section(
        "organizations", "organizations.csv", _TREE, "OrganizationDefinition", "check_organization",
        "apply_organizations", "code", refers={"parent": "organizations", "area_code": "areas"},
    ),
    Section("kinds", "kinds/*.yaml", f"{_LEDGER}.definitions", "KindDefinition"),
    Section(
        "resources", "resources/*.csv", f"{_LEDGER}.entries", "ResourceDefinition", "check_entry", "apply_entries",
        "code", refers={"kind": "kinds", "owner": "organizations", "area_code": "areas"},
    ),
    Section(
        "case-types", "case-types/*.yaml", "citybase.city.cases", "CaseTypeDefinition",
        refers={"registrar": "organizations"},
    ),
    Section(
        "rules", "rules/*.yaml", "citybase.city.observations.definitions", "RuleDefinition",
        refers={"kind": "kinds", "case_type": "case-types"}, sql=("condition", "clear"),
    ),
    Section(
        "indicators", "indicators/*.yaml", "citybase.city.indicators", "IndicatorDefinition", sql=("sql", "rows_sql")
    ),
    Section(
        "views", "views/*.yaml", "citybase.applications.operations.definitions", "View",
        refers={"figures/*": "indicators", "layers/*/kind": "kinds"},
    ),
)  # fmt: skip
"""In the order they are applied: what is referred to stands before what refers to it."""

"""Who acts: people, service accounts and devices, with what they were granted.

A grant is a role *at* an organisation; it reaches that organisation and everything below it in the tree. Scope is
therefore a set of path prefixes, which `citybase.security.scope` compiles into SQL.
"""

from typing import Literal
from uuid import UUID

import msgspec

__all__ = ["SYSTEM", "Grant", "Principal"]


class Grant(msgspec.Struct, frozen=True):
    """A role at an organisation; `path` is that organisation's place in the tree (`/610100/610113/`)."""

    role: str
    path: str


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """One acting identity. `actions` limits an API token to part of what its owner may do; None: no limit."""

    id: UUID
    kind: Literal["person", "service", "device", "system"]
    name: str
    username: str = ""
    organization_id: UUID | None = None
    organization_name: str = ""
    grants: tuple[Grant, ...] = ()
    clearance: int = 1
    actions: frozenset[str] | None = None
    must_change_password: bool = False

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(grant.role for grant in self.grants)

    def roles_at(self, path: str | None) -> frozenset[str]:
        """Roles that reach an organisation path; with None, all roles."""
        return frozenset(grant.role for grant in self.grants if path is None or path.startswith(grant.path))


SYSTEM = Principal(
    id=UUID(int=0),
    kind="system",
    name="CityBase",
    username="system",
    grants=(Grant("system", "/"),),
    clearance=4,
)
"""The program itself: the observer raising an alarm, a clock running out, a pack applied at start."""

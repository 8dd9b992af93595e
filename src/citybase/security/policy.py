"""Access policy: deny by default, permits written in Cedar (https://www.cedarpolicy.com), parsed once.

Cedar decides *whether an action may be performed*; which rows it reaches is compiled into SQL by
`citybase.security.scope`, because no permission engine filters a list.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import cedarpy

from citybase.kernel.errors import Problem
from citybase.security.principals import Principal

__all__ = ["actions", "allowed", "paths_for", "permitted_actions", "require"]

_NOBODY = "nobody"


@cache
def _policies() -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str(_text("policies.cedar"))


@cache
def _schema() -> cedarpy.Schema:
    return cedarpy.Schema.from_str(_text("schema.cedarschema"))


@cache
def actions() -> tuple[str, ...]:
    """Every action the policy schema declares, sorted."""
    lines = _text("schema.cedarschema").splitlines()
    return tuple(sorted(line.split('"')[1] for line in lines if line.strip().startswith('action "')))


def require(
    principal: Principal, action: str, path: str | None = None, attributes: Mapping[str, Any] | None = None
) -> None:
    """Raise `Problem("forbidden")` unless a policy permits the action on something owned at `path`."""
    if not allowed(principal, action, path, attributes):
        raise Problem("forbidden", action=action)


def allowed(
    principal: Principal, action: str, path: str | None = None, attributes: Mapping[str, Any] | None = None
) -> bool:
    """Whether a policy permits it. `attributes` of the thing acted on may hold `classification` (1..4)."""
    if not _may_act(principal, action):
        return False
    classification = int((attributes or {}).get("classification", 1))
    return _decide(principal.roles_at(path), principal.kind, principal.clearance, action, classification)


def _may_act(principal: Principal, action: str) -> bool:
    # Before any role counts: a first password must be changed, and a token does what it was made for.
    return not principal.must_change_password and (principal.actions is None or action in principal.actions)


@cache
def _decide(roles: frozenset[str], kind: str, clearance: int, action: str, classification: int) -> bool:
    # Decisions depend on these five values alone, so the cache is exact, not an approximation.
    entity = {
        "uid": {"type": "Principal", "id": _NOBODY},
        "attrs": {"roles": sorted(roles), "kind": kind, "clearance": clearance},
        "parents": [],
    }
    thing = {"uid": {"type": "Thing", "id": "it"}, "attrs": {"classification": classification}, "parents": []}
    request = {
        "principal": f'Principal::"{_NOBODY}"',
        "action": f'Action::"{action}"',
        "resource": 'Thing::"it"',
    }
    return bool(cedarpy.is_authorized(request, _policies(), json.dumps([entity, thing]), schema=_schema()).allowed)


def permitted_actions(principal: Principal) -> list[str]:
    """What this principal may do somewhere: pages show or hide buttons by it; the server decides again."""
    return [action for action in actions() if allowed(principal, action)]


def paths_for(principal: Principal, action: str) -> tuple[str, ...]:
    """Organisation paths in which the principal may perform the action; the widest ones only."""
    if not _may_act(principal, action):
        return ()
    reached = sorted(
        {
            grant.path
            for grant in principal.grants
            if _decide(frozenset((grant.role,)), principal.kind, principal.clearance, action, 1)
        }
    )
    return tuple(path for path in reached if not any(path != other and path.startswith(other) for other in reached))


def _text(name: str) -> str:
    return (files("citybase.security") / "policies" / name).read_text(encoding="utf-8")

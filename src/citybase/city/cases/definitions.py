"""Case types as packs state them (`case-types/*.yaml`): whether one makes sense, and how it is stored.

Sound is a type whose references are all known, whose states can all be reached, whose cases can all end.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from citybase.city.cases.case_type import ActionDefinition, CaseTypeDefinition, Limit
from citybase.city.cases.forms import schema_errors
from citybase.city.cases.models import case_type
from citybase.kernel.errors import FieldError
from citybase.security.policy import actions as policy_actions
from citybase.security.transactions import Transaction

__all__ = ["CaseTypeDefinition", "apply_definitions", "check"]

RESERVED = frozenset({"opened"})
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check(definition: CaseTypeDefinition) -> list[FieldError]:
    """Every fault of a definition, with the JSON pointer of its place; empty: it can be applied."""
    errors = [error for part in _PARTS for error in part(definition)]
    if errors:
        return errors  # the graph below is only worth walking when its edges exist
    return [error for part in _GRAPH for error in part(definition)]


async def apply_definitions(tx: Transaction, pack: str, definitions: Sequence[CaseTypeDefinition]) -> list[str]:
    """Store each definition that is new or changed as its type's next version; returns the ids of those."""
    changed = []
    for definition in definitions:
        document = msgspec.to_builtins(definition)
        newest = (
            await tx.connection.execute(
                select(case_type).where(case_type.c.id == definition.id).order_by(case_type.c.version.desc()).limit(1)
            )
        ).one_or_none()
        if newest is not None and (newest.definition, newest.pack) == (document, pack):
            continue
        version = 1 if newest is None else newest.version + 1
        await tx.connection.execute(
            insert(case_type).values(id=definition.id, version=version, pack=pack, definition=document)
        )
        changed.append(definition.id)
    return changed


def _duplicates(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    for name in ("states", "actions", "clocks"):
        seen: set[str] = set()
        for number, part in enumerate(getattr(definition, name)):
            if part.id in seen:
                yield FieldError(f"/{name}/{number}/id", "duplicate", f"编号重复 duplicate id: {part.id}")
            seen.add(part.id)


def _references(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    states = {state.id for state in definition.states}
    for number, action in enumerate(definition.actions):
        for position, state in enumerate(action.from_):
            if state not in states:
                yield _unknown(f"/actions/{number}/from/{position}", state)
        if action.to not in states:
            yield _unknown(f"/actions/{number}/to", action.to)
    for number, clock in enumerate(definition.clocks):
        for position, state in enumerate(clock.runs_in):
            if state not in states:
                yield _unknown(f"/clocks/{number}/runs_in/{position}", state)


def _actions(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    for number, action in enumerate(definition.actions):
        place = f"/actions/{number}"
        if action.permission not in policy_actions():
            yield _unknown(f"{place}/permission", action.permission)
        if action.id in RESERVED:
            yield FieldError(f"{place}/id", "reserved", f"保留字 reserved: {action.id}")
        yield from _assignment(definition, action, place)


def _assignment(definition: CaseTypeDefinition, action: ActionDefinition, place: str) -> Iterator[FieldError]:
    assign = action.assign
    if assign is None:
        return
    if assign.field is not None and assign.field not in (action.form or {}).get("properties", {}):
        yield _unknown(f"{place}/assign/field", assign.field)
    if assign.to == "dispatch" and not definition.dispatch:
        yield FieldError(f"{place}/assign/to", "no_dispatch_rules", "没有派遣规则 the type has no dispatch rules")
    if assign.field is None and assign.to is None:
        yield FieldError(f"{place}/assign", "empty", "未指定承接单位 names neither a field nor a body")


def _forms(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    yield from schema_errors(definition.intake, "/intake")
    for number, action in enumerate(definition.actions):
        yield from schema_errors(action.form, f"/actions/{number}/form")


def _limits(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    for number, clock in enumerate(definition.clocks):
        yield from _limit(clock.limit, f"/clocks/{number}/limit")
        for priority, limit in clock.by_priority.items():
            yield from _limit(limit, f"/clocks/{number}/by_priority/{priority}")


def _limit(limit: Limit, place: str) -> Iterator[FieldError]:
    given = [value for value in (limit.working, limit.working_days, limit.calendar) if value is not None]
    if len(given) != 1:
        yield FieldError(place, "one_limit", "working、working_days、calendar 只能且必须给一个 give exactly one")
    elif isinstance(given[0], timedelta) and given[0] <= timedelta():
        yield FieldError(place, "not_positive", "时限必须大于零 must be more than nothing")


def _dispatch(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    for number, rule in enumerate(definition.dispatch):
        for name in _PLACEHOLDER.findall(rule.organization):
            if name != "area_code":
                yield _unknown(f"/dispatch/{number}/organization", name)
    last = definition.dispatch[-1] if definition.dispatch else None
    if last is not None and (last.areas or "{" in last.organization):
        place = f"/dispatch/{len(definition.dispatch) - 1}"
        yield FieldError(place, "no_default", "最后一条须兜底 the last rule must name one organisation for everywhere")


def _terminal(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    terminal = {state.id for state in definition.states if state.terminal}
    if not terminal:
        yield FieldError("/states", "no_terminal", "没有办结状态 no state is terminal")
        return
    for number, action in enumerate(definition.actions):
        if terminal.intersection(action.from_) and action.to not in terminal:
            yield FieldError(f"/actions/{number}/to", "reopens", "办结后不能重开 a closed case cannot reopen")
    for number, state in enumerate(definition.states):
        if not terminal & reachable(definition.actions, state.id):
            yield FieldError(f"/states/{number}", "cannot_end", f"无法办结 no way leads to an end: {state.id}")


def _reached(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    reached = reachable(definition.actions, definition.states[0].id)
    for number, state in enumerate(definition.states):
        if state.id not in reached:
            yield FieldError(f"/states/{number}", "unreachable", f"无法到达 no action leads here: {state.id}")


def _clocks_stop(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    terminal = {state.id for state in definition.states if state.terminal}
    for number, clock in enumerate(definition.clocks):
        for state in terminal.intersection(clock.runs_in):
            place = f"/clocks/{number}/runs_in/{clock.runs_in.index(state)}"
            yield FieldError(place, "never_stops", f"计时不会停止 runs on in a terminal state: {state}")


def _one_primary(definition: CaseTypeDefinition) -> Iterator[FieldError]:
    primary: set[str] = set()
    for number, action in enumerate(definition.actions):
        if action.primary and primary.intersection(action.from_):
            yield FieldError(f"/actions/{number}/primary", "two_primary", "同一状态有两个主操作 another one is primary")
        if action.primary:
            primary.update(action.from_)


def reachable(actions: Sequence[ActionDefinition], start: str) -> set[str]:
    """States that some sequence of actions leads to, the start included."""
    reached, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        further = {action.to for action in actions if state in action.from_} - reached
        reached |= further
        waiting.extend(further)
    return reached


def _unknown(pointer: str, name: str) -> FieldError:
    return FieldError(pointer, "unknown", f"未定义 unknown: {name}")


_Part = Callable[[CaseTypeDefinition], Iterator[FieldError]]
_PARTS: tuple[_Part, ...] = (_duplicates, _references, _actions, _forms, _limits, _dispatch)
_GRAPH: tuple[_Part, ...] = (_terminal, _reached, _clocks_stop, _one_primary)

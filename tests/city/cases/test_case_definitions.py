"""What a case type must be, and where its faults are named."""

from typing import Any

import msgspec
import pytest

from citybase.city.cases import CaseTypeDefinition, apply_definitions, check
from citybase.city.cases.dispatch import candidates
from citybase.city.cases.types import current_type
from citybase.engines.postgres import Database
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin
from tests.city.a_city import AIR_POLLUTION


def a_type(**more: Any) -> CaseTypeDefinition:
    """A small sound type with parts replaced."""
    act = {"name": "办", "name_en": "act", "permission": "case.handle"}
    parts: dict[str, Any] = {
        "id": "small",
        "name": "小事",
        "name_en": "Small",
        "prefix": "XA-S",
        "registrar": "610100-data",
        "states": [
            {"id": "open", "name": "在办", "name_en": "Open"},
            {"id": "done", "name": "办结", "name_en": "Done", "terminal": True},
        ],
        "actions": [{"id": "finish", "from": ["open"], "to": "done", **act}],
    }
    return msgspec.convert(parts | more, CaseTypeDefinition)


def action(id_: str, from_: str, to: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": "办", "name_en": "act", "permission": "case.handle", "from": [from_], "to": to, **more}


def state(id_: str, *, terminal: bool = False) -> dict[str, Any]:
    return {"id": id_, "name": id_, "name_en": id_, "terminal": terminal}


def clock(runs_in: list[str], limit: dict[str, Any]) -> dict[str, Any]:
    return {"id": "time", "name": "时限", "name_en": "Time", "runs_in": runs_in, "limit": limit}


FINISH = action("finish", "open", "done")
OPEN, DONE = state("open"), state("done", terminal=True)


def test_the_shipped_type_and_the_small_one_have_no_fault() -> None:
    assert check(AIR_POLLUTION) == []
    assert check(a_type()) == []


@pytest.mark.parametrize(
    ("parts", "pointer", "code"),
    [
        ({"states": [OPEN, DONE, state("island")]}, "/states/2", "cannot_end"),
        ({"states": [OPEN, DONE, state("island", terminal=True)]}, "/states/2", "unreachable"),
        ({"states": [OPEN, state("done")]}, "/states", "no_terminal"),
        ({"states": [OPEN, DONE, OPEN]}, "/states/2/id", "duplicate"),
        ({"actions": [FINISH, FINISH]}, "/actions/1/id", "duplicate"),
        ({"actions": [action("finish", "opne", "done")]}, "/actions/0/from/0", "unknown"),
        ({"actions": [action("finish", "open", "dnoe")]}, "/actions/0/to", "unknown"),
        ({"actions": [FINISH, action("again", "done", "open")]}, "/actions/1/to", "reopens"),
        ({"actions": [FINISH | {"permission": "case.fly"}]}, "/actions/0/permission", "unknown"),
        ({"actions": [action("opened", "open", "done")]}, "/actions/0/id", "reserved"),
        ({"actions": [FINISH | {"assign": {"field": "who"}}]}, "/actions/0/assign/field", "unknown"),
        ({"actions": [FINISH | {"assign": {"to": "dispatch"}}]}, "/actions/0/assign/to", "no_dispatch_rules"),
        ({"actions": [FINISH | {"assign": {}}]}, "/actions/0/assign", "empty"),
        ({"actions": [FINISH | {"form": {"type": "nonsense"}}]}, "/actions/0/form/type", "bad_schema"),
        ({"actions": [FINISH | {"form": {"type": "array"}}]}, "/actions/0/form", "bad_schema"),
        (
            {"actions": [FINISH | {"primary": True}, action("other", "open", "done", primary=True)]},
            "/actions/1/primary",
            "two_primary",
        ),
        ({"clocks": [clock(["open", "done"], {"working": "PT1H"})]}, "/clocks/0/runs_in/1", "never_stops"),
        ({"clocks": [clock(["opne"], {"working": "PT1H"})]}, "/clocks/0/runs_in/0", "unknown"),
        ({"clocks": [clock(["open"], {})]}, "/clocks/0/limit", "one_limit"),
        ({"clocks": [clock(["open"], {"working": "PT1H", "working_days": 1})]}, "/clocks/0/limit", "one_limit"),
        ({"clocks": [clock(["open"], {"calendar": "PT0S"})]}, "/clocks/0/limit", "not_positive"),
        ({"dispatch": [{"organization": "{area}-eco"}]}, "/dispatch/0/organization", "unknown"),
        ({"dispatch": [{"organization": "{area_code}-eco"}]}, "/dispatch/0", "no_default"),
        ({"intake": {"type": "string"}}, "/intake", "bad_schema"),
    ],
)
def test_a_fault_is_named_with_its_place(parts: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in [(error.pointer, error.code) for error in check(a_type(**parts))]


def test_a_mistyped_field_is_refused_when_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="permision"):
        a_type(actions=[FINISH | {"permision": "case.handle"}])


@pytest.mark.parametrize(
    ("area_code", "expected"),
    [
        ("610116", ["610116-eco", "610100-eco"]),
        ("610116003", ["610116003-eco", "610116-eco", "610100-eco"]),
        ("610116003001", ["610116003001-eco", "610116003-eco", "610116-eco", "610100-eco"]),
        ("", ["610100-eco"]),
    ],
)
def test_a_place_is_looked_for_from_the_closest_division_upwards(area_code: str, expected: list[str]) -> None:
    assert [code for rule in AIR_POLLUTION.dispatch for code in candidates(rule, area_code)] == expected


@pytest.mark.anyio
async def test_applying_is_idempotent_and_a_change_is_a_new_version(database: Database) -> None:
    async with begin(database, SYSTEM) as tx:
        assert await apply_definitions(tx, "p", [a_type()]) == ["small"]
        assert await apply_definitions(tx, "p", [a_type()]) == []
        assert await apply_definitions(tx, "p", [a_type(name="大事")]) == ["small"]
        newest = await current_type(tx.connection, "small")
    assert (newest.version, newest.definition.name) == (2, "大事")

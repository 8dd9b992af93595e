"""The policy: deny by default, and what decides about one thing agrees with what decides about lists."""

import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import citybase.security.policy as policy_module
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.security.identity.people import ROLES
from citybase.security.policy import actions, allowed, paths_for, permitted_actions, require
from citybase.security.principals import SYSTEM, Grant, Principal

POLICIES = (Path(policy_module.__file__).parent / "policies" / "policies.cedar").read_text(encoding="utf-8")
PLACES = ("/", "/a/", "/a/b/", "/a/b/c/", "/ab/", "/b/")


def somebody(*grants: tuple[str, str], kind: str = "person", clearance: int = 2, **more: object) -> Principal:
    values = {"id": new_id(), "kind": kind, "name": "x", "clearance": clearance} | more
    return Principal(grants=tuple(Grant(role, path) for role, path in grants), **values)  # type: ignore[arg-type]


def test_whoever_was_granted_nothing_may_do_nothing() -> None:
    assert permitted_actions(somebody()) == []


@pytest.mark.parametrize("role", ["", "root", "Administrator", "system"])
def test_a_role_that_no_policy_names_permits_nothing(role: str) -> None:
    assert permitted_actions(somebody((role, "/"))) == []


def test_an_action_that_the_schema_does_not_declare_is_refused_even_to_the_program() -> None:
    assert not allowed(SYSTEM, "resource.obliterate")


def test_a_role_reaches_its_organisation_and_below_and_no_neighbour_whose_name_begins_alike() -> None:
    officer = somebody(("data_officer", "/a/"))
    reached = {place: allowed(officer, "resource.write", place) for place in PLACES}
    assert reached == {"/": False, "/a/": True, "/a/b/": True, "/a/b/c/": True, "/ab/": False, "/b/": False}


def test_nobody_touches_what_is_classified_above_their_clearance() -> None:
    for clearance, classification in product(range(1, 5), range(1, 5)):
        officer = somebody(("data_officer", "/"), clearance=clearance)
        decided = allowed(officer, "resource.write", "/a/", {"classification": classification})
        assert decided == (classification <= clearance)


def test_a_token_does_what_it_was_made_for_and_never_more_than_its_owner() -> None:
    token = somebody(("leader", "/"), actions=frozenset({"case.read", "identity.write"}))
    assert permitted_actions(token) == ["case.read"]
    assert paths_for(token, "identity.write") == paths_for(token, "alarm.read") == ()


def test_before_the_first_password_is_changed_nothing_may_be_done_or_seen() -> None:
    newcomer = somebody(("administrator", "/"), must_change_password=True)
    assert permitted_actions(newcomer) == []
    assert all(paths_for(newcomer, action) == () for action in actions())


def test_require_names_the_action_it_refuses() -> None:
    with pytest.raises(Problem) as caught:
        require(somebody(("leader", "/a/")), "identity.write", "/a/")
    assert (caught.value.code, caught.value.params) == ("forbidden", {"action": "identity.write"})


def test_every_action_is_permitted_to_some_role_and_every_role_permits_something() -> None:
    permitted = {
        role: set(permitted_actions(somebody((role, "/"), kind=kind)))
        for role in ROLES
        for kind in ("service" if role == "collector" else "person",)
    }
    assert all(permitted.values())
    assert set().union(*permitted.values()) == set(actions())


def test_every_role_of_the_policies_can_be_granted_and_every_action_there_is_declared() -> None:
    assert set(re.findall(r'roles\.contains\("(\w+)"\)', POLICIES)) == set(ROLES)
    assert set(re.findall(r'Action::"([\w.]+)"', POLICIES)) <= set(actions())


def test_a_device_delivers_observations_and_nothing_else() -> None:
    assert permitted_actions(somebody(kind="device", clearance=1)) == ["observation.write"]
    assert permitted_actions(somebody(("collector", "/"))) == []


grants = st.lists(st.tuples(st.sampled_from(sorted(ROLES)), st.sampled_from(PLACES)), max_size=4)


@given(
    grants=grants,
    kind=st.sampled_from(["person", "service"]),
    limit=st.none() | st.frozensets(st.sampled_from(actions())),
    pending=st.booleans(),
    action=st.sampled_from(actions()),
    place=st.sampled_from(PLACES),
)
def test_lists_and_single_decisions_agree(
    grants: list[tuple[str, str]], kind: str, limit: frozenset[str] | None, pending: bool, action: str, place: str
) -> None:
    principal = somebody(*grants, kind=kind, actions=limit, must_change_password=pending)
    paths = paths_for(principal, action)
    assert any(place.startswith(path) for path in paths) == allowed(principal, action, place)
    assert not any(a != b and a.startswith(b) for a in paths for b in paths)

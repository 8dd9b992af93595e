"""Scope in SQL selects exactly what the rules of scope say, on a real database."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Uuid, insert, select

from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.security.identity.people import ROLES
from citybase.security.organizations import organization
from citybase.security.policy import actions, allowed, permitted_actions
from citybase.security.principals import SYSTEM, Grant, Principal
from citybase.security.scope import visible

pytestmark = pytest.mark.anyio

# Codes that a careless pattern would take for wildcards, or for one another's beginning.
CODES = ("a", "ab", "a_", "%", "a\\", "_b", "610100", "6101", "A")
thing = Table(
    "scope_test_thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("owner_id", Uuid),
    Column("handler_id", Uuid),
    Column("classification", Integer, nullable=False),
    prefixes=["TEMPORARY"],
)


def random_tree(random: Random) -> dict[str, str]:
    """Paths by code; each organisation hangs below an earlier one or is a root."""
    paths: dict[str, str] = {}
    for code in random.sample(CODES, len(CODES)):
        above = random.choice(["/", *paths.values()])
        paths[code] = f"{above}{code}/"
    return paths


def random_principal(random: Random, paths: dict[str, str]) -> Principal:
    places = [*paths.values()]
    return Principal(
        id=new_id(),
        kind=random.choice(["person", "service"]),
        name="x",
        grants=tuple(Grant(random.choice(sorted(ROLES)), random.choice(places)) for _ in range(random.randrange(4))),
        clearance=random.randint(1, 4),
        actions=random.choice([None, frozenset(random.sample(actions(), 5))]),
        must_change_password=random.random() < 0.1,
    )


@pytest.mark.parametrize("seed", range(6))
async def test_a_list_holds_exactly_what_each_single_decision_permits(database: Database, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    paths = random_tree(random)
    ids = {code: new_id() for code in paths}
    path_of = {ids[code]: path for code, path in paths.items()}
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "owner_id": random.choice([*ids.values(), None]),
            "handler_id": random.choice([*ids.values(), None]),
            "classification": random.randint(1, 4),
        }
        for number in range(60)
    ]
    principals = [SYSTEM, *(random_principal(random, paths) for _ in range(25))]
    async with database.begin() as connection:
        await connection.execute(
            insert(organization),
            [
                {"id": ids[code], "code": code, "name": code, "kind": "department", "path": path}
                for code, path in paths.items()
            ],
        )
        await connection.run_sync(thing.metadata.create_all)
        await connection.execute(insert(thing), rows)
        for principal in principals:
            action = random.choice(permitted_actions(principal) or actions())
            statement = visible(
                select(thing.c.id),
                principal,
                action,
                thing.c.owner_id,
                thing.c.handler_id,
                classification=thing.c.classification,
            )
            expected = {
                row["id"]
                for row in rows
                if any(
                    allowed(principal, action, path_of.get(row[owner], "/"), {"classification": row["classification"]})
                    for owner in ("owner_id", "handler_id")
                )
            }
            assert set(await connection.scalars(statement)) == expected
        await connection.run_sync(thing.metadata.drop_all)

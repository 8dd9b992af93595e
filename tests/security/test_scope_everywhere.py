"""Every GET route of the application, asked by a stranger: nothing of another district is ever in the answer.

The routes are taken from the application itself, so that a new one is tested the day it is added: it must either show
the seeded things to their own district (and then hide them from the other), or stand in `PUBLIC` with a reason.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from citybase.engines.postgres import Database
from citybase.kernel.settings import Settings
from citybase.server.app import create_app
from tests.security.seeding import NEEDS_ENGINES, PUBLIC, QUERIES, SEEDERS, Side, apply_shared_definitions, seed_audit
from tests.worlds import client_of, found_districts

pytestmark = pytest.mark.anyio
MARKS = ("QZALPHA", "QZBRAVO")
ANY_INDICATOR = {"indicator_id": "entries"}


def get_routes(app: Litestar) -> Iterator[str]:
    """Every path that answers GET, with plain parameter names: `/api/v1/cases/{case_id}`."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and "GET" in route.methods and not route.path.startswith("/schema"):
            yield re.sub(r"{(\w+):\w+}", r"{\1}", route.path)


@pytest.fixture
async def sides(database: Database, tmp_path: Path) -> AsyncIterator[tuple[Side, Side]]:
    settings = Settings(data=tmp_path)
    world = await found_districts(database)
    await apply_shared_definitions(database, ["610113", "610112"])
    tokens = (world.yanta_token, world.weiyang_token)
    first, second = (client_of(create_app(settings, Database(database.url)), token) for token in tokens)
    async with first, second:
        yanta = Side(database, first, world.yanta, "610113", MARKS[0], tokens[0])
        weiyang = Side(database, second, world.weiyang, "610112", MARKS[1], tokens[1])
        for side in (yanta, weiyang):
            for seeder in SEEDERS:
                await seeder(side)
        await seed_audit(database, settings, (yanta, weiyang))
        yield yanta, weiyang


def address(path: str, side: Side) -> str | None:
    """The path with the ids of a side's things; None when no seeder told of a parameter."""
    known = side.parameters | ANY_INDICATOR
    names = re.findall(r"{(\w+)}", path)
    return path.format(**known) if all(name in known for name in names) else None


async def ask(client: AsyncTestClient[Litestar], path: str, **params: str) -> tuple[int, str]:
    answer = await client.get(path, params=params)
    return answer.status_code, answer.text


async def test_a_stranger_finds_nothing_on_any_route(sides: tuple[Side, Side]) -> None:
    asked = 0
    for owner, stranger in (sides, sides[::-1]):
        for path in get_routes(stranger.client.app):
            place = address(path, owner)
            if (path in PUBLIC and "{" in path and place is None) or path == "/api/v1/stream":
                continue
            assert place is not None, f"{path}: no seeder tells of its parameter, and it is not in PUBLIC"
            status, text = await ask(stranger.client, place, **QUERIES.get(path, {}))
            assert status < 500 or path == "/health/ready", (path, text)
            assert owner.mark not in text, path
            leaked = [identifier for identifier in owner.ids if identifier in text and identifier not in place]
            assert not leaked, (path, leaked)
            if place != path and path not in PUBLIC and "indicator_id" not in path:
                assert status in {403, 404}, (path, status)
            asked += 1
    assert asked > 30


async def test_a_stranger_finds_nothing_by_searching_for_it(sides: tuple[Side, Side]) -> None:
    owner, stranger = sides
    searches = ("q", "organization", "below", "resource_id", "area", "kind", "target", "actor", "type")
    for path in get_routes(stranger.client.app):
        if "{" in path or path in PUBLIC:
            continue
        for name in searches:
            for value in (owner.mark, str(owner.place), owner.code, owner.parameters["resource_id"]):
                status, text = await ask(stranger.client, path, **{name: value})
                assert status < 500, (path, name, text)
                without_echo = text.replace(value, "")
                assert owner.mark not in without_echo, (path, name)
                assert not [identifier for identifier in owner.ids if identifier in without_echo], (path, name)


async def test_every_route_shows_its_own_district_what_is_hidden_from_the_other(sides: tuple[Side, Side]) -> None:
    """Without this the test above would pass on an empty city."""
    for side in sides:
        for path in get_routes(side.client.app):
            if path in PUBLIC or path in NEEDS_ENGINES:
                continue
            place = address(path, side)
            assert place is not None, f"{path}: no seeder tells of its parameter, and it is not in PUBLIC"
            status, text = await ask(side.client, place)
            assert status == 200, (path, text)
            shown = side.mark in text or any(identifier in text for identifier in side.ids)
            assert shown, f"{path} shows nothing seeded"


async def test_a_visitor_finds_nothing_anywhere(sides: tuple[Side, Side], database: Database) -> None:
    async with AsyncTestClient(create_app(Settings(), Database(database.url))) as visitor:
        for path in get_routes(visitor.app):
            place = address(path, sides[0])
            if place is None or not path.startswith("/api/"):
                continue
            status, text = await ask(visitor, place, **QUERIES.get(path, {}))
            assert status == (200 if path == "/api/v1/session" else 401), path
            assert not any(mark in text for mark in MARKS), path


async def test_no_reason_outlives_its_route(sides: tuple[Side, Side]) -> None:
    routes = set(get_routes(sides[0].client.app))
    assert set(PUBLIC) | set(NEEDS_ENGINES) | set(QUERIES) <= routes

"""Signing keys and the issuer."""

import stat
from pathlib import Path

import pytest

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.oidc.keys import ROTATION, signing_keys
from tests.security.small_city import SmallCity, small_city

pytestmark = pytest.mark.anyio


def test_a_new_key_signs_each_period_while_the_one_before_still_verifies(tmp_path: Path) -> None:
    first = signing_keys(tmp_path, now())
    assert signing_keys(tmp_path, now()).current.kid == first.current.kid
    second = signing_keys(tmp_path, now() + ROTATION)
    assert second.current.kid != first.current.kid
    assert {key["kid"] for key in second.jwks()["keys"]} == {first.current.kid, second.current.kid}
    third = signing_keys(tmp_path, now() + 2 * ROTATION)
    assert first.current.kid not in {key["kid"] for key in third.jwks()["keys"]}
    assert len(list(tmp_path.iterdir())) == 2


def test_keys_are_readable_by_their_owner_only_and_published_without_their_secret(tmp_path: Path) -> None:
    keys = signing_keys(tmp_path / "keys", now())
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(keys.jwks()["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}


async def test_the_operators_public_address_is_the_issuer(database: Database, tmp_path: Path) -> None:
    async with small_city(database, tmp_path, public_url="http://city.example/") as town:
        found = (await town.browser().get("/.well-known/openid-configuration")).json()
    assert (found["issuer"], found["jwks_uri"]) == ("http://city.example", "http://city.example/oidc/jwks")


async def test_plain_http_from_elsewhere_is_refused_unless_the_operator_named_it(town: SmallCity) -> None:
    async with town.browser(headers={"host": "10.1.2.3:8080"}) as browser:
        answer = await browser.get("/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["code"]) == (400, "insecure_issuer")


@pytest.mark.parametrize(
    "host", ["", "[", "u@localhost", "localhost:99999", "localhost:x", "localhost/x", "localhost#", "a b", "[v1.x]"]
)
async def test_a_senseless_host_is_a_clear_problem(town: SmallCity, host: str) -> None:
    async with town.browser(headers={"host": host}) as browser:
        answer = await browser.get("/.well-known/openid-configuration")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")

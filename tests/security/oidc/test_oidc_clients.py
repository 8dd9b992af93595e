"""Registering the systems that sign people in here."""

from typing import Any
from uuid import UUID

import pytest

from tests.security.oidc.applications import BACK, Registered
from tests.security.small_city import SmallCity

pytestmark = pytest.mark.anyio


async def test_clients_are_listed_changed_and_removed_without_their_secret(
    town: SmallCity, confidential: Registered
) -> None:
    admin = await town.sign_in("admin")
    listed = (await admin.get("/api/v1/oidc/clients")).json()
    assert [item["client_id"] for item in listed["items"]] == [confidential.id]
    assert str(confidential.secret) not in str(listed)
    address = f"/api/v1/oidc/clients/{confidential.id}"
    assert (await admin.patch(address, json={"version": 1, "name": "交通"})).status_code == 204
    assert (await admin.patch(address, json={"version": 1, "name": "旧"})).json()["code"] == "version_conflict"
    assert (await admin.delete(address)).status_code == 204
    assert (await admin.get("/api/v1/oidc/clients")).json()["items"] == []


@pytest.mark.parametrize(
    "address",
    [
        "http://transport.example/callback",
        "https://transport.example/#fragment",
        "https://user@transport.example/",
        "https://*.example/",
        "javascript:alert(1)",
        "/callback",
        "https://",
        "https://[",
        "https://a:99999/",
        "https://a\\b/",
        "https://例子.example/",
        "https://a/\u0000",
    ],
)
async def test_only_whole_safe_addresses_can_be_registered(town: SmallCity, address: str) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [address]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/redirect_uris/0"


@pytest.mark.parametrize("address", ["http://127.0.0.1:7000/cb", "http://[::1]/cb", "http://localhost/cb"])
async def test_an_application_on_the_persons_own_machine_may_use_http(town: SmallCity, address: str) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [address]})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["profile"]}, {"scopes": ["openid", "email"]}, {"redirect_uris": []}, {"name": " "}]
)
async def test_a_senseless_registration_is_refused(town: SmallCity, wrong: dict[str, Any]) -> None:
    admin = await town.sign_in("admin")
    answer = await admin.post("/api/v1/oidc/clients", json={"name": "x", "redirect_uris": [BACK]} | wrong)
    assert answer.status_code == 400


async def test_only_who_administers_the_root_registers_and_sees_clients(
    town: SmallCity, confidential: Registered
) -> None:
    await town.add("district", "east", ("administrator", "east"))
    for name in ("district", "duty"):
        browser = await town.sign_in(name)
        body = {"name": "x", "redirect_uris": [BACK]}
        assert (await browser.post("/api/v1/oidc/clients", json=body)).status_code == 403
        assert (await browser.get("/api/v1/oidc/clients")).json()["items"] == []
        assert (await browser.delete(f"/api/v1/oidc/clients/{UUID(confidential.id)}")).status_code == 404

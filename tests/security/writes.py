"""A valid body for every write operation of the API, for tests that spoil one place of it."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

__all__ = ["FORMS", "Operation", "Write", "writes"]

Operation = tuple[str, str]
"""(method, path as in the OpenAPI document)."""

FORMS = frozenset({("post", "/api/v1/imports"), ("post", "/api/v1/map/boundaries")})
"""Operations that take a file; its content is spoilt by tests of their own."""

CONDITIONAL = frozenset({("patch", "/api/v1/resources/{resource_id}")})
"""Operations that ask for the version they change."""
PEOPLE, CLIENTS = "/api/v1/people?limit=200", "/api/v1/oidc/clients?limit=200"


@dataclass(frozen=True)
class Write:
    """One operation: its address with real ids, and a body that is valid each time it is made."""

    operation: Operation
    address: str
    body: Callable[[], dict[str, Any] | list[Any]]
    read_at: str | None = ""
    """Where a text that was taken is read again; empty: the answer shows it; None: it is kept nowhere."""

    credential: tuple[str, str] | None = None
    """Of the device that delivers; None: whoever is signed in."""

    def send(self, client: httpx.Client, content: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if self.operation in CONDITIONAL:
            headers["If-Match"] = str(client.get(self.address).json()["version"])
        given: dict[str, Any] = {"auth": self.credential} if self.credential else {}
        return client.request(self.operation[0], self.address, content=content, headers=headers, **given)


def writes(client: httpx.Client) -> list[Write]:
    """Every write operation with a JSON body, on things of the running city made for it."""
    number = itertools.count(1)
    station, other = client.get("/api/v1/resources", params={"kind": "air-station", "limit": 2}).json()["items"]
    body = _organization(client)
    city = {"organization_id": body["parent_id"]}
    grants = [{"role": "operator", **city}]
    person = _made(
        client, "/api/v1/people", {"username": "hostile", "name": "测试", "kind": "service", "grants": grants, **city}
    )
    app = _made(client, "/api/v1/oidc/clients", {"name": "应用", "redirect_uris": ["https://app.example/back"]})
    draft = {"kind": "air-station", "name": "站", "owner_id": station["owner"]["id"], "area_code": "610113"}

    def versioned(path: str, identity: dict[str, str], change: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        def make() -> dict[str, Any]:
            items = client.get(path).json()["items"]
            return {"version": next(item["version"] for item in items if identity.items() <= item.items()), **change}

        return make

    def write(method: str, path: str, make: Callable[[], Any], read_at: str | None = "", **ids: Any) -> Write:
        return Write((method, path), path.format(**ids), make, read_at)

    return [
        write("post", "/api/v1/session", lambda: {"username": "nobody", "password": "wrong"}, None),
        write("post", "/api/v1/session/password", lambda: {"current": "wrong", "new": "long enough 12345"}, None),
        write("post", "/api/v1/tokens", lambda: {"name": "牌", "actions": ["case.read"]}, "/api/v1/tokens"),
        write(
            "post",
            "/api/v1/people/{person_id}/tokens",
            lambda: {"name": "牌", "actions": ["case.read"]},
            None,
            person_id=person["id"],
        ),
        write(
            "post",
            "/api/v1/people",
            lambda: {"username": f"u{next(number)}", "name": "名", "grants": grants, **city},
            PEOPLE,
        ),
        write(
            "patch",
            "/api/v1/people/{person_id}",
            versioned(PEOPLE, {"id": person["id"]}, {"name": "名"}),
            PEOPLE,
            person_id=person["id"],
        ),
        write(
            "post", "/api/v1/oidc/clients", lambda: {"name": "应用", "redirect_uris": ["https://a.example/b"]}, CLIENTS
        ),
        write(
            "patch",
            "/api/v1/oidc/clients/{client_id}",
            versioned(CLIENTS, {"client_id": app["client_id"]}, {"name": "应用"}),
            CLIENTS,
            client_id=app["client_id"],
        ),
        write("put", "/api/v1/calendar/{day}", lambda: {"working": False, "note": "休"}, day="2027-05-04"),
        write("post", "/api/v1/organizations", lambda: body | {"code": f"hostile-{next(number)}"}),
        write(
            "patch",
            "/api/v1/organizations/{organization_id}",
            lambda: {"name": "机构", "name_en": "Body", "short_name": "机"},
            organization_id=_made(client, "/api/v1/organizations", body | {"code": "hostile"})["id"],
        ),
        write(
            "post",
            "/api/v1/resources",
            lambda: {**draft, "code": f"XA-AIR-610113-{next(number):02d}", "address": "路", "tags": ["标"]},
        ),
        write(
            "patch",
            "/api/v1/resources/{resource_id}",
            lambda: {"name": "站", "address": "路", "tags": ["标"], "attributes": {"coordinates": "surveyed"}},
            resource_id=station["id"],
        ),
        write(
            "post", "/api/v1/resources/{resource_id}/life-cycle", lambda: {"to": "maintenance"}, resource_id=other["id"]
        ),
        write(
            "post",
            "/api/v1/resources/{resource_id}/links",
            lambda: {"relation": "near", "to_id": other["id"]},
            f"/api/v1/resources/{station['id']}",
            resource_id=station["id"],
        ),
        Write(
            ("post", "/api/v1/observations"),
            "/api/v1/observations",
            lambda: [{"device": station["code"], "t": "2026-01-01", "v": {"pm25": 1.0}}],
            None,
            _credential(client, station["id"]),
        ),
        write("post", "/api/v1/cases", lambda: _case("又一件")),
        write(
            "post",
            "/api/v1/cases/{case_id}/actions/{action}",
            # From "dispatched" to "dispatched": it can be done again and again.
            lambda: {"comment": "意见", "form": {"organization": "610112-eco"}},
            case_id=_dispatched(client),
            action="reassign",
        ),
    ]


def _organization(client: httpx.Client) -> dict[str, Any]:
    root = client.get("/api/v1/organizations", params={"kind": "city", "limit": 1}).json()["items"][0]
    return {"name": "机构", "name_en": "Body", "short_name": "机", "kind": "department", "parent_id": root["id"]}


def _case(title: str) -> dict[str, Any]:
    described = {"description": "情况", "reporter": "人"}
    return {"type": "air-pollution", "title": title, "area_code": "610113", "place": "路口", "data": described}


def _credential(client: httpx.Client, station_id: str) -> tuple[str, str]:
    made = _made(client, f"/api/v1/resources/{station_id}/credential", {})
    return made["device"], made["password"]


def _dispatched(client: httpx.Client) -> str:
    """The id of a case that some body is handling."""
    case_id = str(_made(client, "/api/v1/cases", _case("一件"))["id"])
    for action in ("accept", "register", "dispatch"):
        _made(client, f"/api/v1/cases/{case_id}/actions/{action}", {})
    return case_id


def _made(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made

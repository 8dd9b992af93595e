"""Seeders of the scope test: one for each noun, each puts a thing into one district that the other may not see.

A new noun adds its seeder to `SEEDERS`. Every name, code or text that a seeder writes holds the side's mark, and every
id it makes is told, with the route parameter that takes it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import insert, select, update

from citybase.applications.operations import definitions as views
from citybase.city.cases import CaseTypeDefinition
from citybase.city.cases import apply_definitions as apply_case_types
from citybase.city.cases.case_type import StateDefinition
from citybase.city.indicators import IndicatorDefinition
from citybase.city.indicators import apply_definitions as apply_indicators
from citybase.city.observations.definitions import RuleDefinition
from citybase.city.observations.definitions import apply_definitions as apply_rules
from citybase.city.observations.models import alarm, rejection, series
from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.kernel.ids import new_id
from citybase.kernel.settings import Settings
from citybase.security.audit.integrate import city_log, integrate_once
from citybase.security.audit.models import audit_entry
from citybase.security.identity.models import api_token, person, role_grant
from citybase.security.identity.secrets import digest
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["NEEDS_ENGINES", "PUBLIC", "QUERIES", "SEEDERS", "Side", "apply_shared_definitions", "seed_audit"]


@dataclass
class Side:
    """One of the two districts: who acts there, and what was put there."""

    database: Database
    client: AsyncTestClient[Litestar]
    place: UUID
    code: str
    mark: str
    token: str
    parameters: dict[str, str] = field(default_factory=dict)
    """Route parameter → the id of something of this side."""
    ids: set[str] = field(default_factory=set)

    def told(self, parameter: str, identifier: object) -> None:
        self.parameters[parameter] = str(identifier)
        self.ids.add(str(identifier))

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


Seeder = Callable[[Side], Awaitable[None]]


async def seed_organization(side: Side) -> None:
    body = {
        "code": side.mark,
        "name": f"{side.mark}局",
        "kind": "department",
        "parent_id": str(side.place),
    }
    side.told("organization_id", (await side.create("/organizations", body))["id"])


async def seed_person(side: Side) -> None:
    identifier = new_id()
    async with side.database.begin() as connection:
        values = {"id": identifier, "username": f"{side.mark}-user", "name": side.mark, "organization_id": side.place}
        await connection.execute(insert(person).values(values))
        grant = {"id": new_id(), "person_id": identifier, "role": "clerk", "organization_id": side.place}
        await connection.execute(insert(role_grant).values(grant))
    side.told("person_id", identifier)


async def seed_token(side: Side) -> None:
    async with side.database.begin() as connection:
        own = api_token.c.digest == digest(side.token)
        await connection.execute(update(api_token).where(own).values(name=f"{side.mark}-token"))


async def seed_resource(side: Side) -> None:
    shared = {"owner_id": str(side.place), "longitude": 108.9, "latitude": 34.2, "area_code": side.code}
    app = {"kind": "application", "code": f"{side.mark}-app", "name": f"{side.mark}应用", "tags": [side.mark]}
    made = await side.create("/resources", app | shared | {"address": side.mark, "attributes": {"vendor": side.mark}})
    sensor = {"kind": "sensor", "code": f"{side.mark}-S", "name": f"{side.mark}传感器"}
    other = await side.create("/resources", sensor | shared)
    await side.create(f"/resources/{made['id']}/links", {"to_id": other["id"], "relation": "part-of"})
    side.told("sensor_id", other["id"])
    side.told("resource_id", made["id"])


async def seed_import(side: Side) -> None:
    content = f"编码,名称\n{side.mark}-imported,{side.mark}\n".encode()
    files = {"file": (f"{side.mark}.csv", content, "text/csv")}
    answer = await side.client.post("/api/v1/imports", files=files, data={"kind": "application"})
    assert answer.status_code == 201, answer.text
    side.told("import_id", answer.json()["id"])


async def seed_case(side: Side) -> None:
    body = {"type": f"case-{side.code}", "title": f"{side.mark}事项", "longitude": 108.9, "latitude": 34.2}
    side.told("case_id", (await side.create("/cases", body))["id"])


async def seed_alarm(side: Side) -> None:
    """An alarm, a series and a rejection of the sensor that `seed_resource` registered."""
    sensor, identifier = UUID(side.parameters["sensor_id"]), new_id()
    values = {
        "id": identifier, "rule": "rule", "resource_id": sensor, "owner_id": side.place, "priority": "low",
        "state": "active", "message": side.mark, "message_en": side.mark, "raised_at": now(),
    }  # fmt: skip
    kept = {"id": new_id(), "source": "http", "device": f"{side.mark}-S", "resource_id": sensor, "code": "bad_json"}
    async with side.database.begin() as connection:
        observed = {"resource_id": sensor, "device": f"{side.mark}-S", "property": "pm25"}
        await connection.execute(insert(series).values(observed))
        await connection.execute(insert(alarm).values(values))
        await connection.execute(insert(rejection).values(kept | {"detail": side.mark, "raw": side.mark.encode()}))
    side.told("alarm_id", identifier)


SEEDERS: Sequence[Seeder] = (
    seed_organization,
    seed_person,
    seed_token,
    seed_resource,
    seed_import,
    seed_case,
    seed_alarm,
)

PUBLIC = {
    "/api/v1/session": "tells only of oneself",
    "/api/v1/roles": "the list of roles is the same in every city",
    "/api/v1/calendar": "the working calendar is the city's, for everybody",
    "/api/v1/areas": "administrative divisions are public facts",
    "/api/v1/packs": "which packs are applied; needs pack.read and names no organisation's things",
    "/api/v1/kinds": "definitions of packs, needed to draw forms",
    "/api/v1/case-types": "definitions of packs, needed to draw forms",
    "/api/v1/indicators": "definitions and figures of the whole city, meant for everybody who may read indicators",
    "/api/v1/indicators/{indicator_id}": "the same for one; the rows behind are scoped and tested",
    "/api/v1/operations/situation": "figures of the whole city, no things",
    "/api/v1/stream": "never ends; what it sends is tested with the live channel",
    "/api/v1/audit/checkpoint": "the log's signed size and root, made to be published",
    "/api/v1/oidc/clients": "systems are registered for the whole city; a district sees none of them",
    "/api/v1/cases/queues": "counts only",
    "/.well-known/openid-configuration": "public by OpenID Connect Discovery",
    "/oidc/jwks": "public keys",
    "/oidc/authorize": "signs the asking person in, shows nothing",
    "/oidc/userinfo": "tells only of oneself",
    "/oidc/logout": "ends one's own session",
    "/api/v1/resources/facets": "holds counts and ids of owners only: B's answer is searched, A's names nothing",
    "/health/live": "liveness",
    "/health/ready": "readiness of engines",
    "/": "the pages' shell",
    "/{page}": "the pages' shell",
    "/assets/{name}": "the pages' files",
    "/favicon.svg": "the icon of the pages",
}
"""Routes on which nothing of a district need be found, each with its reason. May only shrink."""


NEEDS_ENGINES = {
    "/api/v1/observations/latest": "latest values are files that the observer writes; tested with the observation way",
    "/api/v1/resources/{resource_id}/observations": "reads the lake; tested with the observation way",
    "/api/v1/resources/{resource_id}/observations/export": "reads the lake; tested with the observation way",
}
"""Routes that a stranger is asked on, but that show nothing to anybody without a running observer and lake."""

QUERIES = {"/api/v1/resources/{resource_id}/observations": {"property": "pm25"}}
"""Query parameters without which a route refuses to answer."""


async def apply_shared_definitions(database: Database, codes: Sequence[str]) -> None:
    """What packs would state: a case type for each district, an indicator over the ledger, a view of the sensors."""
    types = [
        CaseTypeDefinition(
            id=f"case-{code}",
            name="事项",
            name_en="Case",
            prefix=f"T{code}",
            registrar=code,
            states=[StateDefinition(id="open", name="在办", name_en="Open")],
            actions=[],
            intake={"type": "object"},
        )
        for code in codes
    ]
    indicator = IndicatorDefinition(
        id="entries", name="资源数", name_en="Entries", sql="SELECT count(*) AS value FROM resource",
        rows_sql="SELECT code, name FROM resource",
    )  # fmt: skip
    rule = RuleDefinition(
        id="rule", name="规则", name_en="Rule", kind="sensor", condition="pm25 > 1", priority="low", message="m",
        message_en="m",
    )  # fmt: skip
    layer = views.Layer("sensors", "传感器", "Sensors", "sensor", "pm25", (views.Band("ok"),))
    async with begin(database, SYSTEM) as tx:
        await apply_case_types(tx, "test", types)
        await apply_rules(tx, "test", [rule])
        await apply_indicators(tx, "test", [indicator])
        await views.apply_definitions(tx, "test", [views.View("v", "图", "View", layers=(layer,))])


async def seed_audit(database: Database, settings: Settings, sides: Sequence[Side]) -> None:
    """Whatever the seeders did is in the log now; one entry of each side stands for all."""
    await integrate_once(database, city_log(settings))
    async with database.begin() as connection:
        for side in sides:
            own = select(audit_entry.c.log_index).where(audit_entry.c.target_id == side.parameters["case_id"]).limit(1)
            side.parameters["index"] = str(await connection.scalar(own))

"""Small cities for tests: two districts that may not see one another, people in them, clients that act as them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import insert

from citybase.city.resources.definitions import (
    CodeScheme,
    KindDefinition,
    LifeCycle,
    ObservedProperty,
    State,
    Transition,
    apply_definitions,
)
from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.security.identity.models import api_token, person, role_grant
from citybase.security.identity.secrets import digest, new_secret
from citybase.security.organizations import organization
from citybase.security.policy import actions
from citybase.security.principals import SYSTEM
from citybase.security.transactions import begin

__all__ = ["APPLICATION", "SENSOR", "Districts", "add_organization", "found_districts", "new_person"]

LIFE_CYCLE = LifeCycle(
    initial="planned",
    states=[State("planned", "规划"), State("running", "运行"), State("retired", "退役", final=True)],
    transitions=[Transition("planned", "running", "投运"), Transition("running", "retired", "退役")],
)
APPLICATION = KindDefinition(
    id="application",
    name="政务应用",
    name_en="Government application",
    life_cycle=LIFE_CYCLE,
    code=CodeScheme(pattern=r"(?s).{1,200}", example="APP-1"),
    schema={
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "vendor": {"type": "string", "title": "承建单位", "maxLength": 50},
            "users": {"type": "integer", "title": "用户数", "minimum": 0},
            "level": {"enum": ["二级", "三级"], "title": "等保级别"},
            "domestic": {"type": "boolean", "title": "是否信创"},
        },
    },
)
SENSOR = KindDefinition(
    id="sensor",
    name="传感器",
    name_en="Sensor",
    life_cycle=LIFE_CYCLE,
    code=CodeScheme(pattern=r"[A-Z0-9-]+", example="SENSOR-1"),
    properties=[ObservedProperty("pm25", "PM2.5", "µg/m³")],
)


@dataclass(frozen=True)
class Districts:
    """A city with two districts that are strangers to one another, and an administrator's token for each place."""

    city: UUID
    yanta: UUID
    weiyang: UUID
    city_token: str
    yanta_token: str
    weiyang_token: str


async def found_districts(database: Database) -> Districts:
    """Two districts under one city, the test kinds, and one all-round person in each place."""
    city = await add_organization(database, "610100", "西安市", None)
    yanta = await add_organization(database, "610113", "雁塔区", city)
    weiyang = await add_organization(database, "610112", "未央区", city)
    async with begin(database, SYSTEM) as tx:
        await apply_definitions(tx, "test", [APPLICATION, SENSOR])
    tokens = [await new_person(database, place) for place in (city, yanta, weiyang)]
    return Districts(city, yanta, weiyang, *tokens)


async def add_organization(database: Database, code: str, name: str, parent: UUID | None) -> UUID:
    identifier = new_id()
    async with database.begin() as connection:
        above = "/"
        if parent is not None:
            above = str(
                await connection.scalar(
                    organization.select().with_only_columns(organization.c.path).where(organization.c.id == parent)
                )
            )
        await connection.execute(
            insert(organization).values(
                id=identifier, code=code, name=name, kind="district", parent_id=parent, path=f"{above}{code}/"
            )
        )
    return identifier


async def new_person(
    database: Database,
    place: UUID,
    roles: Sequence[str] = ("administrator", "operator", "clerk", "data_officer", "leader", "auditor"),
    clearance: int = 4,
) -> str:
    """Somebody with these roles at a place; returns an API token that allows everything the roles allow."""
    who, secret = new_id(), new_secret()
    async with database.begin() as connection:
        await connection.execute(
            insert(person).values(
                id=who, username=f"user-{who}", name=f"人员{str(who)[-6:]}", organization_id=place, clearance=clearance
            )
        )
        for role in roles:
            await connection.execute(
                insert(role_grant).values(id=new_id(), person_id=who, role=role, organization_id=place)
            )
        await connection.execute(
            insert(api_token).values(
                id=new_id(), digest=digest(secret), person_id=who, name="test", actions=list(actions())
            )
        )
    return secret


def client_of(app: Litestar, token: str) -> AsyncTestClient[Litestar]:
    """A client that acts as the token's owner."""
    client = AsyncTestClient(app)
    client.headers["authorization"] = f"Bearer {token}"
    return client

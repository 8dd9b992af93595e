"""A small city for tests: a data bureau, two districts with their ecology bureaus, one station, its people."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import insert

from citybase.city.cases import CaseTypeDefinition, apply_definitions
from citybase.city.organizations.models import area
from citybase.city.resources.models import resource, resource_kind
from citybase.engines.postgres import Database
from citybase.kernel.ids import new_id
from citybase.security.organizations import organization
from citybase.security.principals import SYSTEM, Grant, Principal
from citybase.security.transactions import begin

AIR_POLLUTION = msgspec.yaml.decode(
    (Path(__file__).parents[2] / "packs/air/case-types/air-pollution.yaml").read_bytes(), type=CaseTypeDefinition
)
ORGANIZATIONS = {
    "610100": ("西安市", "/610100/"),
    "610100-data": ("市数据局", "/610100/610100-data/"),
    "610100-eco": ("市生态环境局", "/610100/610100-eco/"),
    "610116": ("长安区", "/610100/610116/"),
    "610116-eco": ("长安区生态环境局", "/610100/610116/610116-eco/"),
    "610113": ("雁塔区", "/610100/610113/"),
    "610113-eco": ("雁塔区生态环境局", "/610100/610113/610113-eco/"),
}


@dataclass(frozen=True)
class City:
    """Ids of organisations by code, the station, and who may act."""

    database: Database
    organizations: dict[str, UUID]
    station: UUID
    operator: Principal
    clerk: Principal
    neighbour: Principal
    leader: Principal

    @property
    def people(self) -> tuple[Principal, ...]:
        return (self.operator, self.clerk, self.neighbour, self.leader)


async def found_city(database: Database) -> City:
    ids = {code: new_id() for code in ORGANIZATIONS}
    station = new_id()
    async with begin(database, SYSTEM) as tx:
        for code, (name, path) in ORGANIZATIONS.items():
            await tx.connection.execute(
                insert(organization).values(id=ids[code], code=code, name=name, kind="department", path=path)
            )
        await tx.connection.execute(
            insert(area).values(code="610116", name="长安区", level="district", code_system="GB/T 2260")
        )
        await tx.connection.execute(
            insert(resource_kind).values(
                id="air-station",
                pack="air",
                name="空气站",
                name_en="Air station",
                definition={"properties": [{"id": "pm25"}]},
            )
        )
        await tx.connection.execute(
            insert(resource).values(
                id=station,
                kind="air-station",
                code="XA-AIR-001",
                name="长安站",
                owner_id=ids["610116-eco"],
                area_code="610116",
                longitude=108.9,
                latitude=34.1,
                address="韦曲街道",
                life_cycle="in_use",
            )
        )
        await apply_definitions(tx, "air", [AIR_POLLUTION])
    return City(
        database,
        ids,
        station,
        operator=a_person("值班员", "operator", ids["610100-data"], "610100-data"),
        clerk=a_person("长安承办人", "clerk", ids["610116-eco"], "610116-eco"),
        neighbour=a_person("雁塔承办人", "clerk", ids["610113-eco"], "610113-eco"),
        leader=a_person("领导", "leader", ids["610100"], "610100"),
    )


def a_person(name: str, role: str, organization_id: UUID, code: str) -> Principal:
    place, path = ORGANIZATIONS[code]
    return Principal(
        id=new_id(),
        kind="person",
        name=name,
        username=name,
        organization_id=organization_id,
        organization_name=place,
        grants=(Grant(role, path),),
        clearance=2,
    )

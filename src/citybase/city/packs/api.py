"""Routes of packs."""

from datetime import datetime

import msgspec
from litestar import get
from sqlalchemy import select

from citybase.city.packs.models import pack
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.policy import require

__all__ = ["ROUTES"]


class PackItem(msgspec.Struct, frozen=True):
    """One applied pack."""

    id: str
    version: str
    title: str
    title_en: str
    requires: list[str]
    serves: list[str]
    applied_at: datetime


class Packs(msgspec.Struct):
    items: list[PackItem]


@get("/packs", tags=["packs"], summary="Applied packs")
async def get_packs(database: TheDatabase, principal: ThePrincipal) -> Packs:
    require(principal, "pack.read")
    columns = [pack.c[field] for field in PackItem.__struct_fields__]
    async with database.begin() as connection:
        rows = await connection.execute(select(*columns).order_by(pack.c.id))
        return Packs([PackItem(**row._mapping) for row in rows])


ROUTES = [get_packs]

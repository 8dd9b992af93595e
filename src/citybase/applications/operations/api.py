"""Routes of the operations centre."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import ServerSentEvent, ServerSentEventMessage

from citybase.applications.operations.boundaries import import_boundaries, remove_boundaries
from citybase.applications.operations.live import Feed, follow_city
from citybase.applications.operations.map import CityMap, read_map
from citybase.applications.operations.situation import Situation, read_situation
from citybase.city.observations.latest import LatestReader
from citybase.city.resources.classified import audit_classified
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import begin

__all__ = ["ROUTES"]

TheLatest = NamedDependency[LatestReader]
TheFeed = NamedDependency[Feed]


class BoundaryUpload(msgspec.Struct):
    """`file`: GeoJSON FeatureCollection; `approval`: 审图号."""

    file: UploadFile
    approval: str


class Imported(msgspec.Struct):
    areas: list[str]


@get("/operations/situation", tags=["operations"], summary="The situation in numbers")
async def situation(database: TheDatabase, principal: ThePrincipal) -> Situation:
    return await read_situation(database, principal)


@get("/operations/map", tags=["operations"], summary="The map: districts, terminals, alarms, cases")
async def city_map(database: TheDatabase, principal: ThePrincipal, latest: TheLatest) -> CityMap:
    async with begin(database, principal) as tx:
        shown = await read_map(tx.connection, principal, latest)
        await audit_classified(tx, "observation.read", shown.resources())
        return shown


@post("/map/boundaries", tags=["operations"], summary="Import official boundaries")
async def put_boundaries(
    data: Annotated[BoundaryUpload, Body(media_type=RequestEncodingType.MULTI_PART)],
    database: TheDatabase,
    principal: ThePrincipal,
) -> Imported:
    return Imported(await import_boundaries(database, principal, await data.file.read(), data.approval))


@delete("/map/boundaries", tags=["operations"], summary="Go back to schematic cells", status_code=204)
async def drop_boundaries(database: TheDatabase, principal: ThePrincipal) -> None:
    await remove_boundaries(database, principal)


@get("/stream", tags=["operations"], summary="Live changes, as server-sent events", include_in_schema=False)
async def stream(database: TheDatabase, principal: ThePrincipal, feed: TheFeed, latest: TheLatest) -> ServerSentEvent:
    async def messages() -> AsyncIterator[ServerSentEventMessage]:
        yield ServerSentEventMessage(comment="open")
        async for update in follow_city(database, principal, feed, latest):
            yield ServerSentEventMessage(event=update.event, data=msgspec.json.encode(update.data).decode())

    return ServerSentEvent(messages())


ROUTES = [situation, city_map, put_boundaries, drop_boundaries, stream]

"""Routes of bulk import."""

from dataclasses import dataclass
from uuid import UUID

from litestar import delete, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery, MultipartBody

from citybase.city.resources.importing.actions import (
    ImportPreview,
    Upload,
    apply_import,
    delete_import,
    preview_import,
    read_import,
)
from citybase.security.dependencies import TheDatabase, ThePrincipal
from citybase.security.transactions import begin

__all__ = ["ROUTES"]


@dataclass
class ImportForm:
    """`encoding` and `sheet` need be given only where the preview recognised them wrongly."""

    file: UploadFile
    kind: str
    encoding: str | None = None
    sheet: str | None = None


@post("/imports", tags=["imports"], summary="Upload a file and preview what it would register")
async def post_import(data: MultipartBody[ImportForm], database: TheDatabase, principal: ThePrincipal) -> ImportPreview:
    content = await data.file.read()
    upload = Upload(data.kind, data.file.filename, content, data.encoding or None, data.sheet or None)
    return await preview_import(database, principal, upload)


@get("/imports/{import_id:uuid}", tags=["imports"], summary="A preview of mine")
async def get_import(database: TheDatabase, principal: ThePrincipal, import_id: FromPath[UUID]) -> ImportPreview:
    async with database.begin() as connection:
        return await read_import(connection, principal, import_id)


@post("/imports/{import_id:uuid}/apply", tags=["imports"], summary="Register the rows, all or nothing")
async def post_apply(
    database: TheDatabase, principal: ThePrincipal, import_id: FromPath[UUID], only_good: FromQuery[bool] = False
) -> ImportPreview:
    return await apply_import(database, principal, import_id, only_good=only_good)


@delete("/imports/{import_id:uuid}", tags=["imports"], summary="Throw an uploaded file away")
async def remove_import(database: TheDatabase, principal: ThePrincipal, import_id: FromPath[UUID]) -> None:
    async with begin(database, principal) as tx:
        await delete_import(tx, import_id)


ROUTES = [post_import, get_import, post_apply, remove_import]

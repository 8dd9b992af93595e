"""Upload, look, apply or throw away."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.organizations.models import organization
from citybase.city.resources.actions import insert_drafts
from citybase.city.resources.definitions import KindDefinition
from citybase.city.resources.importing.columns import Column
from citybase.city.resources.importing.examining import Examined, RowError, Surroundings, examine
from citybase.city.resources.importing.models import import_draft
from citybase.city.resources.kinds import read_kind
from citybase.city.resources.models import resource
from citybase.engines.postgres import Database
from citybase.engines.tabular import Table, read_table
from citybase.kernel.clock import now
from citybase.kernel.errors import Problem
from citybase.kernel.ids import new_id
from citybase.kernel.text import refuse_unstorable
from citybase.security.policy import require
from citybase.security.principals import Principal
from citybase.security.scope import in_scope
from citybase.security.transactions import Transaction, begin

__all__ = ["ImportPreview", "apply_import", "delete_import", "preview_import", "read_import"]

SHOWN_ERRORS = 500
_KEPT = timedelta(days=1)
_LOOKED_UP = 10_000


class ImportPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What an uploaded file would do. `errors` holds the first 500; `rows_bad` counts every bad row."""

    id: UUID
    file_name: str
    kind: str
    state: str
    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    sheets: list[str]
    columns: list[Column]
    rows_ok: int
    rows_bad: int
    rows: list[dict[str, Any]]
    errors: list[RowError]


class Upload(msgspec.Struct, frozen=True):
    """A file with what its sender said of it."""

    kind: str
    file_name: str
    content: bytes
    encoding: str | None = None
    sheet: str | None = None


async def preview_import(database: Database, principal: Principal, upload: Upload) -> ImportPreview:
    """Read and check an uploaded file, and keep it for a day. Nothing enters the ledger."""
    require(principal, "resource.import")
    refuse_unstorable([upload.file_name, upload.sheet])
    table = await read_table(upload.content, encoding=upload.encoding, sheet=upload.sheet)
    async with begin(database, principal) as tx:
        kind = await read_kind(tx.connection, upload.kind)
        found = await _examine(tx, kind, table)
        preview = _preview(upload, table, found)
        await tx.connection.execute(
            delete(import_draft).where(
                import_draft.c.person_id == principal.id, import_draft.c.created_at < now() - _KEPT
            )
        )
        await tx.connection.execute(
            insert(import_draft).values(
                id=preview.id,
                person_id=principal.id,
                state=preview.state,
                preview=_showable(msgspec.to_builtins(preview)),
                **msgspec.structs.asdict(upload),
            )
        )
    return preview


async def read_import(connection: AsyncConnection, principal: Principal, identifier: UUID) -> ImportPreview:
    """One's own import. Raises `not_found`."""
    row = await _own(connection, principal, identifier)
    return msgspec.convert(row.preview | {"state": row.state}, ImportPreview)


async def apply_import(
    database: Database, principal: Principal, identifier: UUID, *, only_good: bool = False
) -> ImportPreview:
    """Check the file again and register its rows, all in one transaction.

    Raises `bad_rows` when some are wrong and `only_good` was not said, `conflict` when it was applied before or when
    somebody registered one of its codes at this very moment.
    """
    async with database.begin() as connection:
        draft = await _own(connection, principal, identifier)
    table = await read_table(draft.content, encoding=draft.encoding, sheet=draft.sheet)
    async with begin(database, principal) as tx:
        draft = await _own(tx.connection, principal, identifier, lock=True)
        if draft.state != "previewed":
            raise Problem("conflict", reason="这个文件已经导入过")
        kind = await read_kind(tx.connection, draft.kind)
        found = await _examine(tx, kind, table)
        if (found.errors and not only_good) or not found.good:
            raise Problem("bad_rows", bad=found.bad_rows, good=len(found.good))
        await _register(tx, kind, found, identifier, draft.file_name)
        await tx.connection.execute(update(import_draft).where(import_draft.c.id == identifier).values(state="applied"))
        return await read_import(tx.connection, principal, identifier)


async def delete_import(tx: Transaction, identifier: UUID) -> None:
    """Throw an uploaded file away. Raises `not_found`."""
    await _own(tx.connection, tx.principal, identifier)
    await tx.connection.execute(delete(import_draft).where(import_draft.c.id == identifier))


async def _register(tx: Transaction, kind: KindDefinition, found: Examined, identifier: UUID, file_name: str) -> None:
    drafts = [row.draft for row in found.good]
    inserted = await insert_drafts(tx, kind, drafts)
    if len(inserted) < len(drafts):
        raise Problem("conflict", reason="有编码刚被他人登记,没有导入任何一行")
    by_owner: dict[UUID, int] = defaultdict(int)
    for draft in drafts:
        by_owner[draft.owner_id] += 1
    for owner, count in by_owner.items():
        detail = {"kind": kind.id, "file": file_name, "rows": count}
        await tx.audit("resource.import", "import", identifier, detail, organization_id=owner)
    await tx.emit("resource.imported", identifier, {"kind": kind.id, "rows": len(drafts)})


async def _examine(tx: Transaction, kind: KindDefinition, table: Table) -> Examined:
    """Check a table; a second time when some of its codes turn out to be registered already."""
    principal = tx.principal
    owners = await _owners(tx.connection, principal)
    ids = {identifier for candidates in owners.values() for identifier in candidates}
    own = principal.organization_id if principal.organization_id in ids else None
    around = Surroundings(owners=owners, default_owner=own, clearance=principal.clearance)
    first = examine(kind, table, around)
    taken = await _taken(tx.connection, [row.draft.code for row in first.good])
    if not taken:
        return first
    return examine(kind, table, Surroundings(owners, own, taken, principal.clearance))


async def _owners(connection: AsyncConnection, principal: Principal) -> dict[str, list[UUID]]:
    """Every code and name, also former ones, of the organisations this person may import for."""
    index: dict[str, list[UUID]] = defaultdict(list)
    statement = select(organization).where(in_scope(principal, "resource.import", organization.c.id))
    for row in await connection.execute(statement):
        for name in dict.fromkeys((row.code, row.name, row.short_name, *row.former_names)):
            if name:
                index[name].append(row.id)
    return dict(index)


async def _taken(connection: AsyncConnection, codes: Sequence[str]) -> frozenset[str]:
    taken: set[str] = set()
    for start in range(0, len(codes), _LOOKED_UP):
        part = list(codes[start : start + _LOOKED_UP])
        taken |= set((await connection.execute(select(resource.c.code).where(resource.c.code.in_(part)))).scalars())
    return frozenset(taken)


def _preview(upload: Upload, table: Table, found: Examined) -> ImportPreview:
    return ImportPreview(
        id=new_id(),
        file_name=upload.file_name,
        kind=upload.kind,
        state="previewed",
        format=table.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        sheets=table.sheets,
        columns=found.columns,
        rows_ok=len(found.good),
        rows_bad=found.bad_rows,
        rows=found.shown,
        errors=found.errors[:SHOWN_ERRORS],
    )


def _showable(value: Any) -> Any:
    """JSON with U+0000, which the database cannot keep, as the symbol for it; the row that has it is refused anyway."""
    if isinstance(value, str):
        return value.replace("\0", "␀")
    if isinstance(value, dict):
        return {_showable(key): _showable(item) for key, item in value.items()}
    return [_showable(item) for item in value] if isinstance(value, list) else value


async def _own(connection: AsyncConnection, principal: Principal, identifier: UUID, *, lock: bool = False) -> Row[Any]:
    statement = select(import_draft).where(import_draft.c.id == identifier, import_draft.c.person_id == principal.id)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        raise Problem("not_found", what=str(identifier))
    return row

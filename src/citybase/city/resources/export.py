"""Export of a filtered list, streamed: CSV for any size, XLSX up to a worksheet's rows.

A spreadsheet runs a cell that begins with = + - or @ as a formula, so such text is prefixed with an apostrophe (which
import takes off again). CSV carries a byte order mark: without it Excel reads Chinese as GBK.
"""

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import xlsxwriter
from sqlalchemy import Row, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.resources.models import resource
from citybase.city.resources.queries import ResourceFilter, select_resources
from citybase.kernel.clock import to_city
from citybase.kernel.errors import Problem
from citybase.security.principals import Principal

__all__ = [
    "EXPORT_HEADERS",
    "MAX_XLSX_ROWS",
    "ExportWriter",
    "harmless",
    "refuse_too_many",
    "stream_csv",
    "write_xlsx",
]

ExportWriter = Callable[[AsyncConnection, Principal, ResourceFilter], AsyncIterator[bytes]]

EXPORT_HEADERS = (
    "类别", "编码", "名称", "权属部门编码", "权属部门", "区划代码", "区划", "经度", "纬度", "地址", "密级",
    "生命周期", "标签", "属性", "更新时间",
)  # fmt: skip
MAX_XLSX_ROWS = 200_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 1_000
_FILE_CHUNK = 1 << 16


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


async def stream_csv(connection: AsyncConnection, principal: Principal, wanted: ResourceFilter) -> AsyncIterator[bytes]:
    """The list as UTF-8 CSV with a byte order mark, a thousand rows at a time."""
    yield b"\xef\xbb\xbf" + _encode([EXPORT_HEADERS])
    async for rows in _partitions(connection, principal, wanted):
        yield _encode([_neutral(_cells(row)) for row in rows])


async def write_xlsx(connection: AsyncConnection, principal: Principal, wanted: ResourceFilter) -> AsyncIterator[bytes]:
    """The list as a workbook, built in a temporary file; `refuse_too_many` first."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheet = book.add_worksheet("一本账")
        sheet.write_row(0, 0, EXPORT_HEADERS)
        number = 0
        async for rows in _partitions(connection, principal, wanted):
            for row in rows:
                number += 1
                sheet.write_row(number, 0, _cells(row))
        book.close()
        with path.open("rb") as file:
            while chunk := file.read(_FILE_CHUNK):
                yield chunk


async def refuse_too_many(connection: AsyncConnection, principal: Principal, wanted: ResourceFilter) -> None:
    """Raise `too_many_rows` when the list is longer than a workbook is written for."""
    bounded = select_resources(principal, wanted).with_only_columns(literal(1)).limit(MAX_XLSX_ROWS + 1).subquery()
    if (await connection.execute(select(func.count()).select_from(bounded))).scalar_one() > MAX_XLSX_ROWS:
        raise Problem("too_many_rows", limit=MAX_XLSX_ROWS)


async def _partitions(
    connection: AsyncConnection, principal: Principal, wanted: ResourceFilter
) -> AsyncIterator[Sequence[Row[Any]]]:
    columns = (resource.c.address, resource.c.tags, resource.c.attributes)
    statement = select_resources(principal, wanted).add_columns(*columns).order_by(resource.c.code)
    result = await connection.stream(statement)
    async for rows in result.partitions(_CHUNK):
        yield rows


def _cells(row: Row[Any]) -> list[str | float | int | None]:
    return [
        row.kind, row.code, row.name, row.owner_code, row.owner_name, row.area_code, row.area_name,
        row.longitude, row.latitude, row.address, row.classification, row.life_cycle, "|".join(row.tags),
        msgspec.json.encode(row.attributes).decode() if row.attributes else "",
        to_city(row.updated_at).strftime("%Y-%m-%d %H:%M:%S"),
    ]  # fmt: skip


def _neutral(cells: Iterable[str | float | int | None]) -> list[str | float | int | None]:
    return [harmless(cell) if isinstance(cell, str) else cell for cell in cells]


def _encode(rows: Iterable[Sequence[str | float | int | None]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()

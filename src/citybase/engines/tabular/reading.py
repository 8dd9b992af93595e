"""Any table file to rows: workbooks by their first bytes, everything else as text."""

import asyncio

from citybase.engines.tabular.delimited import read_delimited, recognise_delimiter
from citybase.engines.tabular.encodings import decode
from citybase.engines.tabular.isolated import read_workbook
from citybase.engines.tabular.table import Table
from citybase.kernel.errors import Problem

__all__ = ["read_table"]

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PAGES = ("<!doctype", "<html", "<table", "<?xml")


async def read_table(content: bytes, *, encoding: str | None = None, sheet: str | None = None) -> Table:
    """Read a file as people send it. Raises `unreadable_table`, `unknown_encoding` or `too_many_rows`."""
    if content.startswith(_WORKBOOKS):
        return await read_workbook(content, sheet)
    return await asyncio.to_thread(_read_text, content, encoding)


def _read_text(content: bytes, encoding: str | None) -> Table:
    decoded = decode(content, encoding)
    if decoded.text.lstrip()[:200].lower().startswith(_PAGES):
        raise Problem("unreadable_table", reason="这是网页或 XML,不是表格")
    delimiter = recognise_delimiter(decoded.text)
    return Table(
        rows=read_delimited(decoded.text, delimiter), format="csv", encoding=decoded.encoding, delimiter=delimiter
    )

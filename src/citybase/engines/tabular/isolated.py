"""Workbooks are read in a process of their own, with limits on memory and time.

A few kilobytes of XLSX can name one cell in the last row of the last column, or unpack to gigabytes; the reader would
take the whole server down with it. A child that breaks its limits is just a file that cannot be read.
"""

import asyncio
import contextlib
import sys

import msgspec

from citybase.engines.tabular.table import Answer, Table
from citybase.kernel.errors import Problem

__all__ = ["read_workbook"]

_PATIENCE = 90.0


async def read_workbook(content: bytes, sheet: str | None = None) -> Table:
    """One sheet of an XLSX, XLS or ODS file. Raises `unreadable_table` or `too_many_rows`."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "citybase.engines.tabular.workbook", sheet or ""),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(child.communicate(content), _PATIENCE)
    except TimeoutError as error:
        raise Problem("unreadable_table", reason="读取时间过长") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
    if child.returncode != 0:
        raise Problem("unreadable_table", reason="读取时超出内存或时间限制")
    return _table(msgspec.msgpack.decode(output, type=Answer))


def _table(found: Answer) -> Table:
    if found.problem:
        raise Problem(found.problem, reason=found.reason, limit=found.reason)
    return Table(rows=found.rows, format=found.format, sheet=found.sheet, sheets=found.sheets)

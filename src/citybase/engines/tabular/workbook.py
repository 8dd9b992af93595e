"""A workbook to rows of text. Run by `citybase.engines.tabular.isolated` in a process of its own.

`python -m citybase.engines.tabular.workbook SHEET` limits itself in memory and time, reads the file from standard input
and writes an `Answer` as MessagePack.
"""

import io
import resource
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from citybase.engines.tabular.table import MAX_CELLS, MAX_ROWS, Answer, Row

__all__ = ["answer", "main"]

MAX_UNPACKED = 512 * 1024 * 1024
"""A workbook that unpacks to more is refused before it is unpacked: a zip bomb."""


MEMORY = 2 << 30
SECONDS = 60
"""No real table needs more memory or processor time."""


def answer(content: bytes, wanted: str) -> Answer:
    """Read one sheet: the wanted one, or the first that holds anything."""
    kind = _format(content)
    if isinstance(kind, Answer):
        return kind
    try:
        return _read(content, kind, wanted)
    except PasswordError:
        return Answer(problem="unreadable_table", reason="工作簿有密码保护,请先取消密码")
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as error:
        return Answer(problem="unreadable_table", reason=f"工作簿已损坏或不是表格文件:{error}")


def _format(content: bytes) -> str | Answer:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        return Answer(problem="unreadable_table", reason=f"压缩结构已损坏:{error}")
    if sum(part.file_size for part in parts) > MAX_UNPACKED:
        return Answer(problem="unreadable_table", reason=f"工作簿展开后超过 {MAX_UNPACKED >> 20} MiB")
    names = {part.filename for part in parts}
    if "content.xml" in names:
        return "ods"
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    return Answer(problem="unreadable_table", reason="压缩包里没有工作簿;请上传表格文件本身")


def _read(content: bytes, kind: str, wanted: str) -> Answer:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = [item.name for item in book.sheets_metadata if item.typ == SheetTypeEnum.WorkSheet]
    if wanted and wanted not in sheets:
        return Answer(problem="unreadable_table", reason=f"没有工作表“{wanted}”;有:{'、'.join(sheets)}")
    for name in [wanted] if wanted else sheets:
        sheet = book.get_sheet_by_name(name)
        if sheet.height > MAX_ROWS + 1 or sheet.height * sheet.width > MAX_CELLS:
            return Answer(problem="too_many_rows", reason=str(MAX_ROWS))
        rows = _rows(sheet)
        if rows or wanted:
            return Answer(rows=rows, sheet=name, sheets=sheets, format=kind)
    return Answer(sheet=sheets[0] if sheets else "", sheets=sheets, format=kind)


def _rows(sheet: Any) -> list[Row]:
    start = sheet.start or (0, 0)
    grid = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=True)]
    _fill_merged(grid, sheet.merged_cell_ranges or [], start)
    return [Row(start[0] + offset + 1, row) for offset, row in enumerate(grid) if any(cell.strip() for cell in row)]


def _fill_merged(grid: list[list[str]], ranges: Sequence[Any], start: tuple[int, int]) -> None:
    """A merged cell means its value for every row it spans; a title across columns stays in its first cell."""
    for (top, left), (bottom, _right) in ranges:
        row, column = top - start[0], left - start[1]
        if not (0 <= row < len(grid) and 0 <= column < len(grid[row])):
            continue
        for below in range(row + 1, min(bottom - start[0] + 1, len(grid))):
            grid[below][column] = grid[row][column]


def _text(cell: object) -> str:
    """A cell as text: a number without a needless `.0` (codes are often stored as numbers), a date as ISO 8601."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell.total_seconds()) if isinstance(cell, timedelta) else str(cell)


def main(arguments: Sequence[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = answer(sys.stdin.buffer.read(), arguments[0])
    sys.stdout.buffer.write(msgspec.msgpack.encode(found))


if __name__ == "__main__":
    main(sys.argv[1:])

"""A table as read: text cells with the row numbers that people see in their spreadsheet."""

import msgspec

__all__ = ["MAX_CELLS", "MAX_ROWS", "Answer", "Row", "Table"]

MAX_ROWS = 200_000
MAX_CELLS = 5_000_000


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row; `number` counts from 1 at the top of the sheet, as spreadsheets do."""

    number: int
    cells: list[str]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All rows that hold anything, the header among them, and what was recognised on the way."""

    rows: list[Row]
    format: str
    """csv, xlsx, xls, ods."""
    encoding: str | None = None
    """For text: the encoding it was decoded with."""
    delimiter: str | None = None
    sheet: str | None = None
    """For workbooks: the sheet read, one of `sheets`."""
    sheets: list[str] = []


class Answer(msgspec.Struct, omit_defaults=True):
    """What the process that reads a workbook says: a sheet, or a `problem` (error code) with its reason."""

    rows: list[Row] = []
    format: str = ""
    sheet: str = ""
    sheets: list[str] = []
    problem: str = ""
    reason: str = ""

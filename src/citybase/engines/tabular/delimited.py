"""Delimited text to rows: the delimiter is recognised, quoted line ends are kept, ragged rows stay ragged."""

import csv
import io
from collections import Counter
from collections.abc import Iterator

from citybase.engines.tabular.table import MAX_CELLS, MAX_ROWS, Row
from citybase.kernel.errors import Problem

__all__ = ["DELIMITERS", "read_delimited", "recognise_delimiter"]

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 200_000


def recognise_delimiter(text: str) -> str:
    """The delimiter that gives the most rows of one same width above one; a comma when none does."""
    sample = text[:_SAMPLE_CHARACTERS]
    return max(DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter))


def _agreement(sample: str, delimiter: str) -> tuple[int, int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    widths: Counter[int] = Counter()
    try:
        for row, _ in zip(reader, range(_SAMPLE_ROWS), strict=False):
            if len(row) > 1:
                widths[len(row)] += 1
    except csv.Error:
        return 0, 0
    width, rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return rows, width


def read_delimited(text: str, delimiter: str) -> list[Row]:
    """All rows that hold anything. Raises `too_many_rows`, or `unreadable_table` at a quote that is never closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[Row] = []
    cells = 0
    for number, values in enumerate(_records(reader), 1):
        cells += len(values)
        if len(rows) > MAX_ROWS or cells > MAX_CELLS:
            raise Problem("too_many_rows", limit=MAX_ROWS)
        if any(value.strip() for value in values):
            rows.append(Row(number, values))
    return rows


def _records(reader: "Iterator[list[str]]") -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        line = getattr(reader, "line_num", 0)
        raise Problem("unreadable_table", reason=f"CSV 第 {line} 行附近引号不成对或单元格过长:{error}") from error

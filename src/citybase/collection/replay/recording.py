"""Recorded hourly air quality: files of comma-separated values to arrays.

The layout is that of the PRSA files: `No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,…,station`, local time UTC+8,
concentrations in µg/m³, `NA` where nothing was measured. Files may be compressed (`.gz`). A line that cannot be
understood is told with its number and left out; it never stops the good ones. A missing value stays missing.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from citybase.kernel.errors import Problem

__all__ = ["PROPERTIES", "BadRow", "Recording", "read_recording"]

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_COLUMNS = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3"}
PROPERTIES = tuple(_COLUMNS.values())
"""The columns of `Recording.values`. Carbon monoxide is in mg/m³, the others in µg/m³."""

_DIVISORS = {"CO": 1000.0}
_TIME = ("year", "month", "day", "hour")
_LOCAL_SECONDS = 8 * 3600
_INTEGER = r"^[0-9]{1,4}$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_MISSING = pa.array(["", "NA", "N/A", "NaN", "nan", "NULL", "null", "-"])
_REPEATED = "station and hour were there before"
_MAX_COLUMNS = 1000
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that was left out. Lines are counted from 1, the header included."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Rows ordered by time, then by station; `times` are the beginnings of hours in seconds since 1970 (UTC).

    `stations` are the recorded names in the order in which they first came; `station` holds a number into it for
    each row. `values` has one column for each of `PROPERTIES`; NaN is a missing value.
    """

    stations: tuple[str, ...]
    times: Integers
    station: Integers
    values: Floats
    problems: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one file holds. `names` is the station of each row."""

    file: str
    lines: Integers
    times: Integers
    names: NDArray[np.object_]
    values: Floats
    problems: tuple[BadRow, ...]


def read_recording(files: Sequence[Path]) -> Recording:
    """Read the files and merge their rows by time; of rows for the same station and hour the first is kept.

    Raises `Problem("bad_recording")` where a file cannot be read at all or has no such columns.
    """
    parts = [_read(path) for path in files]
    names = np.concatenate([part.names for part in parts])
    stations = tuple(dict.fromkeys(names.tolist()))
    numbers = {name: number for number, name in enumerate(stations)}
    station = np.array([numbers[name] for name in names], dtype=np.int64)
    times = np.concatenate([part.times for part in parts])
    order = np.lexsort((station, times))
    times, station = times[order], station[order]
    repeated = np.zeros(len(order), dtype=bool)
    repeated[1:] = (times[1:] == times[:-1]) & (station[1:] == station[:-1])
    places = [(part.file, int(line)) for part in parts for line in part.lines]
    again = [BadRow(file, line, _REPEATED) for file, line in (places[row] for row in order[repeated])]
    values = np.concatenate([part.values for part in parts])[order]
    return Recording(
        stations=stations,
        times=times[~repeated],
        station=station[~repeated],
        values=values[~repeated],
        problems=(*(bad for part in parts for bad in part.problems), *again),
    )


def _read(path: Path) -> _Part:
    data, damage = _bytes(path)
    columns, body = _header(path, data)
    table, lines, ragged = _table(path, columns, body)
    texts = {name: _trimmed(table, columns.index(name)) for name in (*_TIME, *_COLUMNS, "station") if name in columns}
    blank = np.logical_and.reduce([_numpy(pc.equal(text, "")) for text in texts.values()])
    times, good_time = _times(texts)
    names, good_name = _names(texts["station"])
    values, good_values = _values(texts, len(lines))
    good = good_time & good_name & good_values
    reasons = np.where(~good_time, "no such hour", np.where(~good_name, "no station", "not a number"))
    bad = ~good & ~blank
    told = zip(lines[bad].tolist(), reasons[bad].tolist(), strict=True)
    problems = sorted([*ragged, *told], key=lambda problem: problem[0])
    return _Part(
        file=path.name,
        lines=lines[good],
        times=times[good],
        names=names[good],
        values=values[good],
        problems=tuple(BadRow(path.name, line, reason) for line, reason in [*problems, *damage]),
    )


def _bytes(path: Path) -> tuple[bytes, list[tuple[int, str]]]:
    """The file's bytes, unpacked; of a damaged archive what comes before the damage."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Problem("bad_recording", file=path, reason=error.strerror or str(error)) from error
    if not raw.startswith(b"\x1f\x8b"):
        return raw, []
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as archive:
            while chunk := archive.read1(1 << 20):
                unpacked += chunk
    except (OSError, EOFError, zlib.error):
        whole = bytes(unpacked).rpartition(b"\n")[0]
        return whole, [(whole.count(b"\n") + 2, "the archive is damaged from here on")]
    return bytes(unpacked), []


def _header(path: Path, data: bytes) -> tuple[list[str], bytes]:
    """The names of the columns, and everything behind the first line."""
    first, *rest = _LINE_END.split(data.removeprefix(b"\xef\xbb\xbf"), maxsplit=1)
    names = next(csv.reader([first.decode("latin-1")]), [])
    columns = [name.strip() for name in names[:_MAX_COLUMNS]]
    missing = [name for name in (*_TIME, "station") if columns.count(name) != 1]
    if missing or not set(columns) & set(_COLUMNS):
        wanted = ", ".join(missing or _COLUMNS)
        raise Problem("bad_recording", file=path, reason=f"没有这些列 / no such columns: {wanted}")
    return columns, rest[0] if rest else b""


def _table(path: Path, columns: Sequence[str], body: bytes) -> tuple[Any, Integers, list[tuple[int, str]]]:
    """Every line with the right number of columns as text, its line number, and the lines with another number."""
    ragged: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        ragged.append((row.number + 1, f"{row.actual_columns} columns instead of {row.expected_columns}"))
        return "skip"

    keys = [f"c{number}" for number in range(len(columns))]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body or b"\n"),
            # Latin-1 maps every byte to a character: a wrong byte spoils its own line only (see `_names`).
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=keys, encoding="latin-1"),
            # No quoting: a stray quote would swallow the lines behind it. The quotes around a value are trimmed.
            parse_options=arrow_csv.ParseOptions(quote_char=False, ignore_empty_lines=False, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise Problem("bad_recording", file=path, reason=str(error)) from error
    every = np.arange(2, 2 + len(table) + len(ragged), dtype=np.int64)
    return table, np.setdiff1d(every, [line for line, _ in ragged]), ragged


def _trimmed(table: Any, column: int) -> Any:
    return pc.utf8_trim(table.column(column), characters=' \t"')


def _numpy(array: Any) -> NDArray[Any]:
    return np.asarray(array.to_numpy())


def _times(texts: dict[str, Any]) -> tuple[Integers, Mask]:
    """Seconds since 1970 of each row, and where the four columns name an hour that exists."""
    year, month, day, hour = (_numbers(texts[name], _INTEGER) for name in _TIME)
    good = (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (hour >= 0) & (hour <= 23)
    whole = [np.where(good, part, 1).astype(np.int64) for part in (year - 1970, month - 1, day - 1, hour)]
    months = whole[0].astype("M8[Y]").astype("M8[M]") + whole[1]
    dates = months.astype("M8[D]") + whole[2]
    good &= dates.astype("M8[M]") == months
    seconds = dates.astype("M8[s]").astype(np.int64) + whole[3] * 3600
    return seconds - _LOCAL_SECONDS, good


def _names(text: Any) -> tuple[NDArray[np.object_], Mask]:
    """The station of each row, read as UTF-8 or GB 18030, and where there is one."""
    encoded = text.combine_chunks().dictionary_encode()
    known = np.array([_decoded(name) for name in encoded.dictionary.to_pylist()] or [""], dtype=object)
    names = known[_numpy(encoded.indices)]
    return names, names != ""


def _decoded(name: str) -> str:
    raw = name.encode("latin-1")
    for encoding in ("utf-8", "gb18030"):
        try:
            decoded = raw.decode(encoding).strip()
        except UnicodeDecodeError:
            continue
        return decoded if decoded.isprintable() else ""
    return ""


def _values(texts: dict[str, Any], rows: int) -> tuple[Floats, Mask]:
    """The values in the units of `PROPERTIES`, and the rows in which every one is a number or missing."""
    values = np.full((rows, len(PROPERTIES)), np.nan)
    good = np.ones(rows, dtype=bool)
    for position, column in enumerate(_COLUMNS):
        if column in texts:
            text = texts[column]
            values[:, position] = _numbers(text, _NUMBER) / _DIVISORS.get(column, 1.0)
            missing = _numpy(pc.is_in(text, value_set=_MISSING))
            good &= missing | np.isfinite(values[:, position])
    return values, good


def _numbers(text: Any, pattern: str) -> Floats:
    """The numbers the texts say; NaN where a text is no number of that pattern."""
    matched = pc.if_else(pc.match_substring_regex(text, pattern), text, None)
    return _numpy(pc.cast(matched, pa.float64())).astype(np.float64)

"""The latest value of every series: dense arrays in files that the observer writes and every process may read.

One record a series, at the place of its number; the file is mapped into memory, so that it survives the process and
costs a reader neither a query nor a copy. Each record carries a version (a *seqlock*): odd while it is being written;
a reader takes a record only when the version was even and the same before and after.

A killed process leaves at most torn records, for the pages stay with the operating system. A power cut may leave
anything; a file beside the records tells the two apart by the boot that the writer ran in.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citybase.kernel.ids import new_id

__all__ = ["LatestReader", "LatestValues", "LatestWriter"]

_RECORD = np.dtype(
    [("time", "<i8"), ("value", "<f8"), ("received", "<i8"), ("quality", "<i4"), ("version", "<u4")], align=True
)
_CHUNK = 65_536
_FILE = "latest.bin"
_IN_USE = "in-use"
_LOST = "lost"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PATIENCE = 50


@dataclass(frozen=True, slots=True)
class LatestValues:
    """Latest values of some series: times in µs since 1970, 0 where nothing was ever observed."""

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    received: NDArray[np.int64]
    quality: NDArray[np.int32]


class _Records:
    def __init__(self, folder: Path) -> None:
        self.path = folder / _FILE

    def map(self, mode: str) -> NDArray[np.void]:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return np.zeros(0, _RECORD)
        return np.memmap(self.path, dtype=_RECORD, mode=mode)  # type: ignore[call-overload,no-any-return]


class LatestWriter:
    """The observer's end. There is one writer."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = _Records(folder)
        self._records = self._file.map("r+")
        self._in_use = folder / _IN_USE
        self.lost = not self._file.path.exists() or (self._in_use.exists() and self._in_use.read_text() != _boot())
        """The records are missing or not to be trusted: clear them, write them anew, then call `trust`."""
        if self.lost:
            self._in_use.write_text(_LOST, encoding="utf-8")

    def clear(self) -> None:
        """Forget every value. The file never shrinks: readers have it mapped."""
        empty = np.zeros(len(self._records), _RECORD)
        self.write(np.arange(len(empty)), _values(empty))

    def trust(self) -> None:
        """All is mended: from here on only a power cut can spoil it."""
        self.lost = False
        self._in_use.write_text(_boot(), encoding="utf-8")

    def close(self) -> None:
        """A clean end: what is written is on the disk."""
        if isinstance(self._records, np.memmap):
            self._records.flush()
        if not self.lost:
            self._in_use.unlink(missing_ok=True)

    def torn(self) -> NDArray[np.int64]:
        """Series whose record was being written when the process died."""
        return np.flatnonzero(self._records["version"] & 1)

    def reserve(self, count: int) -> None:
        """Make room for series numbers below `count`."""
        if count <= len(self._records):
            return
        size = -(-count // _CHUNK) * _CHUNK * _RECORD.itemsize
        with self._file.path.open("ab") as file:
            file.truncate(size)
        self._records = self._file.map("r+")

    def times(self, series: NDArray[np.int64]) -> NDArray[np.int64]:
        """Time of the latest value of each; 0 where there is none."""
        return self._records["time"][series]

    def read(self, series: NDArray[np.int64]) -> LatestValues:
        return _values(self._records[series])

    def write(self, series: NDArray[np.int64], values: LatestValues) -> None:
        """Set records; each series at most once."""
        records = self._records
        version = records["version"][series] | 1
        records["version"][series] = version
        records["time"][series] = values.time
        records["value"][series] = values.value
        records["received"][series] = values.received
        records["quality"][series] = values.quality
        records["version"][series] = version + 1


class LatestReader:
    """Any other process's end."""

    def __init__(self, folder: Path) -> None:
        self._file = _Records(folder)
        self._records = self._file.map("r")

    def read(self, series: NDArray[np.int64]) -> LatestValues:
        """Consistent records of these series; series the observer has not met are empty."""
        result = np.zeros(len(series), _RECORD)
        todo = np.flatnonzero(series < self._size_for(series))
        for _ in range(_PATIENCE):
            before = self._records["version"][series[todo]]
            result[todo] = self._records[series[todo]]
            whole = (before & 1 == 0) & (self._records["version"][series[todo]] == before)
            todo = todo[~whole]
            if not len(todo):
                break
            time.sleep(0.001)
        # What is left was torn by a dead writer: shown as found until the observer, coming back, mends it.
        return _values(result)

    def _size_for(self, series: NDArray[np.int64]) -> int:
        if len(series) and int(series.max()) >= len(self._records):
            self._records = self._file.map("r")
        return len(self._records)


def _values(records: NDArray[np.void]) -> LatestValues:
    return LatestValues(records["time"], records["value"], records["received"], records["quality"])


def _boot() -> str:
    """This run of the machine; where it cannot be told, none is like another and an unclean end counts as a cut."""
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else str(new_id())

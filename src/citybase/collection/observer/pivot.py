"""From rows to moments: the values that terminals of one kind observed at the same time, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citybase.city.observations.latest import LatestWriter
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex

__all__ = ["Moments", "pivot"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments sorted by terminal and time. `terminal` counts `devices` (their numbers in the index) from 0.

    `columns`: by property number, the value observed at that very moment, NaN where there is none.
    """

    devices: NDArray[np.int32]
    terminal: NDArray[np.int64]
    time: NDArray[np.int64]
    received: NDArray[np.int64]
    columns: dict[int, NDArray[np.float64]]

    def known(self, index: SeriesIndex, latest: LatestWriter) -> dict[int, NDArray[np.float64]]:
        """Columns with what is missing filled by the terminal's value before: in this batch, else the latest one."""
        if len(self.columns) == 1:
            return self.columns
        return {number: self._filled(number, column, index, latest) for number, column in self.columns.items()}

    def _filled(
        self, number: int, column: NDArray[np.float64], index: SeriesIndex, latest: LatestWriter
    ) -> NDArray[np.float64]:
        first = np.append(True, np.diff(self.terminal) != 0)
        source = np.maximum.accumulate(np.where(~np.isnan(column) | first, np.arange(len(column)), 0))
        carried = column[source]
        series = index.find(self.devices, np.full(len(self.devices), number, np.int32))
        before = latest.read(np.maximum(series, 0))
        usable = (series >= 0) & (before.time > 0)
        value = np.where(usable, before.value, np.nan)[self.terminal]
        earlier = before.time[self.terminal] <= self.time
        return np.where(np.isnan(carried) & earlier, value, carried)


def pivot(rows: Rows, index: SeriesIndex, kind: int, properties: Sequence[int]) -> Moments | None:
    """The good values of these properties of that kind's terminals; None when the rows hold none."""
    place = np.full(len(index.properties.names), -1, np.int64)
    place[list(properties)] = np.arange(len(properties))
    column = place[index.property_of[rows.series]]
    device = index.device_of[rows.series]
    chosen = np.flatnonzero((column >= 0) & (index.kind_of_device[device] == kind) & (rows.quality == 0))
    if not len(chosen):
        return None
    chosen = chosen[np.lexsort((rows.time[chosen], device[chosen]))]
    device, time, column = device[chosen], rows.time[chosen], column[chosen]
    new = np.append(True, (np.diff(device) != 0) | (np.diff(time) != 0))
    moment = np.cumsum(new) - 1
    values = np.full((len(properties), int(moment[-1]) + 1), np.nan)
    values[column, moment] = rows.value[chosen]
    devices, terminal = np.unique(device[new], return_inverse=True)
    return Moments(devices, terminal, time[new], rows.received[chosen][new], dict(zip(properties, values, strict=True)))

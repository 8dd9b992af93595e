"""Rows waiting for the next commit, and how exactly-once is kept by what an observation *is*.

A (series, time, value) is stored once, however often it arrives: a QoS 1 resend, a redelivery after `kill -9`, the same
file replayed. A row younger than everything of its series cannot be in the lake yet; only the *late* others are looked
up there, all of a commit at once.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyiceberg.expressions import BooleanExpression

from citybase.collection.observer.intake import SOURCES
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import SeriesIndex
from citybase.engines.lake import OBSERVATION_COLUMNS, Lake, within

__all__ = ["Pending", "Taken", "already_stored", "to_arrow"]

_NAMED_TERMINALS = 200
_STORED = """
SELECT late.place FROM late
WHERE EXISTS (
  SELECT 1 FROM observation stored
  WHERE stored.series = late.series AND stored.time = late.time AND stored.value = late.value
)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows of one commit: distinct, sorted by series and time; `late` are to be looked up in the lake first."""

    rows: Rows
    late: NDArray[np.bool_]

    def without(self, places: NDArray[np.int64]) -> Rows:
        keep = np.ones(len(self.rows), np.bool_)
        keep[places] = False
        return self.rows.take(keep)


class Pending:
    """Collects rows between two commits."""

    def __init__(self) -> None:
        self._parts: list[Rows] = []
        self._late: list[NDArray[np.bool_]] = []
        self.count = 0

    def add(self, rows: Rows, late: NDArray[np.bool_]) -> None:
        """`late`: not younger than everything of its series that was added before."""
        self._parts.append(rows)
        self._late.append(late)
        self.count += len(rows)

    def take(self) -> Taken | None:
        """All rows collected, and start anew; None when there are none."""
        if not self.count:
            return None
        rows, late = Rows.joined(self._parts), np.concatenate(self._late)
        self.__init__()  # type: ignore[misc]
        order = np.lexsort((rows.value, rows.time, rows.series))
        rows, late = rows.take(order), late[order]
        first = np.ones(len(rows), np.bool_)
        first[1:] = (np.diff(rows.series) != 0) | (np.diff(rows.time) != 0) | (np.diff(rows.value) != 0)
        return Taken(rows.take(first), late[first])


def already_stored(lake: Lake, taken: Taken, index: SeriesIndex) -> NDArray[np.int64]:
    """Places of late rows that the lake has."""
    places = np.flatnonzero(taken.late)
    if not len(places):
        return places
    rows = taken.rows.take(places)
    late = pa.table(
        {"place": places, "series": rows.series, "time": _instants(rows.time), "value": rows.value},
    )
    stored = lake.query(_STORED, _around(rows, index), relations={"late": late})
    return np.asarray(stored["place"], np.int64)


def to_arrow(rows: Rows, index: SeriesIndex) -> pa.Table:
    """Rows as the lake's columns."""
    devices, place = np.unique(index.device_of[rows.series], return_inverse=True)
    terminals = pa.array([index.devices.names[number] for number in devices.tolist()], pa.string())
    properties = pa.array(index.properties.names)
    return pa.table(
        [
            rows.series,
            terminals.take(pa.array(place)),
            properties.take(pa.array(index.property_of[rows.series])),
            _instants(rows.time),
            rows.value,
            rows.quality.astype(np.int32),
            _instants(rows.received),
            pa.array(SOURCES).take(pa.array(rows.source)),
        ],
        schema=OBSERVATION_COLUMNS,
    )


def _around(rows: Rows, index: SeriesIndex) -> BooleanExpression:
    """What narrows the files: the span of time, and the terminals when they are few."""
    devices = np.unique(index.device_of[rows.series])
    names = [index.devices.names[number] for number in devices.tolist()] if len(devices) <= _NAMED_TERMINALS else []
    return within(int(rows.time.min()), int(rows.time.max()), names)


def _instants(microseconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(microseconds).cast(pa.timestamp("us", tz="UTC"))

"""From (device, property) to the number of its series: a few array look-ups for a whole batch.

Devices are learnt from the ledger when they are first heard of, so that starting costs the same with two terminals
and with two million.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.observations.models import series as series_table
from citybase.city.resources.models import resource, resource_kind
from citybase.engines.streams import Source

__all__ = ["UNKNOWN", "SeriesIndex"]

UNKNOWN = -1


class _Property(msgspec.Struct, frozen=True):
    """What the observer needs of a kind's property."""

    id: str
    range: tuple[float, float] | None = None


class _Numbers:
    """Names numbered in the order they are met."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def add(self, name: str) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def number(self, name: str) -> int:
        return self._numbers.get(name, UNKNOWN)

    def of(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Their numbers; UNKNOWN for a name never met."""
        return np.fromiter(map(self._numbers.get, names, repeat(UNKNOWN)), np.int32, len(names))


class _Routes:
    """Subjects that messages came on, numbered: which device each names, and which way it is."""

    def __init__(self) -> None:
        self.devices: list[str] = []
        self.source = np.zeros(0, np.int16)
        self.device = np.zeros(0, np.int32)  # UNKNOWN until the device is learnt
        self._numbers: dict[str, int] = {}

    def of(self, subjects: Sequence[str]) -> NDArray[np.int32]:
        """Numbers of subjects that were met."""
        return np.fromiter(map(self._numbers.__getitem__, subjects), np.int32, len(subjects))

    def meet(self, source: Source, subjects: Sequence[str], sources: Sequence[str]) -> None:
        """Number the subjects that are new."""
        fresh = [subject for subject in dict.fromkeys(subjects) if subject not in self._numbers]
        if not fresh:
            return
        self._numbers.update(zip(fresh, range(len(self.devices), len(self.devices) + len(fresh)), strict=True))
        self.devices += map(source.device, fresh)
        origins = [source.origin(subject) for subject in fresh]
        ways = [sources.index(origin) if origin in sources else len(sources) - 1 for origin in origins]
        self.source = np.append(self.source, np.array(ways, np.int16))
        self.device = np.append(self.device, np.full(len(fresh), UNKNOWN, np.int32))


class SeriesIndex:
    """What is known of devices and series. Numbers of devices, kinds and properties are this process's own."""

    def __init__(self) -> None:
        self.devices = _Numbers()
        self.routes = _Routes()
        self.kinds = _Numbers()
        self.properties = _Numbers()
        self.resource_ids: list[Any] = []
        self.kind_of_device = np.zeros(0, np.int32)
        self.slot_of = np.full((0, 0), UNKNOWN, np.int32)  # by kind and property
        self.series_of = np.full((0, 0), UNKNOWN, np.int32)  # by device and slot
        self.device_of = np.full(0, UNKNOWN, np.int32)  # by series
        self.property_of = np.full(0, UNKNOWN, np.int32)
        self.low = np.zeros(0)
        self.high = np.zeros(0)

    @property
    def size(self) -> int:
        """Series numbers known are below it."""
        return len(self.device_of)

    def devices_of(self, route: NDArray[np.int32]) -> NDArray[np.int32]:
        """Device numbers of routes; UNKNOWN for a device that is not in the ledger."""
        routes = self.routes
        for number in np.unique(route[routes.device[route] == UNKNOWN]).tolist():
            routes.device[number] = self.devices.number(routes.devices[number])
        return routes.device[route]

    def find(self, device: NDArray[np.int32], properties: NDArray[np.int32]) -> NDArray[np.int64]:
        """Series of each (device number, property number); UNKNOWN where there is none."""
        found = np.full(len(device), UNKNOWN, np.int64)
        known = np.flatnonzero((device >= 0) & (properties >= 0))
        slot = self.slot_of[self.kind_of_device[device[known]], properties[known]]
        declared = slot >= 0
        known = known[declared]
        found[known] = self.series_of[device[known], slot[declared]]
        return found

    async def learn(self, connection: AsyncConnection, devices: Iterable[str]) -> None:
        """Read devices, what their kinds observe, and their series; give numbers to series that have none yet."""
        codes = list({device for device in devices if "\0" not in device})
        rows = (
            await connection.execute(
                select(resource.c.id, resource.c.code, resource.c.kind, resource_kind.c.definition["properties"])
                .join(resource_kind, resource_kind.c.id == resource.c.kind)
                .where(resource.c.code.in_(codes))
            )
        ).all()
        declared = {row.kind: msgspec.convert(row[3] or [], list[_Property]) for row in rows}
        for kind, properties in declared.items():
            self._add_kind(kind, properties)
        for row in rows:
            self._add_device(row)
        await self._number_series(connection, rows, declared)

    def _add_kind(self, name: str, properties: Sequence[_Property]) -> None:
        kind = self.kinds.add(name)
        numbers = [self.properties.add(item.id) for item in properties]
        self.slot_of = _grown(self.slot_of, len(self.kinds.names), len(self.properties.names))
        for number in numbers:
            if self.slot_of[kind, number] == UNKNOWN:
                self.slot_of[kind, number] = self.slot_of[kind].max(initial=UNKNOWN) + 1

    def _add_device(self, row: Row[*tuple[Any, ...]]) -> None:
        device = self.devices.add(row.code)
        slots = int(self.slot_of.max(initial=UNKNOWN)) + 1
        self.series_of = _grown(self.series_of, device + 1, slots)
        if device >= len(self.kind_of_device):
            self.kind_of_device = np.resize(self.kind_of_device, max(1024, 2 * device))
        self.kind_of_device[device] = self.kinds.add(row.kind)
        if device == len(self.resource_ids):
            self.resource_ids.append(row.id)

    async def _number_series(
        self,
        connection: AsyncConnection,
        rows: Sequence[Row[*tuple[Any, ...]]],
        declared: Mapping[str, Sequence[_Property]],
    ) -> None:
        ranges = {(row.code, item.id): item.range for row in rows for item in declared[row.kind]}
        met = await self._read_series(connection, rows, ranges)
        fresh = [
            {"resource_id": row.id, "device": row.code, "property": item.id}
            for row in rows
            for item in declared[row.kind]
            if (row.code, item.id) not in met
        ]
        if fresh:
            await connection.execute(insert(series_table).on_conflict_do_nothing(), fresh)
            await self._read_series(connection, rows, ranges)

    async def _read_series(
        self,
        connection: AsyncConnection,
        rows: Sequence[Row[*tuple[Any, ...]]],
        ranges: Mapping[tuple[str, str], tuple[float, float] | None],
    ) -> set[tuple[str, str]]:
        codes = {row.id: row.code for row in rows}
        found = await connection.execute(
            select(series_table.c.id, series_table.c.resource_id, series_table.c.property).where(
                series_table.c.resource_id.in_(codes)
            )
        )
        met = set()
        for number, resource_id, name in found:
            key = (codes[resource_id], name)
            met.add(key)
            if key in ranges:
                self._add_series(number, *key, ranges[key])
        return met

    def _add_series(self, number: int, code: str, name: str, plausible: tuple[float, float] | None) -> None:
        if number >= self.size:
            self._grow_series(max(1024, number + 1, self.size * 2))
        device, property_number = self.devices.add(code), self.properties.add(name)
        slot = self.slot_of[self.kind_of_device[device], property_number]
        self.series_of[device, slot] = number
        self.device_of[number] = device
        self.property_of[number] = property_number
        self.low[number], self.high[number] = plausible or (-np.inf, np.inf)

    def _grow_series(self, size: int) -> None:
        more = size - self.size
        self.device_of = np.pad(self.device_of, (0, more), constant_values=UNKNOWN)
        self.property_of = np.pad(self.property_of, (0, more), constant_values=UNKNOWN)
        self.low = np.pad(self.low, (0, more), constant_values=-np.inf)
        self.high = np.pad(self.high, (0, more), constant_values=np.inf)


def _grown(table: NDArray[np.int32], rows: int, columns: int) -> NDArray[np.int32]:
    """The table with at least so many rows and columns; grows by doubling, so that adding one by one stays cheap."""
    if rows <= table.shape[0] and columns <= table.shape[1]:
        return table
    more_rows = 0 if rows <= table.shape[0] else max(rows, 2 * table.shape[0]) - table.shape[0]
    more_columns = max(0, columns - table.shape[1])
    return np.pad(table, ((0, more_rows), (0, more_columns)), constant_values=UNKNOWN)

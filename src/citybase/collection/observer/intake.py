"""A batch of messages becomes rows: decoded, found in the ledger, checked; the rest is kept aside with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citybase.city.observations.rejections import Rejected
from citybase.collection.observer.decoding import Decoded, decode
from citybase.collection.observer.rows import Rows
from citybase.collection.observer.series import UNKNOWN, SeriesIndex
from citybase.engines.postgres import Database
from citybase.engines.streams import Source

__all__ = ["AHEAD", "EARLIEST", "IMPLAUSIBLE", "SOURCES", "Batch", "take_in"]

SOURCES = ("mqtt", "hj212", "http", "hosts", "derived", "other")
"""Ways a reading comes, numbered by place."""
IMPLAUSIBLE = 20
"""Quality of a value outside the range that its kind declares."""
EARLIEST = 946_684_800_000_000
"""2000-01-01 UTC in µs: a clock before it was never set."""
AHEAD = 600_000_000
"""A clock may be ten minutes ahead."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages taken from one stream; `received` in µs since 1970."""

    source: Source
    subjects: list[str]
    payloads: list[bytes]
    received: int

    def device(self, message: int) -> str:
        return self.source.device(self.subjects[message])

    def origin(self, message: int) -> str:
        return self.source.origin(self.subjects[message])

    def halves(self) -> "tuple[Batch, Batch]":
        middle = len(self.payloads) // 2
        return (
            Batch(self.source, self.subjects[:middle], self.payloads[:middle], self.received),
            Batch(self.source, self.subjects[middle:], self.payloads[middle:], self.received),
        )


async def take_in(batch: Batch, index: SeriesIndex, database: Database) -> tuple[Rows, list[Rejected]]:
    """The batch's rows, and what is kept aside."""
    decoded = decode(batch.payloads)
    series, device = await _find(batch, decoded, index, database)
    route = index.routes.of(batch.subjects)
    missing = np.isnan(decoded.value)
    unknown = series == UNKNOWN
    ahead = decoded.time > batch.received + AHEAD
    behind = decoded.time < EARLIEST
    good = ~(missing | unknown | ahead | behind)
    rows = Rows(
        series=series[good],
        time=decoded.time[good],
        value=decoded.value[good],
        quality=_judged(decoded, series, index)[good],
        received=np.full(int(good.sum()), batch.received, np.int64),
        source=index.routes.source[route][decoded.message[good]],
    )
    refused = [*_refused(batch, decoded, index)]
    undeclared = unknown & ~missing & (device >= 0)
    refused += _part(batch, decoded, np.flatnonzero(undeclared), "unknown_property", index)
    refused += _part(batch, decoded, _first_of_message(decoded, device < 0), "unknown_device", index)
    refused += _part(batch, decoded, _first_of_message(decoded, ahead & ~unknown), "clock_ahead", index)
    refused += _part(batch, decoded, _first_of_message(decoded, behind & ~unknown), "clock_behind", index)
    return rows, refused


async def _find(
    batch: Batch, decoded: Decoded, index: SeriesIndex, database: Database
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Series and device number of each value; asks the ledger once for everything not known yet."""
    index.routes.meet(batch.source, batch.subjects, SOURCES)
    device, series = _look_up(batch, decoded, index)
    strange = np.unique(decoded.message[(series == UNKNOWN) & ~np.isnan(decoded.value)])
    if len(strange):
        async with database.begin() as connection:
            await index.learn(connection, map(batch.device, strange.tolist()))
        device, series = _look_up(batch, decoded, index)
    return series, device


def _look_up(batch: Batch, decoded: Decoded, index: SeriesIndex) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    device = index.devices_of(index.routes.of(batch.subjects))[decoded.message]
    return device, index.find(device, index.properties.of(decoded.properties))


def _judged(decoded: Decoded, series: NDArray[np.int64], index: SeriesIndex) -> NDArray[np.int16]:
    if not index.size:
        return decoded.quality
    implausible = (decoded.value < index.low[series]) | (decoded.value > index.high[series])
    return np.where((decoded.quality == 0) & implausible, np.int16(IMPLAUSIBLE), decoded.quality)


def _first_of_message(decoded: Decoded, where: NDArray[np.bool_]) -> NDArray[np.int64]:
    """One place a message: what is wrong with the whole message is said once."""
    places = np.flatnonzero(where)
    return places[np.unique(decoded.message[places], return_index=True)[1]]


def _refused(batch: Batch, decoded: Decoded, index: SeriesIndex) -> Iterator[Rejected]:
    for item in decoded.refused:
        yield _rejected(batch, item.message, item.code, item.detail, index)


def _part(
    batch: Batch, decoded: Decoded, places: NDArray[np.int64], code: str, index: SeriesIndex
) -> Iterator[Rejected]:
    for place in places.tolist():
        message = int(decoded.message[place])
        detail = decoded.properties[place] if code == "unknown_property" else _instant_text(int(decoded.time[place]))
        yield _rejected(batch, message, code, detail, index)


def _rejected(batch: Batch, message: int, code: str, detail: str, index: SeriesIndex) -> Rejected:
    device = batch.device(message)
    number = index.devices.number(device)
    resource_id = index.resource_ids[number] if number >= 0 else None
    return Rejected(batch.origin(message), device, resource_id, code, detail, batch.payloads[message])


def _instant_text(microseconds: int) -> str:
    return str(np.datetime64(microseconds, "us")) + "Z"

"""Who sends what, when and over which way. Pure: nothing here waits or sends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from citybase.collection.replay.recording import PROPERTIES, Recording
from citybase.kernel.errors import Problem

__all__ = ["Message", "Plan", "Way", "assign", "make_plan", "seconds_until"]

_HOUR = 3600


class Way(StrEnum):
    """How a device is connected."""

    MQTT = "mqtt"
    HJ212 = "hj212"


@dataclass(frozen=True, slots=True)
class Message:
    """One hour of one station: what its device sends at once. `hour` is the hour as sent (UTC, its beginning)."""

    device: str
    way: Way
    hour: datetime
    values: Mapping[str, float]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of a recording that are to be played, the device of each recorded station, and the shift in seconds."""

    recording: Recording
    devices: tuple[str, ...]
    first: int
    last: int
    shift: int

    def hours(self) -> Iterator[tuple[int, list[Message]]]:
        """Each recorded hour (seconds since 1970) that has rows, and its messages, in order of time."""
        times = self.recording.times[self.first : self.last]
        starts = np.flatnonzero(np.diff(times, prepend=times[:1] - 1)) + self.first
        ends = np.append(starts[1:], self.last)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            hour = int(self.recording.times[start])
            yield hour, [self._message(row) for row in range(start, end)]

    def ways(self) -> dict[str, frozenset[Way]]:
        """The ways each device needs."""
        if len(self.devices) == 1:
            return {self.devices[0]: frozenset(Way)}
        return {device: frozenset((_way_of(number),)) for number, device in enumerate(self.devices)}

    def _message(self, row: int) -> Message:
        station, hour = int(self.recording.station[row]), int(self.recording.times[row])
        values = dict(zip(PROPERTIES, self.recording.values[row].tolist(), strict=True))
        return Message(
            device=self.devices[station],
            way=_way_of(station if len(self.devices) > 1 else hour // _HOUR),
            hour=datetime.fromtimestamp(hour + self.shift, UTC),
            values={name: value for name, value in values.items() if value == value},  # noqa: PLR0124 - NaN
            missing=tuple(name for name, value in values.items() if value != value),  # noqa: PLR0124
        )


def _way_of(number: int) -> Way:
    return Way.MQTT if number % 2 == 0 else Way.HJ212


def make_plan(
    recording: Recording,
    devices: Mapping[str, str],
    begin: datetime | None = None,
    end: datetime | None = None,
    present: datetime | None = None,
) -> Plan:
    """The rows from `begin` up to and without `end`; with `present`, shifted so that the last hour is that one.

    Half of the stations use MQTT and half HJ 212; a single one alternates from hour to hour. Raises `bad_recording`
    where nothing is left to play.
    """
    bounds = (begin.timestamp() if begin else -np.inf, end.timestamp() if end else np.inf)
    first, last = (int(place) for place in np.searchsorted(recording.times, bounds))
    if first >= last:
        raise Problem("bad_recording", file="replay", reason="此范围内没有读数 / no readings in this range")
    shift = int(present.timestamp()) // _HOUR * _HOUR - int(recording.times[last - 1]) if present else 0
    return Plan(recording, tuple(devices[name] for name in recording.stations), first, last, shift)


def assign(stations: Sequence[str], registered: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """The device of each recorded station: the named one, or the next free registered one in order of code.

    Raises `invalid_input` for a name that does not exist, a device named twice, or too few devices.
    """
    wrong = [name for name in named if name not in stations]
    wrong += [device for device in named.values() if device not in registered]
    wrong += sorted({device for device in named.values() if list(named.values()).count(device) > 1})
    if wrong:
        raise Problem("invalid_input", reason=f"--map: {', '.join(wrong)}")
    free = iter(sorted(set(registered) - set(named.values())))
    assigned = {name: named.get(name) or next(free, "") for name in stations}
    if "" in assigned.values():
        raise Problem(
            "invalid_input",
            reason=f"记录有 {len(stations)} 个站,台账只有 {len(registered)} 个 / "
            f"{len(stations)} stations recorded, {len(registered)} registered",
        )
    return assigned


def seconds_until(hour: int, first: int, speed: float) -> float:
    """Seconds of real time between the first recorded hour and this one, at `speed`; 0 for speed 0 (no waiting)."""
    return (hour - first) / speed if speed > 0 else 0.0

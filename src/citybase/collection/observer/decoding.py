"""From payloads to columns: one pass of C code over a batch, and a slow, patient one over what it stumbled on.

A payload is one reading or an array of readings, `{"t": …, "v": {"pm25": 35.0, "pm10": null}}`: `t` ISO 8601 (without
offset: city time) or milliseconds since 1970, null a missing value, optional `"q": {"pm25": 1}` the quality of what
the device itself does not call good. Whatever cannot be read is kept aside with a code; the good readings beside it
go on.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citybase.kernel.clock import CITY_ZONE, parse_instant

__all__ = ["Decoded", "Reading", "Refused", "decode"]

Quality = Annotated[int, msgspec.Meta(ge=0, le=99)]
Milliseconds = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MILLISECONDS = 2.0**53


class Reading(msgspec.Struct, gc=False):
    """What a device measured at one moment, by property."""

    t: Milliseconds | datetime
    v: dict[str, float | None]
    q: dict[str, Quality] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Part of a message (its place in the batch) that is kept aside."""

    message: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The values of a batch, one entry each: the message it came in, property, time (µs since 1970), value.

    A missing value is NaN.
    """

    message: NDArray[np.int64]
    properties: list[str]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    refused: list[Refused]


_decode = msgspec.json.Decoder(Reading | list[Reading]).decode


def decode(payloads: Sequence[bytes]) -> Decoded:
    """Read a batch. Payloads are decoded one by one, never joined: a joined text could shift what belongs to whom."""
    messages: list[Reading | list[Reading]] = []
    refused: list[Refused] = []
    rest = iter(payloads)
    while len(messages) < len(payloads):
        try:
            messages.extend(map(_decode, rest))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            # `extend` kept what was decoded before the bad one.
            good, bad = _salvage(len(messages), payloads[len(messages)], str(error))
            messages.append(good)
            refused.extend(bad)
    return _columns(messages, refused)


def _columns(messages: list[Reading | list[Reading]], refused: list[Refused]) -> Decoded:
    nested = [part if type(part) is list else (part,) for part in messages]
    readings: list[Reading] = list(chain.from_iterable(nested))  # type: ignore[arg-type]
    message = np.repeat(np.arange(len(nested)), np.fromiter(map(len, nested), np.int64, len(nested)))
    values = [reading.v for reading in readings]
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    return Decoded(
        message=np.repeat(message, sizes),
        properties=list(chain.from_iterable(values)),
        time=np.repeat(_microseconds([reading.t for reading in readings]), sizes),
        value=np.array(list(chain.from_iterable(map(dict.values, values))), dtype=np.float64),
        quality=_qualities(readings, sizes),
        refused=refused,
    )


def _qualities(readings: list[Reading], sizes: NDArray[np.int64]) -> NDArray[np.int16]:
    quality = np.zeros(int(sizes.sum()), np.int16)
    ends = np.cumsum(sizes)
    for number, doubts in enumerate([reading.q for reading in readings]):
        if doubts:
            start = int(ends[number] - sizes[number])
            for place, name in enumerate(readings[number].v):
                quality[start + place] = doubts.get(name, 0)
    return quality


def _microseconds(times: list[int | datetime]) -> NDArray[np.int64]:
    try:
        return np.fromiter(times, np.int64, len(times)) * 1000
    except TypeError:
        return np.fromiter(map(_instant, times), np.int64, len(times))


def _instant(time: int | datetime) -> int:
    if isinstance(time, int):
        return time * 1000
    return ((time if time.tzinfo else time.replace(tzinfo=CITY_ZONE)) - _EPOCH) // _MICROSECOND


def _salvage(message: int, payload: bytes, error: str) -> tuple[list[Reading], list[Refused]]:
    """The good readings of a payload that is not right as a whole, and what is wrong with the others."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return [], [Refused(message, "malformed", error)]
    good: list[Reading] = []
    bad: list[Refused] = []
    for place, item in enumerate(content if isinstance(content, list) else [content]):
        try:
            good.append(_salvage_reading(message, place, item, bad))
        except ValueError as reason:
            bad.append(Refused(message, "wrong_type", f"[{place}] {reason}"))
    return good, bad


def _salvage_reading(message: int, place: int, item: Any, bad: list[Refused]) -> Reading:
    if not isinstance(item, dict) or not isinstance(item.get("v"), dict):
        raise ValueError('expected {"t": …, "v": {…}}')
    values: dict[str, float | None] = {}
    for name, value in item["v"].items():
        if value is None or _is_number(value):
            values[name] = value
        else:
            code = "not_finite" if isinstance(value, int | float) and not isinstance(value, bool) else "wrong_type"
            bad.append(Refused(message, code, f"[{place}].v.{name}: {value!r}"[:200]))
    return Reading(_salvage_time(item.get("t")), values, _salvage_quality(item.get("q")))


def _salvage_quality(quality: Any) -> dict[str, int] | None:
    try:
        return msgspec.convert(quality, dict[str, Quality] | None)
    except msgspec.ValidationError as error:
        raise ValueError(f"q: {error}") from error


def _salvage_time(time: Any) -> int | datetime:
    if isinstance(time, str):
        return parse_instant(time)
    if _is_number(time) and abs(time) <= _MAX_MILLISECONDS:
        return int(time)
    raise ValueError("t: expected ISO 8601 or milliseconds since 1970")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False

"""What a frame of HJ 212 means in city terms, and the frames the platform composes.

Numbers keep the unit they were sent in: HJ 212 carries none, so the kind of the station declares it.
DataTime is China local time (UTC+8); for minutes, hours and days it names the period's beginning, as the
examples of the 2017 edition show (not checked against its text).
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from citybase.collection.gateways.hj212.codec import Frame, Pair
from citybase.collection.gateways.hj212.errors import FrameError
from citybase.collection.gateways.hj212.pollutants import (
    CODES,
    COMMANDS,
    STATISTICS,
    property_of,
    quality_of,
)

__all__ = ["Extraction", "Reading", "Refusal", "acknowledgement", "hourly_frame", "latest_values", "read"]

CHINA = timezone(timedelta(hours=8))
AIR_QUALITY = "22"  # ST: ambient air monitoring 空气质量监测
INTERACTION = "91"  # ST: system interaction 系统交互
DATA_ACKNOWLEDGEMENT = "9014"
EDITION_BITS = 0b11111100

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_MISSING = frozenset({"", "NA", "N/A", "NULL", "-", "--"})
# Where one frame says a property in several ways, the value that stands for it.
_PREFERRED = ("Rtd", "Avg", "Data")


class Reading(msgspec.Struct, frozen=True):
    """One finite number a device measured. `time` is UTC; `quality` is 0 when the flag says normal."""

    device: str
    time: datetime
    property: str
    value: float
    flag: str | None
    quality: int
    statistic: str


class Refusal(msgspec.Struct, frozen=True):
    """One item that is no observation: `missing`, `not_a_number`, `not_finite` or `bad_code`."""

    key: str
    value: str
    reason: str
    flag: str | None = None


class Extraction(msgspec.Struct, frozen=True):
    """The readings of one frame and the items that gave none."""

    readings: tuple[Reading, ...] = ()
    refused: tuple[Refusal, ...] = ()


def read(frame: Frame) -> Extraction:
    """The measurements of a data upload (CN 2011, 2051, 2061, 2031); empty for every other command.

    Items that are missing or no finite number are refused one by one. Raises `FrameError` with `no_device` or
    `bad_time` where the whole frame belongs to nobody or to no moment.
    """
    if frame.command not in COMMANDS:
        return Extraction()
    if not frame.device:
        raise FrameError("no_device")
    time = _time(frame.parameters.get("DataTime", ""))
    items = [
        _item(frame.device, time, (code, field), text, fields.get("Flag"))
        for code, fields in frame.pollutants.items()
        for field, text in fields.items()
        if field in STATISTICS
    ]
    return Extraction(
        readings=tuple(item for item in items if isinstance(item, Reading)),
        refused=tuple(item for item in items if isinstance(item, Refusal)),
    )


def latest_values(readings: Sequence[Reading]) -> dict[str, Reading]:
    """The one reading that stands for each property: real-time value, else mean, else the noise level."""
    best: dict[str, Reading] = {}
    for statistic in _PREFERRED:
        for reading in readings:
            if reading.statistic == statistic:
                best.setdefault(reading.property, reading)
    return best


def _item(device: str, time: datetime, key: Pair, text: str, flag: str | None) -> Reading | Refusal:
    code, field = key
    name = property_of(code)
    if name is None:
        return Refusal(f"{code}-{field}", text, "bad_code", flag)
    value = _number(text)
    if isinstance(value, str):
        return Refusal(f"{code}-{field}", text, value, flag)
    return Reading(device, time, name, value, flag, quality_of(flag), field)


def _number(text: str) -> float | str:
    """The number a value says, or the reason why it says none."""
    text = text.strip()
    if text.upper() in _MISSING:
        return "missing"
    if _NOT_FINITE.fullmatch(text):
        return "not_finite"
    if not _NUMBER.fullmatch(text):
        return "not_a_number"
    value = float(text)
    return value if math.isfinite(value) else "not_finite"


def _time(text: str) -> datetime:
    """A DataTime of 14 digits, or 17 with milliseconds, as UTC."""
    if len(text) not in {14, 17} or not (text.isascii() and text.isdecimal()):
        raise FrameError("bad_time", text)
    try:
        local = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
        return (local + timedelta(milliseconds=int(text[14:] or 0))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FrameError("bad_time", text) from error


def hourly_frame(
    device: str,
    hour: datetime,
    values: Mapping[str, float | None],
    *,
    password: str,
    flag: int = 5,
) -> Frame:
    """An hourly air-quality message (ST 22, CN 2061): a mean with flag N for each property that has a value.

    `hour` (aware) is the beginning of the hour and, with no milliseconds, also the request number QN.
    Properties are named as in `pollutants.CODES`, others are sent by their own name; None and non-finite
    values are left out, for a missing value is not sent. The default `flag` says edition 2017 and asks for
    an answer.
    """
    local = hour.astimezone(CHINA)
    header = (
        *(("QN", f"{local:%Y%m%d%H%M%S}000"), ("ST", AIR_QUALITY), ("CN", "2061")),
        *(("PW", password), ("MN", device), ("Flag", str(flag))),
    )
    items: list[Pair] = [("DataTime", f"{local:%Y%m%d%H%M%S}")]
    for name, value in values.items():
        if value is not None and math.isfinite(value):
            code = CODES.get(name, (name,))[0]
            items += [(f"{code}-Avg", _text(value)), (f"{code}-Flag", "N")]
    return Frame(header=header, items=tuple(items))


def _text(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def acknowledgement(frame: Frame) -> Frame | None:
    """The answer to a data upload (CN 9014) with the same QN, or None where Flag does not ask for one.

    Its CP is empty and its Flag keeps the edition of the sender, asking for nothing itself.
    """
    if not frame.wants_answer or frame.command not in COMMANDS:
        return None
    edition = (frame.flag or 0) & EDITION_BITS
    fields = (
        *(("QN", frame.get("QN")), ("ST", INTERACTION), ("CN", DATA_ACKNOWLEDGEMENT)),
        *(("PW", frame.get("PW")), ("MN", frame.device), ("Flag", str(edition))),
    )
    return Frame(header=tuple((key, value) for key, value in fields if value is not None))

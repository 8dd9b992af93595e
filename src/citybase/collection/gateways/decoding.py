"""Decode raw frames one a line, for a person checking a device in the field (报文解析)."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from citybase.collection.gateways.hj212.codec import Frame, Inspection, inspect
from citybase.collection.gateways.hj212.errors import FrameError

__all__ = ["PROTOCOLS", "Fields", "decode_lines", "read_lines"]

Fields = dict[str, Any]

MAX_LINE = 65_536
# A frame copied from a log often ends in the characters \r\n instead of the line end itself.
_WRITTEN_LINE_END = re.compile(rb"(?:\\r|\\n|\s)+\Z")


def decode_lines(protocol: str, lines: Iterable[bytes]) -> Iterator[Fields]:
    """One record for each line that is not blank: `ok`, then `error` where it is false, then what was read.

    Raises `KeyError` for a protocol that is not in `PROTOCOLS`; a line never raises.
    """
    decode = PROTOCOLS[protocol]
    for line in lines:
        frame = _WRITTEN_LINE_END.sub(b"", line).lstrip()
        if frame:
            yield decode(frame)


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, each cut at 64 KiB so that no input fills the memory."""
    while line := stream.readline(MAX_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)


def _hj212(raw: bytes) -> Fields:
    found = inspect(raw)
    verdict: Fields = {"ok": not found.errors}
    if found.errors:
        verdict["error"] = _error(found.errors[0])
    if len(found.errors) > 1:
        verdict["errors"] = [_error(error) for error in found.errors]
    return verdict | _envelope(found) | (_content(found.frame) if found.frame else {})


def _error(error: FrameError) -> Fields:
    return {
        "code": error.code,
        "message": error.message("zh"),
        "message_en": error.message("en"),
        "detail": error.detail,
    }


def _envelope(found: Inspection) -> Fields:
    if found.actual_length is None:
        return {}
    fields: Fields = {
        "declared_length": found.declared_length,
        "length_ok": found.length_ok,
        "crc": found.crc,
        "crc_expected": found.crc_expected,
        "crc_ok": found.crc_ok,
    }
    return fields | ({"unreadable": list(found.unreadable)} if found.unreadable else {})


def _content(frame: Frame) -> Fields:
    """Header fields and CP items by their own names, or as `header.name` and `CP.name` where one is taken."""
    fields: Fields = {}
    for key, value in frame.header:
        fields.setdefault(f"header.{key}" if key in _OWN_NAMES else key, value)
    fields["cp_terminated"] = frame.cp_terminated
    for key, value in frame.parameters.items():
        fields[f"CP.{key}" if key in _OWN_NAMES or key in fields else key] = value
    fields["pollutants"] = frame.pollutants
    return fields | ({"duplicate_keys": list(frame.duplicate_keys)} if frame.duplicate_keys else {})


_OWN_NAMES = frozenset(
    {
        *(
            "ok",
            "error",
            "errors",
            "unreadable",
            "declared_length",
            "length_ok",
            "crc",
            "crc_expected",
            "crc_ok",
        ),
        *("cp_terminated", "pollutants", "duplicate_keys"),
    }
)

PROTOCOLS: dict[str, Callable[[bytes], Fields]] = {"hj212": _hj212}

"""HJ 212 frames: bytes to `Frame` and back, after the layout common to HJ/T 212-2005 and HJ 212-2017.

    ## | length, 4 decimal digits | data segment | checksum, 4 hexadecimal digits | CR LF

The data segment is `QN=…;ST=…;CN=…;PW=…;MN=…;Flag=…;[PNUM=…;PNO=…;]CP=&&…&&`. What the senders of the world
do is wider than the standard, so the reader is too: any order of fields, `,` where `;` belongs, either case
of checksum digits, no line end, UTF-8 or GBK text. It trusts no length and raises nothing but `FrameError`.
The standard allows 1,024 bytes of data; up to the 9,999 that four digits can say are read.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from citybase.collection.gateways.hj212.errors import FrameError

__all__ = ["MAX_FRAME", "Frame", "Inspection", "Pair", "checksum", "encode", "inspect", "parse"]

Pair: TypeAlias = tuple[str, str]

HEAD = 6  # "##" and four digits of length
CHECKSUM = 4
MAX_DATA = 9999
MAX_FRAME = HEAD + MAX_DATA + CHECKSUM
MAX_FLAG = 255

_LINE_END = b"\r\n\t \0"
_LENGTH = re.compile(rb"[0-9]{4}")
_FIRST_FIELD = re.compile(rb"(?:QN|ST|CN|PW|MN)=")
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_CP = re.compile(r"(?:^|[;,])\s*CP=")
# A text value stands between // and // and may hold any separator (HJ 212-2017, log information).
_ITEM = re.compile(r"(?P<key>[^=;,]*)=(?P<value>//(?:(?!//).)*//(?=[;,]|$)|[^;,]*)|(?P<stray>[^;,]+)", re.DOTALL)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What one frame says.

    `header` and `items` hold the pairs before and inside CP in the order they came, repeated ones included.
    `cp_terminated` tells whether the closing `&&` was there; `encoding` is how the text was written.
    """

    header: tuple[Pair, ...]
    items: tuple[Pair, ...] = ()
    cp_terminated: bool = True
    encoding: str = "utf-8"

    def get(self, name: str) -> str | None:
        """The first header field of that name (QN, ST, CN, PW, MN, Flag, PNUM, PNO), or None."""
        return next((value for key, value in self.header if key == name), None)

    @property
    def device(self) -> str | None:
        """The unique id of the device (MN)."""
        return self.get("MN")

    @property
    def command(self) -> str | None:
        """The command number (CN)."""
        return self.get("CN")

    @property
    def flag(self) -> int | None:
        """Flag as a number: bit 0 asks for an answer, bit 1 announces PNUM and PNO; above, the edition."""
        text = self.get("Flag") or ""
        number = int(text) if len(text) <= 3 and text.isascii() and text.isdecimal() else MAX_FLAG + 1
        return number if number <= MAX_FLAG else None

    @property
    def wants_answer(self) -> bool:
        """Whether the sender asks for an acknowledgement."""
        return bool((self.flag or 0) & 1)

    @property
    def parameters(self) -> dict[str, str]:
        """CP items that belong to no pollutant (DataTime, PolId, QnRtn …), the first of each name."""
        return _first((key, value) for key, value in self.items if "-" not in key)

    @property
    def pollutants(self) -> dict[str, dict[str, str]]:
        """Pollutant or equipment code → field → text as sent, the first of each."""
        found: dict[str, dict[str, str]] = {}
        for key, value in self.items:
            code, dash, field = key.partition("-")
            if dash:
                found.setdefault(code, {}).setdefault(field, value)
        return found

    @property
    def duplicate_keys(self) -> tuple[str, ...]:
        """CP keys that came more than once, each named once."""
        seen: set[str] = set()
        repeated: dict[str, None] = {}
        for key, _ in self.items:
            if key in seen:
                repeated[key] = None
            seen.add(key)
        return tuple(repeated)


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that could be read of one frame, and what is wrong with it in the order of its parts."""

    errors: tuple[FrameError, ...]
    declared_length: int | None = None
    actual_length: int | None = None
    crc: str | None = None
    crc_expected: str | None = None
    frame: Frame | None = None
    unreadable: tuple[str, ...] = ()

    @property
    def length_ok(self) -> bool:
        return self.declared_length is not None and self.declared_length == self.actual_length

    @property
    def crc_ok(self) -> bool:
        return self.crc is not None and self.crc == self.crc_expected


def _first(pairs: Iterable[Pair]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _shifted(crc: int) -> int:
    for _ in range(8):
        crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


_TABLE = tuple(_shifted(index) for index in range(256))


def checksum(data: bytes) -> int:
    """The checksum of HJ 212 appendix A over the data segment.

    It is not CRC-16/MODBUS: the register's high byte alone goes on to the next byte, so `123456789` gives
    0x2F80.
    """
    crc = 0xFFFF
    for byte in data:
        crc = _TABLE[(crc >> 8) ^ byte]
    return crc


def encode(frame: Frame) -> bytes:
    """The frame as bytes, with its length, checksum and line end.

    Items of one pollutant are joined by `,`, groups by `;`. Raises `FrameError("too_long")` past 9,999
    bytes and `FrameError("bad_encoding")` where the frame's encoding cannot carry its text.
    """
    head = "".join(f"{key}={value};" for key, value in frame.header)
    end = "&&" if frame.cp_terminated else ""
    try:
        data = f"{head}CP=&&{_joined(frame.items)}{end}".encode(frame.encoding)
    except (UnicodeEncodeError, LookupError) as error:
        raise FrameError("bad_encoding", frame.encoding) from error
    if len(data) > MAX_DATA:
        raise FrameError("too_long", str(len(data)))
    return b"##%04d%s%04X\r\n" % (len(data), data, checksum(data))


def _joined(items: tuple[Pair, ...]) -> str:
    parts: list[str] = []
    before: str | None = None
    for key, value in items:
        code, dash, _ = key.partition("-")
        if before is not None:
            parts.append("," if dash and code == before else ";")
        parts.append(f"{key}={value}")
        before = code
    return "".join(parts)


def parse(raw: bytes | str) -> Frame:
    """One whole frame, with or without its line end.

    Raises `FrameError` unless length, checksum, encoding and CP are right.
    """
    found = inspect(raw)
    if found.errors:
        raise found.errors[0]
    if found.frame is None:
        raise FrameError("no_cp")
    return found.frame


def inspect(raw: bytes | str) -> Inspection:
    """Read as much of a frame as there is; never raises. A text is taken as UTF-8."""
    try:
        line = raw.encode() if isinstance(raw, str) else bytes(raw)
    except UnicodeEncodeError as error:
        return Inspection(errors=(FrameError("bad_encoding", str(error.reason)),))
    line = line.strip(_LINE_END)
    if not line.startswith(b"##"):
        return Inspection(errors=(FrameError("bad_header", repr(line[:8])),))
    if len(line) > MAX_FRAME:
        return Inspection(errors=(FrameError("too_long", str(len(line))),))
    return _inspect_body(line[2:HEAD], line[HEAD:])


def _inspect_body(length: bytes, rest: bytes) -> Inspection:
    declared = int(length) if _LENGTH.fullmatch(length) else None
    if declared is None:
        rest = _from_first_field(length + rest)
    data, tail, trailing = _cut(declared, rest)
    crc = tail.decode("ascii").upper() if _HEX.fullmatch(tail) else None
    expected = f"{checksum(data):04X}"
    frame, unreadable, error = _content(data)
    errors = (
        FrameError("bad_length", repr(length)) if declared is None else None,
        _length_error(declared, len(data)),
        FrameError("no_crc", repr(tail) if tail else "") if crc is None else None,
        FrameError("bad_crc", f"{crc} ≠ {expected}") if crc not in {None, expected} else None,
        FrameError("trailing_data", repr(trailing[:40])) if trailing else None,
        error,
    )
    return Inspection(
        errors=tuple(error for error in errors if error),
        declared_length=declared,
        actual_length=len(data),
        crc=crc,
        crc_expected=expected,
        frame=frame,
        unreadable=unreadable,
    )


def _length_error(declared: int | None, actual: int) -> FrameError | None:
    if declared is None or declared == actual:
        return None
    return FrameError("length_mismatch", f"{declared} ≠ {actual}")


def _from_first_field(rest: bytes) -> bytes:
    start = _FIRST_FIELD.search(rest)
    return rest[start.start() :] if start else rest


def _cut(declared: int | None, rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Data segment, checksum text, and what follows it.

    The declared length counts only where a checksum really stands behind it; otherwise the last `&&` ends
    the data.
    """
    if declared is not None:
        data, tail = rest[:declared], rest[declared : declared + CHECKSUM]
        exact = len(rest) == declared + CHECKSUM
        if exact or (_HEX.fullmatch(tail) and int(tail, 16) == checksum(data)):
            return data, tail, rest[declared + CHECKSUM :]
    end = rest.rfind(b"&&") + 2
    if end >= 2 and not rest[:end].endswith(b"CP=&&"):
        return rest[:end], rest[end : end + CHECKSUM], rest[end + CHECKSUM :]
    truncated = declared is not None and len(rest) < declared + CHECKSUM
    if not truncated and _HEX.fullmatch(rest[-CHECKSUM:]):
        return rest[:-CHECKSUM], rest[-CHECKSUM:], b""
    return rest, b"", b""


def _content(data: bytes) -> tuple[Frame | None, tuple[str, ...], FrameError | None]:
    decoded = _decoded(data)
    if decoded is None:
        return None, (), FrameError("bad_encoding")
    text, encoding = decoded
    start = _CP.search(text)
    header, stray = _pairs(text[: start.start()] if start else text)
    if start is None:
        return Frame(header=header, cp_terminated=False, encoding=encoding), stray, FrameError("no_cp")
    body = text[start.end() :].removeprefix("&&")
    inner, end, after = body.rpartition("&&")
    items, unreadable = _pairs(inner if end else body)
    frame = Frame(header=header, items=items, cp_terminated=bool(end), encoding=encoding)
    return frame, (*stray, *unreadable, *([after] if end and after else ())), None


def _decoded(data: bytes) -> tuple[str, str] | None:
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return None


def _pairs(text: str) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """`key=value` pairs and the pieces between separators that are none."""
    pairs: list[Pair] = []
    stray: list[str] = []
    for match in _ITEM.finditer(text):
        if match["stray"] is not None:
            stray.append(match["stray"])
        elif match["key"].strip():
            pairs.append((match["key"].strip(), match["value"]))
        else:
            stray.append(match[0])
    return tuple(pairs), tuple(stray)

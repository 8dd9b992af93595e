"""Which encoding a text file is in: byte order mark, then strict UTF-8, then GB18030 against Big5.

GB18030 (it contains GBK and GB 2312) and Big5 share their byte ranges, so that most text of one decodes in the other
without an error, into rare characters. What tells them apart is how common the characters are: both standards put the
characters of daily use in a first level. The better candidate must be clearly common and clearly better; otherwise
nothing is guessed and the caller is asked to name the encoding.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from citybase.kernel.errors import Problem

__all__ = ["ENCODINGS", "Decoded", "decode"]

ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be")
"""What may be named explicitly."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODECS = {"big5": "big5hkscs"}
"""Files that call themselves Big5 hold the extensions of Windows and Hong Kong."""
_COMMON_ENOUGH = 0.7
_CLEARLY = 0.15
_SAMPLE = 200_000


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    encoding: str


def decode(content: bytes, named: str | None = None) -> Decoded:
    """Decode a text file. Raises `unknown_encoding` with the place that does not fit."""
    if named is not None:
        return _as_named(content, named)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return Decoded(_strictly(content, encoding).removeprefix("\ufeff"), encoding)
    without_mark = _utf16_without_mark(content)
    if without_mark is not None:
        return Decoded(_strictly(content, without_mark), without_mark)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _legacy(content, error)


def _as_named(content: bytes, named: str) -> Decoded:
    if named.lower() not in ENCODINGS:
        raise Problem("unknown_encoding", reason=f"不支持的编码 {named};可用:{', '.join(ENCODINGS)}")
    encoding = named.lower()
    text = _strictly(content, _CODECS.get(encoding, encoding))
    return Decoded(text.removeprefix("\ufeff"), encoding)


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Problem("unknown_encoding", reason=f"不是完整的 {encoding} 文本:{_place(content, error)}") from error


def _utf16_without_mark(content: bytes) -> str | None:
    """Digits, commas and line ends of a table are bytes beside a zero: many zeros on one side only mean UTF-16."""
    sample = content[:_SAMPLE]
    pairs = len(sample) // 2
    if pairs == 0 or len(content) % 2:
        return None
    low, high = sample[0::2].count(0) / pairs, sample[1::2].count(0) / pairs
    if high > 0.2 and low < 0.02:
        return "utf-16-le"
    return "utf-16-be" if low > 0.2 and high < 0.02 else None


def _legacy(content: bytes, error: UnicodeDecodeError) -> Decoded:
    scores = {
        encoding: score
        for encoding, common in (("gb18030", _common_gb), ("big5", _common_big5))
        if (score := _score(content, encoding, common)) is not None
    }
    best, *others = sorted(scores, key=lambda name: scores[name], reverse=True) or [""]
    margin = scores[best] - max((scores[name] for name in others), default=0.0) if best else 0.0
    if best and scores[best] >= _COMMON_ENOUGH and margin >= _CLEARLY:
        return Decoded(content.decode(_CODECS.get(best, best)), best)
    what = f"既不是完整的 UTF-8({_place(content, error)}),也不能确定是 GB18030 还是 Big5"
    raise Problem("unknown_encoding", reason=what)


def _score(content: bytes, encoding: str, common: Callable[[str], bool]) -> float | None:
    """Share of non-ASCII characters in daily use; None when the bytes are not this encoding at all."""
    try:
        text = content.decode(_CODECS.get(encoding, encoding))
    except UnicodeDecodeError:
        return None
    beyond = [character for character in text[:_SAMPLE] if ord(character) > 0x7F]
    return sum(map(common, beyond)) / len(beyond) if beyond else None


def _common_gb(character: str) -> bool:
    """GB 2312 level 1 (rows 16–55) and its punctuation (rows 1, 3)."""
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and (encoded[0] in {0xA1, 0xA3} or 0xB0 <= encoded[0] <= 0xD7)


def _common_big5(character: str) -> bool:
    """Big5 level 1 (A440–C67E) and its punctuation (A140–A1FE)."""
    try:
        encoded = character.encode("big5")
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and (encoded[0] == 0xA1 or 0xA4 <= encoded[0] <= 0xC6)


def _place(content: bytes, error: UnicodeDecodeError) -> str:
    line = content.count(b"\n", 0, error.start) + 1
    return f"第 {line} 行,第 {error.start + 1} 个字节"

"""Cut a TCP byte stream into HJ 212 frames (粘包与拆包): bounded memory, any chunks, any garbage."""

import re

from citybase.collection.gateways.hj212.codec import CHECKSUM, HEAD, MAX_FRAME, checksum

__all__ = ["FrameReader"]

_START = b"##"
# The beginning of another frame inside this one: this one lost its end.
_NEXT_START = re.compile(rb"##[0-9]{4}(?:QN|ST|CN|PW|MN)=")
_LENGTH = re.compile(rb"##[0-9]{4}")
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_BLANK = re.compile(rb"[\r\n\t \0]+")


class FrameReader:
    """Feed it chunks as they arrive; it gives back raw frames for `parse`, good ones and broken ones.

    A frame ends, whichever comes first, behind a checksum that is right, at a line end, where another frame
    begins, or at the largest size a frame can have. So a wrong length never swallows the next frame, and
    the result does not depend on how the stream was cut. Bytes between frames are dropped and counted in
    `dropped`. The reader keeps no clock: when a connection falls silent while `pending`, the caller takes
    the rest with `take_rest`.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._buffer = bytearray()
        self._checked = False

    @property
    def pending(self) -> bool:
        """Whether the beginning of a frame is waiting for its end."""
        return self._buffer.startswith(_START)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the stream; return the frames complete by now, without their line ends."""
        self._buffer += chunk
        frames: list[bytes] = []
        while self._find_start():
            end = self._find_end()
            if end is None:
                break
            frames.append(self._take(end))
        return frames

    def take_rest(self) -> bytes:
        """Give up waiting: the unfinished frame (empty where there is none), leaving the reader fresh."""
        self._find_start()
        return self._take(len(self._buffer)) if self.pending else b""

    def _take(self, end: int) -> bytes:
        frame = bytes(self._buffer[:end]).rstrip(b"\r\n")
        del self._buffer[:end]
        self._checked = False
        return frame

    def _find_start(self) -> bool:
        """Drop what precedes the next `##`; the last two `#` of a row of them begin the frame."""
        start = self._buffer.find(_START)
        if start < 0:
            self._drop(len(self._buffer) - self._buffer.endswith(b"#"))
            return False
        while self._buffer[start + 2 : start + 3] == b"#":
            start += 1
        self._drop(start)
        return len(self._buffer) > len(_START)

    def _drop(self, count: int) -> None:
        self.dropped += len(_BLANK.sub(b"", self._buffer[:count]))
        del self._buffer[:count]

    def _find_end(self) -> int | None:
        """Where the frame at the head of the buffer ends, judged by what shows itself first in the stream."""
        seen: list[tuple[int, int]] = []  # (bytes needed to know it, where the frame ends)
        line = self._buffer.find(b"\n")
        if line >= 0:
            seen.append((line + 1, line + 1))
        following = _NEXT_START.search(self._buffer, len(_START))
        if following:
            seen.append((following.end(), following.start()))
        if len(self._buffer) >= MAX_FRAME:
            seen.append((MAX_FRAME, MAX_FRAME))
        complete = self._intact_length()
        if complete is not None:
            seen.append((complete, complete))
        return min(seen)[1] if seen else None

    def _intact_length(self) -> int | None:
        """The declared end, where the checksum in front of it is right."""
        if self._checked or not _LENGTH.match(self._buffer):
            return None
        end = HEAD + int(self._buffer[2:HEAD]) + CHECKSUM
        if len(self._buffer) < end:
            return None
        self._checked = True
        data, tail = bytes(self._buffer[HEAD : end - CHECKSUM]), bytes(self._buffer[end - CHECKSUM : end])
        return end if _HEX.fullmatch(tail) and int(tail, 16) == checksum(data) else None

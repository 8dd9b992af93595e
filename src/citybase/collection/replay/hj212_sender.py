"""A device over HJ 212-2017: one TCP connection, an hourly upload (CN 2061), its answer (CN 9014) awaited."""

import asyncio

from citybase.collection.gateways.hj212 import Frame, FrameError, FrameReader, encode, hourly_frame, parse
from citybase.collection.replay.schedule import Message
from citybase.collection.replay.sender import ACKNOWLEDGEMENT_SECONDS, CONNECT_SECONDS, UnreachableError

__all__ = ["Hj212Sender"]

_DATA_ACKNOWLEDGEMENT = "9014"
_CHUNK = 65_536


class Hj212Sender:
    """One device; `PW` of its frames is the device's secret."""

    def __init__(self, device: str, password: str, host: str, port: int) -> None:
        self._device, self._password = device, password
        self._address = (host, port)
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._frames = FrameReader()

    async def send(self, message: Message) -> None:
        reader, writer = self._connection or await self._connect()
        frame = hourly_frame(self._device, message.hour, message.values, password=self._password)
        writer.write(encode(frame))
        await writer.drain()
        if frame.wants_answer:
            # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets the answer.
            async with asyncio.timeout(ACKNOWLEDGEMENT_SECONDS):
                await self._answered(reader, frame)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection[1].close()
        try:
            await connection[1].wait_closed()
        except OSError:
            return  # the other side was faster

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                opened = await asyncio.open_connection(*self._address)
        except OSError as error:
            raise UnreachableError(str(error)) from error
        self._connection, self._frames = opened, FrameReader()
        return opened

    async def _answered(self, reader: asyncio.StreamReader, frame: Frame) -> None:
        while chunk := await reader.read(_CHUNK):
            if any(_answers(raw, frame) for raw in self._frames.feed(chunk)):
                return
        raise ConnectionError("HJ 212 connection closed before the answer")


def _answers(raw: bytes, frame: Frame) -> bool:
    """Whether the frame is the acknowledgement of ours; anything else the gateway says is no answer to it."""
    try:
        answer = parse(raw)
    except FrameError:
        return False
    return answer.command == _DATA_ACKNOWLEDGEMENT and answer.get("QN") == frame.get("QN")

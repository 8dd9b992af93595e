"""HJ 212 over TCP: stations connect and upload frames; good ones go to the stream, then are acknowledged (CN 9014).

A frame carries its device (`MN`) and secret (`PW`), so each is checked on its own; what cannot be taken is kept aside
with the codec's reason. An acknowledgement leaves only after the stream holds the readings.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec

from citybase.city.observations.rejections import Rejected, keep_aside
from citybase.collection.gateways.credentials import Credentials
from citybase.collection.gateways.hj212 import (
    Frame,
    FrameError,
    FrameReader,
    Reading,
    acknowledgement,
    encode,
    latest_values,
    parse,
    read,
)
from citybase.engines.postgres import Database
from citybase.engines.streams import Broker, BrokerError, reading_subject
from citybase.kernel.errors import Problem

__all__ = ["Hj212Server"]

SOURCE = "hj212"
_LOG = logging.getLogger(__name__)
HALF_A_FRAME_SECONDS = 20.0
"""A frame that was begun is waited for so long; then what came of it is kept aside and the connection closed."""
_CHUNK = 65_536
_SILENCE_SECONDS = 900.0
_HARMLESS = frozenset({"missing"})


class Hj212Server:
    """The TCP door of one process."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        credentials: Credentials,
        half_a_frame_seconds: float = HALF_A_FRAME_SECONDS,
    ) -> None:
        self._database = database
        self._broker = broker
        self._credentials = credentials
        self._half_a_frame_seconds = half_a_frame_seconds

    async def listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, host, port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (OSError, Problem, BrokerError) as error:
            # Nothing that was not acknowledged is promised: the station sends it again when it is back.
            _LOG.warning("HJ 212 connection ended: %s", error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        while chunk := await self._next_chunk(reader, frames):
            for raw in frames.feed(chunk):
                answer = await self._take(raw)
                if answer is not None:
                    writer.write(encode(answer))
            await writer.drain()
        if rest := frames.take_rest():
            await self._take(rest)

    async def _next_chunk(self, reader: asyncio.StreamReader, frames: FrameReader) -> bytes:
        patience = self._half_a_frame_seconds if frames.pending else _SILENCE_SECONDS
        try:
            # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets the bytes.
            async with asyncio.timeout(patience):
                return await reader.read(_CHUNK)
        except TimeoutError:
            return b""

    async def _take(self, raw: bytes) -> Frame | None:
        """One frame; its answer when it was taken and asks for one."""
        device = ""
        try:
            frame = parse(raw)
            device = frame.device or ""
            found = read(frame)
        except FrameError as error:
            await self._keep_aside([Rejected(SOURCE, device, None, error.code, str(error), raw)])
            return None
        if not await self._credentials.accept(device, frame.get("PW") or ""):
            await self._keep_aside([Rejected(SOURCE, device, None, "wrong_credential", "MN, PW", raw)])
            return None
        refused = [
            Rejected(SOURCE, device, None, item.reason, f"{item.key}={item.value}", raw)
            for item in found.refused
            if item.reason not in _HARMLESS
        ]
        if refused:
            await self._keep_aside(refused)
        if found.readings:
            await self._broker.publish(reading_subject(SOURCE, device), _payload(found.readings))
        return acknowledgement(frame)

    async def _keep_aside(self, rejected: Sequence[Rejected]) -> None:
        async with self._database.begin() as connection:
            await keep_aside(connection, rejected)


def _payload(readings: Sequence[Reading]) -> bytes:
    chosen = latest_values(readings)
    return msgspec.json.encode(
        {
            "t": readings[0].time,
            "v": {name: reading.value for name, reading in chosen.items()},
            "q": {name: reading.quality for name, reading in chosen.items() if reading.quality},
        }
    )

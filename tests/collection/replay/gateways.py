"""Tiny gateways that take what replayed devices send, and can be told to misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from citybase.collection.gateways.hj212 import Frame, FrameReader, acknowledgement, encode, parse

NOT_AUTHORIZED = 5
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _DISCONNECT = 1, 2, 3, 4, 14


@dataclass
class Gateway:
    """What arrived. `answer(n)` decides by the number of messages so far whether the n-th is acknowledged;
    where it says no, the connection is closed instead."""

    answer: Callable[[int], bool] = lambda number: True
    passwords: dict[str, str] | None = None
    port: int = 0
    received: list[tuple[str, Any]] = field(default_factory=list)

    def take(self, device: str, content: Any) -> bool:
        self.received.append((device, content))
        return self.answer(len(self.received))


@asynccontextmanager
async def hj212_gateway(gateway: Gateway) -> AsyncIterator[Gateway]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader()
        while chunk := await reader.read(4096):
            for raw in frames.feed(chunk):
                if not gateway.take(*_content(parse(raw))):
                    return writer.close()
                answer = acknowledgement(parse(raw))
                if answer is not None:
                    # Something else first: a device must not take it for the answer.
                    writer.write(b"##garbage\r\n" + encode(answer))
        writer.close()
        return None

    async with _listening(gateway, serve):
        yield gateway


def _content(frame: Frame) -> tuple[str, Frame]:
    return frame.device or "", frame


@asynccontextmanager
async def mqtt_gateway(gateway: Gateway) -> AsyncIterator[Gateway]:
    """As much of an MQTT 3.1.1 broker as a publisher needs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (packet := await _packet(reader)) and packet[0] >> 4 != _DISCONNECT:
                if not _answer(gateway, writer, *packet):
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async with _listening(gateway, serve):
        yield gateway


def _answer(gateway: Gateway, writer: asyncio.StreamWriter, head: int, body: bytes) -> bool:
    if head >> 4 == _CONNECT:
        texts = _texts(body[10:])  # client id, user name, password
        good = gateway.passwords is None or gateway.passwords.get(texts[1]) == texts[2]
        writer.write(bytes((_CONNACK << 4, 2, 0, 0 if good else NOT_AUTHORIZED)))
        return good
    if head >> 4 == _PUBLISH:
        length = int.from_bytes(body[:2])
        topic, number, content = body[2 : 2 + length].decode(), body[2 + length : 4 + length], body[4 + length :]
        assert (head >> 1) & 3 == 1, "QoS 1"
        if not gateway.take(topic.removeprefix("obs/"), msgspec.json.decode(content)):
            return False
        writer.write(bytes((_PUBACK << 4, 2)) + number)
    return True


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head, length, shift = (await reader.readexactly(1))[0], 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return head, await reader.readexactly(length)


def _texts(data: bytes) -> list[str]:
    texts = []
    while data:
        end = 2 + int.from_bytes(data[:2])
        texts.append(data[2:end].decode())
        data = data[end:]
    return texts


@asynccontextmanager
async def _listening(gateway: Gateway, serve: Callable[..., Any]) -> AsyncIterator[None]:
    server = await asyncio.start_server(serve, "127.0.0.1", gateway.port)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()

"""Devices over MQTT 3.1.1, QoS 1: prepared packets, acknowledgements only counted."""

import selectors
import socket
import struct
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier, Event

from benchmarks.ingest.publisher import Load, Publish
from tests.collection.city import secret_of

__all__ = ["over_mqtt"]

_WINDOW = 200
_CHUNK = 50
_PUBACK_BYTES = 4


def over_mqtt(host: str, port: int) -> Publish:
    """Each device has its own connection and credential, and up to 200 messages that are not acknowledged yet."""
    return partial(_publish, host, port)


@dataclass
class _Device:
    connection: socket.socket
    chunks: list[bytes]
    sent: int = 0
    acknowledged_bytes: int = 0

    @property
    def acknowledged(self) -> int:
        return self.acknowledged_bytes // _PUBACK_BYTES

    def send(self) -> None:
        while self.chunks and self.sent - self.acknowledged <= _WINDOW - _CHUNK:
            self.connection.sendall(self.chunks.pop(0))
            self.sent += _CHUNK


def _publish(host: str, port: int, load: Load, ready: Barrier, go: Event) -> None:
    devices = [_connected(host, port, load, device) for device in load.devices]
    with selectors.DefaultSelector() as selector:
        for device in devices:
            selector.register(device.connection, selectors.EVENT_READ, device)
        ready.wait()
        go.wait()
        for device in devices:
            device.send()
        busy = len(devices)
        while busy:
            for key, _ in selector.select():
                found: _Device = key.data
                received = found.connection.recv(65536)
                assert received, "the broker ended the connection"
                found.acknowledged_bytes += len(received)
                found.send()
                busy -= found.acknowledged == load.rounds
    for device in devices:
        device.connection.close()


def _connected(host: str, port: int, load: Load, device: str) -> _Device:
    connection = socket.create_connection((host, port))
    login = b"\x00\x04MQTT\x04\xc2\x00\x00" + b"".join(map(_text, (device, device, secret_of(device))))
    connection.sendall(_packet(0x10, login))
    assert connection.recv(4) == b"\x20\x02\x00\x00", "the broker refused the device"
    topic = _text(load.prefix + device)
    packets = [
        _packet(0x32, topic + struct.pack(">H", number % 65535 + 1) + load.payload(number))
        for number in range(load.rounds)
    ]
    chunks = [b"".join(packets[at : at + _CHUNK]) for at in range(0, len(packets), _CHUNK)]
    return _Device(connection, chunks)


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = left >> 7, left & 127
        length.append(digit | (128 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body

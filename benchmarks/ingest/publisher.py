"""Publishers that cost next to nothing: prepared bytes of a protocol, acknowledgements only counted."""

import json
import multiprocessing
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier, Event

from citybase.engines.nats import NatsAddress

__all__ = ["Load", "Publish", "over_nats", "publish_all"]

Publish = Callable[["Load", Barrier, Event], None]
"""What one publisher process does: get ready, wait, publish its part, return when all of it is acknowledged."""

_WINDOW = 8_000
_CHUNK = 500


@dataclass(frozen=True)
class Load:
    """Messages of some devices, in rounds: every device once a round. `prefix` is the subject's beginning."""

    prefix: str
    devices: Sequence[str]
    rounds: int
    start_ms: int
    pace: float = 0.0
    """Messages a second; 0: as fast as they are acknowledged."""

    @property
    def count(self) -> int:
        return len(self.devices) * self.rounds

    def part(self, number: int, parts: int) -> "Load":
        return Load(self.prefix, self.devices[number::parts], self.rounds, self.start_ms, self.pace / parts)

    def payload(self, number: int) -> bytes:
        """What every device sends in that round."""
        time_ms = self.start_ms + number * 1000
        return b'{"t":%d,"v":{"pm25":%.1f,"pm10":%.1f}}' % (time_ms, 20 + number % 50, 40 + number % 70)


def publish_all(publish: Publish, load: Load, publishers: int) -> tuple[float, float]:
    """Publish from so many processes; when the first message left and the last was acknowledged (`perf_counter`)."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Barrier(publishers + 1), context.Event()
    parts = [load.part(number, publishers) for number in range(publishers)]
    workers = [context.Process(target=publish, args=(part, ready, go)) for part in parts]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers), "a publisher failed"
    return began, time.perf_counter()


def over_nats(address: NatsAddress) -> Publish:
    """Each process has one connection, and up to 8,000 messages on it that are not acknowledged yet."""
    return partial(_publish, address)


def _chunks(load: Load) -> list[tuple[bytes, int]]:
    """Protocol bytes and how many messages they hold."""
    lines = [
        _message(f"{load.prefix}{device}", payload)
        for payload in map(load.payload, range(load.rounds))
        for device in load.devices
    ]
    return [(b"".join(part), len(part)) for part in (lines[at : at + _CHUNK] for at in range(0, len(lines), _CHUNK))]


def _message(subject: str, payload: bytes) -> bytes:
    return b"PUB %s _ack.x %d\r\n%s\r\n" % (subject.encode(), len(payload), payload)


def _publish(address: NatsAddress, load: Load, ready: Barrier, go: Event) -> None:
    inbox = f"_ack.{id(load):x}".encode()
    chunks = [(data.replace(b"_ack.x", inbox), count) for data, count in _chunks(load)]
    host, port = address.url.removeprefix("nats://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.recv(65536)
        options = {"user": address.user, "pass": address.password, "verbose": False, "pedantic": False}
        connection.sendall(b"CONNECT %s\r\nSUB %s 1\r\nPING\r\n" % (json.dumps(options).encode(), inbox))
        while b"PONG" not in connection.recv(65536):
            pass
        ready.wait()
        go.wait()
        _pump(connection, chunks, b"MSG " + inbox, load.pace)


def _pump(connection: socket.socket, chunks: list[tuple[bytes, int]], mark: bytes, pace: float) -> None:
    sent = acknowledged = 0
    tail, began = b"", time.perf_counter()
    total = sum(count for _, count in chunks)
    queue = iter(chunks)
    while acknowledged < total:
        while sent - acknowledged < _WINDOW and sent < total:
            if pace:
                time.sleep(max(0.0, began + sent / pace - time.perf_counter()))
            data, count = next(queue)
            connection.sendall(data)
            sent += count
            if pace:
                break
        received = tail + connection.recv(1 << 20)
        assert not re.search(rb'-ERR|"error"', received), received[:200]
        acknowledged += received.count(mark)
        tail = received[-(len(mark) - 1) :]

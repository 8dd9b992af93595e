"""Devices that deliver without pause over MQTT, HJ 212 and HTTP, and remember what was acknowledged to them.

Every reading has a time of its own, so that it can be told from all others. Like real stations, those over HJ 212 and
HTTP send a reading again until it is acknowledged; MQTT's client library does so by itself.
"""

import random
import socket
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from citybase.collection.gateways.hj212 import Frame, encode
from tests.collection.city import eventually

__all__ = ["Hj212Station", "HttpStation", "Load", "MqttStation", "Row", "Station"]

Row = tuple[str, str, int, float]
"""(terminal, property, time in ms, value)."""

_IN_FLIGHT = 200
_PATIENCE = 60.0
_PAUSE = 0.2
_ANSWER_SECONDS = 5.0
_CHINA = timezone(timedelta(hours=8))


class Load(threading.Thread):
    """Something done again and again until it is paused; `step` is never cut short."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._flowing = threading.Event()
        self._ended = threading.Event()
        self._resting = threading.Event()
        self._failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                if self._flowing.is_set():
                    self._resting.clear()
                    self.step()
                else:
                    self._resting.set()
                    self._flowing.wait(0.05)
        except Exception as failure:
            self._failure = failure
        finally:
            self.close()

    def step(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections."""

    def settled(self) -> bool:
        """Whether nothing is under way any more."""
        return self._resting.is_set()

    def resume(self) -> None:
        self._flowing.set()

    def pause(self) -> None:
        """Begin nothing new and wait until what was begun has its answer."""
        self._flowing.clear()
        eventually(lambda: self.settled() or self._failure is not None, seconds=_PATIENCE)
        if self._failure is not None:
            raise self._failure
        assert self.settled(), f"{self!r} never had its answer"

    def end(self) -> None:
        self._ended.set()
        self.join(_PATIENCE)


class Station(Load):
    """A terminal with its credential; `sent` and `acknowledged` are what the lake is compared with."""

    def __init__(self, code: str, secret: str, chance: random.Random) -> None:
        super().__init__()
        self.code = code
        self.secret = secret
        self.sent: set[Row] = set()
        self.acknowledged: set[Row] = set()
        self.chance = chance
        # Begins in the past, so that a long run does not meet "clock ahead".
        self._time = int(time.time() * 1000) - 86_400_000

    def next_row(self) -> Row:
        self._time += self.chance.choice((1, 1, 1, 1000))
        row = (self.code, "pm25", self._time, float(self.chance.randint(0, 100)))
        self.sent.add(row)
        return row


class MqttStation(Station):
    """QoS 1, up to 200 messages in flight."""

    def __init__(self, code: str, secret: str, chance: random.Random, port: int) -> None:
        super().__init__(code, secret, chance)
        self._lock = threading.Lock()
        self._waiting: dict[int, Row] = {}
        self._early: set[int] = set()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=code)
        self._client.username_pw_set(code, secret)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def step(self) -> None:
        time.sleep(self.chance.uniform(0.002, 0.02))
        if len(self._waiting) < _IN_FLIGHT and self._client.is_connected():
            row = self.next_row()
            # Not under our lock: the library calls back while it holds its own.
            info = self._client.publish(f"obs/{self.code}", _payload(row), qos=1)
            with self._lock:
                if info.mid in self._early:
                    self._early.remove(info.mid)
                    self.acknowledged.add(row)
                else:
                    self._waiting[info.mid] = row

    def settled(self) -> bool:
        return super().settled() and not self._waiting

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, _client: Any, _data: Any, mid: int, *_: Any) -> None:
        with self._lock:
            row = self._waiting.pop(mid, None)
            if row is None:
                self._early.add(mid)
            else:
                self.acknowledged.add(row)


class Hj212Station(Station):
    """Real-time uploads (CN 2011), each awaited (CN 9014) before the next."""

    def __init__(self, code: str, secret: str, chance: random.Random, port: int) -> None:
        super().__init__(code, secret, chance)
        self._port = port
        self._connection: socket.socket | None = None

    def step(self) -> None:
        row = self.next_row()
        frame = encode(_frame(row, self.secret))
        while not self._delivered(frame, str(row[2])):
            time.sleep(_PAUSE)
        self.acknowledged.add(row)

    def _delivered(self, frame: bytes, number: str) -> bool:
        try:
            if self._connection is None:
                self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=_ANSWER_SECONDS)
            self._connection.sendall(frame)
            back = b""
            while not back.endswith(b"\n"):
                chunk = self._connection.recv(65_536)
                if not chunk:
                    raise ConnectionError("closed")
                back += chunk
        except OSError:
            self.close()
            return False
        assert f"QN={number}".encode() in back, back
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class HttpStation(Station):
    """Batches of some readings, each answered with 202 before the next."""

    def __init__(self, code: str, secret: str, chance: random.Random, address: str) -> None:
        super().__init__(code, secret, chance)
        self._client = httpx.Client(base_url=address, auth=(code, secret), timeout=_ANSWER_SECONDS, trust_env=False)

    def step(self) -> None:
        rows = [self.next_row() for _ in range(self.chance.randint(1, 5))]
        items = [{"device": row[0], "t": row[2], "v": {row[1]: row[3]}} for row in rows]
        while not self._delivered(items):
            time.sleep(_PAUSE)
        self.acknowledged.update(rows)

    def _delivered(self, items: list[dict[str, Any]]) -> bool:
        try:
            answer = self._client.post("/api/v1/observations", json=items)
        except httpx.HTTPError:
            return False
        if answer.status_code in {500, 502, 503, 504}:
            assert answer.status_code == 503, answer.text
            return False
        assert answer.status_code == 202, answer.text
        assert answer.json()["accepted"] == len(items), answer.text
        return True

    def close(self) -> None:
        self._client.close()


def _payload(row: Row) -> bytes:
    return msgspec.json.encode({"t": row[2], "v": {row[1]: row[3]}})


def _frame(row: Row, secret: str) -> Frame:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row[2])).astimezone(_CHINA)
    return Frame(
        header=(
            *(("QN", str(row[2])), ("ST", "22"), ("CN", "2011")),
            *(("PW", secret), ("MN", row[0]), ("Flag", "5")),
        ),
        items=(
            ("DataTime", f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"),
            ("a34004-Rtd", str(row[3])),
            ("a34004-Flag", "N"),
        ),
    )

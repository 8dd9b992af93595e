"""Devices that publish without pause and remember what was acknowledged to them."""

import random
import threading
import time
from typing import Any

from paho.mqtt.client import Client

from tests.collection.city import City, eventually, publish

__all__ = ["Device", "Row"]

Row = tuple[str, str, int, float]
"""(terminal, property, time in ms, value)."""

_IN_FLIGHT = 200


class Device(threading.Thread):
    """One station over MQTT QoS 1: every reading has a time of its own, so that it can be told from all others."""

    def __init__(self, city: City, code: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.code = code
        self.sent: set[Row] = set()
        self.acknowledged: set[Row] = set()
        self._random = random.Random(seed)  # noqa: S311 - readings, not secrets
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._waiting: dict[int, Row] = {}
        self._client: Client = city.device(code)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish

    def run(self) -> None:
        # Begins in the past, so that a long run does not meet "clock ahead".
        time_ms = int(time.time() * 1000) - 86_400_000
        while not self._finished.wait(self._random.uniform(0.001, 0.01)):
            if len(self._waiting) < _IN_FLIGHT and self._client.is_connected():
                time_ms += self._random.choice((1, 1, 1, 1000))
                self._publish((self.code, "pm25", time_ms, float(self._random.randint(0, 100))))

    def _publish(self, row: Row) -> None:
        with self._lock:
            info = publish(self._client, self.code, {"t": row[2], "v": {row[1]: row[3]}})
            self.sent.add(row)
            self._waiting[info.mid] = row

    def _on_publish(self, _client: Any, _data: Any, mid: int, *_: Any) -> None:
        with self._lock:
            # A message that was sent again may be acknowledged twice.
            row = self._waiting.pop(mid, None)
            if row is not None:
                self.acknowledged.add(row)

    def finish(self) -> None:
        """Publish no more; wait a while until all that was sent is acknowledged."""
        self._finished.set()
        self.join()
        eventually(lambda: not self._waiting, seconds=8)
        self._client.disconnect()
        self._client.loop_stop()

"""A device over MQTT 3.1.1: one connection, QoS 1, topic `obs/<device>`."""

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from citybase.collection.replay.schedule import Message
from citybase.collection.replay.sender import (
    ACKNOWLEDGEMENT_SECONDS,
    CONNECT_SECONDS,
    NotAuthorizedError,
    UnreachableError,
)
from citybase.kernel.clock import to_city

__all__ = ["MqttSender", "payload"]

_NOT_AUTHORIZED = frozenset({"Not authorized", "Bad user name or password"})


def payload(message: Message) -> bytes:
    """The reading as the city takes it: `{"t": …, "v": {…}}`; a missing value is left out."""
    return msgspec.json.encode({"t": to_city(message.hour).isoformat(), "v": message.values})


class MqttSender:
    """One device. paho runs its own thread; everything it says is handed to the event loop."""

    def __init__(self, device: str, password: str, host: str, port: int) -> None:
        self._device, self._password = device, password
        self._address = (host, port)
        self._client: mqtt.Client | None = None
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._connected: asyncio.Future[None] | None = None

    async def send(self, message: Message) -> None:
        client = self._client or await self._connect()
        sent = client.publish(f"obs/{self._device}", payload(message), qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(sent.rc))
        # The acknowledgement is handed over by the event loop, which cannot run before this line.
        acknowledged = self._waiting[sent.mid] = asyncio.get_running_loop().create_future()
        try:
            # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets the answer.
            async with asyncio.timeout(ACKNOWLEDGEMENT_SECONDS):
                await acknowledged
        finally:
            self._waiting.pop(sent.mid, None)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def _connect(self) -> mqtt.Client:
        self._loop = asyncio.get_running_loop()
        self._connected = self._loop.create_future()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._device,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._device, self._password)
        client.on_connect = self._hear_connect
        client.on_publish = self._hear_publish
        client.on_disconnect = self._hear_disconnect
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.to_thread(client.connect, *self._address)
        except OSError as error:
            raise UnreachableError(str(error)) from error
        self._client = client
        client.loop_start()
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._connected
        return client

    # paho's thread: each hands over to the event loop and touches nothing else.

    def _hear_connect(self, _client: mqtt.Client, _user: Any, _flags: Any, reason: ReasonCode, _more: Any) -> None:
        self._loop.call_soon_threadsafe(self._on_connect, reason)

    def _hear_publish(self, _client: mqtt.Client, _user: Any, mid: int, _reason: Any, _more: Any) -> None:
        self._loop.call_soon_threadsafe(self._on_publish, mid)

    def _hear_disconnect(self, client: mqtt.Client, _user: Any, _flags: Any, _reason: Any, _more: Any) -> None:
        with suppress(RuntimeError):  # the event loop may have ended before the connection
            self._loop.call_soon_threadsafe(self._on_disconnect, client)

    def _on_connect(self, reason: ReasonCode) -> None:
        if self._connected is None or self._connected.done():
            return
        if not reason.is_failure:
            self._connected.set_result(None)
        elif str(reason) in _NOT_AUTHORIZED:
            self._connected.set_exception(NotAuthorizedError(str(reason)))
        else:
            self._connected.set_exception(ConnectionError(str(reason)))

    def _on_publish(self, mid: int) -> None:
        waiting = self._waiting.get(mid)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _on_disconnect(self, client: mqtt.Client) -> None:
        """The connection is gone: nobody waits for its answers any longer. An old connection's end changes nothing."""
        if client is not self._client:
            return
        for waiting in (*self._waiting.values(), *([self._connected] if self._connected else [])):
            if not waiting.done():
                waiting.set_exception(ConnectionError("MQTT connection lost"))

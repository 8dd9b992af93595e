"""Streams: the durable ways of NATS JetStream, and how our own processes use them.

- Devices publish over MQTT on `obs/<device>`. The server keeps QoS 1 messages in its own stream `$MQTT_msgs` and
  acknowledges them after writing; QoS 0 promises nothing.
- Our gateways publish with acknowledgement on `readings.<source>.<device>`, kept in the stream `OBS`. The subject
  differs from the devices' one on purpose: a stream that listened on `obs.>` would keep every MQTT message twice.
- Domain events go to `events.<type>`, kept a week in the stream `EVENTS`.

A stream of readings keeps everything until its one reader, the observer, says up to where it may go (`Inlet.discard`).
So the server need not note each message's delivery and acknowledgement, which cost it more than storing the message.

`natsrpy` is young, so it is named in this file only.
"""

import asyncio
import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from natsrpy import Nats
from natsrpy.exceptions import NatsrpyBaseError
from natsrpy.js import (
    AckPolicy,
    DeliverPolicy,
    DiscardPolicy,
    JetStream,
    JetStreamMessage,
    PullConsumer,
    PullConsumerConfig,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from citybase.engines.nats import NatsAddress
from citybase.kernel.events import EVENT_SUBJECT_PREFIX

__all__ = [
    "GATEWAYS",
    "MQTT",
    "Broker",
    "BrokerError",
    "Inlet",
    "Message",
    "Position",
    "Source",
    "StreamState",
    "reading_subject",
]

BrokerError = NatsrpyBaseError
Message = JetStreamMessage

_READINGS_PREFIX = "readings."
_FORGOTTEN_SECONDS = 30.0
_EVENT_DAYS = 7
_DUPLICATE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Source:
    """One stream that readings arrive in, and where the device stands in a subject."""

    name: str
    stream: str
    filter: str
    device_token: int
    source_token: int | None

    def device(self, subject: str) -> str:
        return subject.split(".", self.device_token)[self.device_token]

    def origin(self, subject: str) -> str:
        """The way the reading came: `mqtt`, `hj212`, `http` …"""
        return self.name if self.source_token is None else subject.split(".", 3)[self.source_token]


MQTT = Source("mqtt", "$MQTT_msgs", "$MQTT.msgs.obs.>", device_token=3, source_token=None)
GATEWAYS = Source("gateways", "OBS", _READINGS_PREFIX + ">", device_token=2, source_token=1)


def reading_subject(source: str, device: str) -> str:
    """Where a gateway publishes a device's readings."""
    return f"{_READINGS_PREFIX}{source}.{device}"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader got in a stream. `stream` tells a stream from one made anew under the same name."""

    stream: str
    sequence: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds: messages `first` to `last`; it is empty when `first` is beyond `last`."""

    stream: str
    first: int
    last: int

    def after(self, taken: Position | None) -> int:
        """The sequence behind which reading goes on.

        A position beyond the last message is none of this stream's: a power cut took messages that were not synced,
        and their numbers are given again. Reading what is left once more is harmless, passing over new ones is not.
        """
        known = taken is not None and taken.stream == self.stream and taken.sequence <= self.last
        return max(self.first - 1, taken.sequence if taken and known else 0)


class Broker:
    """One connection of our own; it reconnects by itself for as long as the program runs."""

    def __init__(self, address: NatsAddress) -> None:
        credentials = (address.user, address.password) if address.user else None
        self._nats = Nats([address.url], user_and_pass=credentials, connection_timeout=5, request_timeout=10)
        self._jetstream: JetStream | None = None

    async def connect(self) -> None:
        await self._nats.startup()
        self._jetstream = await self._nats.jetstream()

    async def close(self) -> None:
        await self._nats.shutdown()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def jetstream(self) -> JetStream:
        if self._jetstream is None:
            raise BrokerError("not connected")
        return self._jetstream

    async def publish(self, subject: str, payload: bytes, message_id: str | None = None) -> None:
        """Publish and wait until the stream holds it. A repeated `message_id` is kept once (within two minutes)."""
        headers = {"Nats-Msg-Id": message_id} if message_id else None
        await self.jetstream.publish(subject, payload, headers=headers, err_on_disconnect=True, wait=True)

    async def publish_all(self, messages: list[tuple[str, bytes]]) -> None:
        """Publish many at once; returns when the stream holds them all."""
        await asyncio.gather(*(self.publish(subject, payload) for subject, payload in messages))

    async def request(self, subject: str, payload: bytes = b"") -> dict[str, Any]:
        """A JetStream API request; its JSON answer."""
        answer = await self._nats.request(subject, payload)
        return msgspec.json.decode(answer.payload, type=dict[str, Any])

    async def ensure_streams(self) -> None:
        """Create what is missing, before a device connects: the server's own stream would not keep for us."""
        for stream in _STREAMS:
            await self.jetstream.streams.create_or_update(stream)

    async def inlet(self, source: Source, taken: Position | None) -> "Inlet":
        """Read the source's stream from behind `taken` on; from the oldest message when that is none of this stream."""
        state = await self.stream_state(source)
        start = state.after(taken) + 1
        stream = await self.jetstream.streams.get(source.stream)
        consumer = await stream.consumers.create(
            PullConsumerConfig(
                name=f"observer-{secrets.token_hex(4)}",
                filter_subject=source.filter,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                delivery_start_sequence=start,
                ack_policy=AckPolicy.NONE,
                memory_storage=True,
                inactive_threshold=_FORGOTTEN_SECONDS,
            )
        )
        return Inlet(self, source, consumer, Position(state.stream, start - 1))

    async def stream_state(self, source: Source) -> StreamState:
        info = await self.request(f"$JS.API.STREAM.INFO.{source.stream}")
        if "error" in info:
            raise BrokerError(f"no stream {source.stream}")
        return StreamState(str(info["created"]), int(info["state"]["first_seq"]), int(info["state"]["last_seq"]))


class Inlet:
    """The observer's end of one stream: every message once, in order, as long as no delivery is lost."""

    def __init__(self, broker: Broker, source: Source, consumer: PullConsumer, start: Position) -> None:
        self.start = start
        self._broker = broker
        self._source = source
        self._consumer = consumer

    async def fetch(self, limit: int, wait_seconds: float) -> list[Message]:
        """What is there, up to `limit`; waits for the first message at most `wait_seconds`."""
        return await self._consumer.fetch(limit, expires=wait_seconds, timeout=wait_seconds + 5)

    async def delivered(self) -> int:
        """How many messages the server has sent to us."""
        info = await self._broker.request(f"$JS.API.CONSUMER.INFO.{self._source.stream}.{self._consumer.name}")
        if "error" in info:
            raise BrokerError(f"the consumer of {self._source.stream} is gone")
        return int(info["delivered"]["consumer_seq"])

    async def discard(self, position: Position) -> None:
        """Let the stream forget everything up to the position. Never call it before that is stored."""
        state = await self._broker.stream_state(self._source)
        if state.stream != position.stream or position.sequence > state.last:
            raise BrokerError(f"{self._source.stream} is not the stream it was")
        if position.sequence >= state.first:
            upto = msgspec.json.encode({"seq": position.sequence + 1})
            answer = await self._broker.request(f"$JS.API.STREAM.PURGE.{self._source.stream}", upto)
            if "error" in answer:
                raise BrokerError(f"purging {self._source.stream}: {answer['error']}")


_STREAMS = (
    # The server makes it at the first MQTT connection if it is not there, but to keep a message only while some
    # consumer asks for it.
    StreamConfig(
        name=MQTT.stream,
        subjects=["$MQTT.msgs.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
    ),
    # Discarding new ones when the disk is full makes the publisher wait instead of losing what was accepted.
    StreamConfig(
        name=GATEWAYS.stream,
        subjects=[GATEWAYS.filter],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        duplicate_window=_DUPLICATE_SECONDS,
    ),
    StreamConfig(
        name="EVENTS",
        subjects=[EVENT_SUBJECT_PREFIX + ">"],
        storage=StorageType.FILE,
        max_age=_EVENT_DAYS * 86_400,
        duplicate_window=_DUPLICATE_SECONDS,
    ),
)

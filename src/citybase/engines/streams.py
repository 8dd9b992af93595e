"""Streams: the durable ways of NATS JetStream, and how our own processes use them.

- Devices publish over MQTT on `obs/<device>`. The server keeps QoS 1 messages in its own stream `$MQTT_msgs` and
  acknowledges them after writing, as long as a durable consumer there is interested; QoS 0 promises nothing.
- Our gateways publish with acknowledgement on `readings.<source>.<device>`, kept in the stream `OBS`. The subject
  differs from the devices' one on purpose: a stream that listened on `obs.>` would keep every MQTT message twice.
- Domain events go to `events.<type>`, kept a week in the stream `EVENTS`.

`natsrpy` is young, so it is named in this file only.
"""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from natsrpy import Nats
from natsrpy.exceptions import NatsrpyBaseError
from natsrpy.js import (
    AckPolicy,
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

__all__ = ["GATEWAYS", "MQTT", "Broker", "BrokerError", "Inlet", "Message", "Position", "Source", "reading_subject"]

BrokerError = NatsrpyBaseError
Message = JetStreamMessage

_READINGS_PREFIX = "readings."
_ACK_WAIT_SECONDS = 10.0
_MAX_ACK_PENDING = 1_000_000
_EVENT_DAYS = 7
_DUPLICATE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Source:
    """One stream that readings arrive in: the observer's consumer on it, and where the device stands in a subject."""

    name: str
    stream: str
    filter: str
    device_token: int
    source_token: int | None
    consumer: str = "observer"

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
        """Create what is missing, consumers included: before a device connects, or its messages are not kept."""
        for stream in _STREAMS:
            await self.jetstream.streams.create_or_update(stream)
        for source in (MQTT, GATEWAYS):
            await self._ensure_consumer(source)

    async def inlet(self, source: Source) -> "Inlet":
        stream = await self.jetstream.streams.get(source.stream)
        return Inlet(self, source, await stream.consumers.get_pull(source.consumer))

    async def _ensure_consumer(self, source: Source) -> None:
        stream = await self.jetstream.streams.get(source.stream)
        await stream.consumers.create(
            PullConsumerConfig(
                durable_name=source.consumer,
                filter_subject=source.filter,
                ack_policy=AckPolicy.ALL,
                ack_wait=_ACK_WAIT_SECONDS,
                max_ack_pending=_MAX_ACK_PENDING,
            )
        )


@dataclass(frozen=True, slots=True)
class Position:
    """How far a consumer got in a stream. `stream` tells a stream from one made anew under the same name."""

    stream: str
    sequence: int


class Inlet:
    """The observer's end of one stream."""

    def __init__(self, broker: Broker, source: Source, consumer: PullConsumer) -> None:
        self.source = source
        self._broker = broker
        self._consumer = consumer

    async def fetch(self, limit: int, wait_seconds: float) -> list[Message]:
        """What is there, up to `limit`; waits for the first message at most `wait_seconds`."""
        return await self._consumer.fetch(limit, expires=wait_seconds, timeout=wait_seconds + 5)

    async def acknowledged(self) -> Position:
        """The position up to which everything was acknowledged."""
        stream = await self._broker.request(f"$JS.API.STREAM.INFO.{self.source.stream}")
        info = await self._broker.request(f"$JS.API.CONSUMER.INFO.{self.source.stream}.{self.source.consumer}")
        if "error" in stream or "error" in info:
            raise BrokerError(f"no consumer on {self.source.stream}")
        return Position(str(stream["created"]), int(info["ack_floor"]["stream_seq"]))

    async def holds(self, sequence: int) -> bool:
        """Whether the stream has a message of ours at that sequence (it may have been removed or be another's)."""
        answer = await self._broker.request(
            f"$JS.API.STREAM.MSG.GET.{self.source.stream}", msgspec.json.encode({"seq": sequence})
        )
        prefix = self.source.filter.removesuffix(">")
        return str(answer.get("message", {}).get("subject", "")).startswith(prefix)


_STREAMS = (
    # As the server itself creates it at the first MQTT connection; made early so that the consumer can stand before.
    StreamConfig(
        name=MQTT.stream,
        subjects=["$MQTT.msgs.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.INTEREST,
    ),
    # Interest: a message stays until the observer acknowledged it, then goes. Discarding new ones when the disk is
    # full makes the publisher wait instead of losing what was accepted.
    StreamConfig(
        name=GATEWAYS.stream,
        subjects=[GATEWAYS.filter],
        storage=StorageType.FILE,
        retention=RetentionPolicy.INTEREST,
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

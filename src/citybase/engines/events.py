"""Domain events as they are received: durably by the worker, live by the pages."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from citybase.engines.nats import NatsAddress
from citybase.kernel.events import EVENT_SUBJECT_PREFIX, Event

__all__ = ["EVENTS", "follow", "handle_events", "listen"]

EVENTS = "EVENTS"
_LOG = logging.getLogger(__name__)
_ALL = EVENT_SUBJECT_PREFIX + ">"
_BATCH = 100
_REDELIVER_AFTER = 30.0
_GIVE_UP_AFTER = 20


@asynccontextmanager
async def listen(address: NatsAddress) -> AsyncIterator[Client]:
    """A connection that comes back by itself for as long as the program runs."""
    client = await nats.connect(
        address.url,
        user=address.user,
        password=address.password,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        error_cb=_log_error,
    )
    try:
        yield client
    finally:
        await client.close()


async def handle_events(
    address: NatsAddress, consumer: str, handle: Callable[[Event], Awaitable[None]], subject: str = _ALL
) -> None:
    """Give every event under `subject` to `handle`, in order, until cancelled; one is done when `handle` returned.

    One that fails is tried again after the others, twenty times; then it is put aside with an error in the log.
    """
    async with listen(address) as client:
        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=_REDELIVER_AFTER, max_deliver=_GIVE_UP_AFTER)
        subscription = await client.jetstream().pull_subscribe(subject, durable=consumer, stream=EVENTS, config=config)
        while True:
            try:
                messages = await subscription.fetch(_BATCH, timeout=5)
            except TimeoutError:
                continue
            for message in messages:
                await _handle(message, handle)


async def _handle(message: Msg, handle: Callable[[Event], Awaitable[None]]) -> None:
    try:
        await handle(msgspec.json.decode(message.data, type=Event))
    except msgspec.DecodeError:
        _LOG.exception("not an event, put aside: %s", message.subject)
        await message.term()
    except Exception:
        _LOG.exception("event on %s fails and is tried again", message.subject)
        await message.nak(delay=min(_REDELIVER_AFTER, 2.0**message.metadata.num_delivered))
    else:
        await message.ack()


async def follow(client: Client, deliver: Callable[[Event], None]) -> None:
    """Hand on every event as it happens, until cancelled; nothing is kept for who is not there."""

    async def receive(message: Msg) -> None:
        deliver(msgspec.json.decode(message.data, type=Event))

    subscription = await client.subscribe(_ALL, cb=receive)
    try:
        await asyncio.Event().wait()
    finally:
        await subscription.unsubscribe()


async def _log_error(error: Exception) -> None:
    _LOG.info("nats: %s", error)

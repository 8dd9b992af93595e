"""A revoked or replaced credential ends the device's open connections too, as soon as its event arrives.

The broker asks about a credential only when somebody connects, so without this a stolen device would stay connected
for as long as it likes. The events come durably: what happened while the gateways were down is made up for.

Connections are looked up and closed by requests of the broker's system account (https://docs.nats.io, "System Events
& Decentralized JWT"). We sign in there through our own callout, which permits these two requests and nothing else, so
that a given broker needs no further configuration.
"""

import contextlib
import logging
from datetime import datetime
from typing import Any

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from citybase.collection.gateways.callout import SYSTEM_USER, system_password
from citybase.collection.gateways.credentials import Credentials
from citybase.engines.nats import NatsAddress
from citybase.kernel.clock import now, parse_instant
from citybase.kernel.events import Event

__all__ = ["SUBJECT", "Revocation"]

SUBJECT = "events.credential.>"
_ENDED = frozenset({"credential.revoked", "credential.issued"})
_CONNECTIONS = "$SYS.REQ.SERVER.PING.CONNZ"
_CLOSE = "$SYS.REQ.SERVER.{server}.KICK"
_PATIENCE = 5.0
_OTHERS_ANSWER_WITHIN = 0.5
_LOG = logging.getLogger(__name__)


class Revocation:
    """Closes connections whose credential has ended."""

    def __init__(self, credentials: Credentials, address: NatsAddress, seed: bytes) -> None:
        self._credentials = credentials
        self._url = address.url
        self._password = system_password(seed)
        self._client: Client | None = None

    async def on_event(self, event: Event) -> None:
        """Close what an ended credential left open; raises when that could not be done, to be called again."""
        if event.type not in _ENDED:
            return
        device = str(event.data["device"])
        let_in_since = await self._credentials.forget(device, event.time)
        # With a replaced credential the device may be back already; its new connection is spared.
        await self.close_connections(device, now() if let_in_since else event.time)

    async def close_connections(self, device: str, before: datetime) -> None:
        """End the connections of a device that were opened before that moment."""
        client = await self._connected()
        question = msgspec.json.encode({"auth": True, "user": device})
        for answer in await _ask_all(client, _CONNECTIONS, question):
            for connection in answer["data"].get("connections") or ():
                if parse_instant(connection["start"]) < before:
                    close = msgspec.json.encode({"cid": connection["cid"]})
                    await client.request(_CLOSE.format(server=answer["server"]["id"]), close, timeout=_PATIENCE)
                    _LOG.info("closed a connection of %r: its credential has ended", device)

    async def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            if self._client is not None:
                await self._client.close()
            self._client = await nats.connect(
                self._url,
                user=SYSTEM_USER,
                password=self._password,
                allow_reconnect=False,
                connect_timeout=_PATIENCE,
                error_cb=_on_error,
            )
        return self._client


async def _ask_all(client: Client, subject: str, question: bytes) -> list[dict[str, Any]]:
    """The answers of all servers of a cluster: waits for the first one, then shortly for those known beside it."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        await client.publish(subject, question, reply=inbox)
        answers = [_decoded(await subscription.next_msg(timeout=_PATIENCE))]
        with contextlib.suppress(TimeoutError):
            while len(answers) < len(client.servers):
                answers.append(_decoded(await subscription.next_msg(timeout=_OTHERS_ANSWER_WITHIN)))
        return answers
    finally:
        await subscription.unsubscribe()


def _decoded(message: Msg) -> dict[str, Any]:
    return msgspec.json.decode(message.data, type=dict[str, Any])


async def _on_error(error: Exception) -> None:
    _LOG.warning("NATS: %s", error)

"""What a replayed device can do, whatever its protocol."""

from typing import Protocol

from citybase.collection.replay.schedule import Message

__all__ = ["ACKNOWLEDGEMENT_SECONDS", "CONNECT_SECONDS", "NotAuthorizedError", "Sender", "UnreachableError"]

CONNECT_SECONDS = 10.0
ACKNOWLEDGEMENT_SECONDS = 15.0


class UnreachableError(ConnectionError):
    """Nobody answers at the address: the gateway is away and may come back."""


class NotAuthorizedError(ConnectionError):
    """The gateway does not accept the device's credential."""


class Sender(Protocol):
    """One device's connection over one way. It connects when it first sends and is used by one task at a time."""

    async def send(self, message: Message) -> None:
        """Send and wait until the city acknowledged; raises `OSError` (timeouts too) where it did not."""

    async def close(self) -> None:
        """End the connection, if there is one; the next `send` opens a new one."""

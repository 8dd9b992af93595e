"""Which device may deliver: one credential each, checked against the ledger and remembered for a moment.

After a restart ten thousand devices come back at once, so an accepted credential is remembered for some seconds, or
until the event of its end arrives (`revocation`).
"""

import re
import time
from datetime import datetime

from sqlalchemy import select

from citybase.engines.postgres import Database
from citybase.kernel.clock import now
from citybase.security.identity.authenticate import device_principal
from citybase.security.identity.models import device_credential
from citybase.security.identity.secrets import digest

__all__ = ["Credentials", "is_device_id"]

_REMEMBERED_SECONDS = 3.0
_REMEMBERED = 100_000
# What can stand in a subject as one token and cannot be a wildcard.
_DEVICE_ID = re.compile(r"[^\s.*>/+#$\0][^\s.*>/+#\0]{0,127}")


def is_device_id(text: str) -> bool:
    """Whether it can be a device's id on the wire: one token of a NATS subject and of an MQTT topic."""
    return _DEVICE_ID.fullmatch(text) is not None


class Credentials:
    """The door-keeper of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Device → digest of its secret, and until when it need not be asked again.
        self._remembered: dict[str, tuple[bytes, float]] = {}

    async def accept(self, device: str, secret: str) -> bool:
        """Whether this is the device's secret. Raises `engine_unavailable` while the ledger is away."""
        if not is_device_id(device):
            return False
        given, moment = digest(secret), time.monotonic()
        known, until = self._remembered.get(device, (b"", 0.0))
        if known == given and until > moment:
            return True
        async with self._database.begin() as connection:
            found = await device_principal(connection, device, secret) is not None
        if found:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[device] = (given, moment + _REMEMBERED_SECONDS)
        return found

    async def forget(self, device: str, since: datetime) -> bool:
        """The device's credential ended at `since`: forget it. Whether it may have let somebody in after that."""
        async with self._database.begin() as connection:
            current = await connection.scalar(
                select(device_credential.c.digest).where(device_credential.c.device == device)
            )
        known, until = self._remembered.get(device, (b"", 0.0))
        if not known or known == current:
            return False
        del self._remembered[device]
        return until > time.monotonic() - (now() - since).total_seconds()

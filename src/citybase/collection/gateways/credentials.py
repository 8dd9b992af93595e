"""Which device may deliver: one credential each, checked against the ledger and remembered for a moment.

After a restart ten thousand devices come back at once, so an accepted credential is remembered for some seconds; a
revoked one is refused as soon as they are over.
"""

import re
import time

from citybase.engines.postgres import Database
from citybase.security.identity.authenticate import device_principal
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
        # (device, digest of the secret) → until when it need not be asked again.
        self._remembered: dict[tuple[str, bytes], float] = {}

    async def accept(self, device: str, secret: str) -> bool:
        """Whether this is the device's secret. Raises `engine_unavailable` while the ledger is away."""
        if not is_device_id(device):
            return False
        key, moment = (device, digest(secret)), time.monotonic()
        if self._remembered.get(key, 0.0) > moment:
            return True
        async with self._database.begin() as connection:
            known = await device_principal(connection, device, secret) is not None
        if known:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = moment + _REMEMBERED_SECONDS
        return known

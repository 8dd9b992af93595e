"""Keys that sign ID tokens: RS256 (which every client must understand, Discovery 1.0 §3), a new one each quarter.

One file a period in `<data>/keys`, made by whichever process comes first. The key of the period before stays published
while what it signed may still be shown; older files are removed. After a leak an operator deletes the file: the next
request makes a fresh key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import RSAKey

from citybase.engines.keys import kept_secret

__all__ = ["ALGORITHM", "ROTATION", "SigningKeys", "signing_keys"]

ALGORITHM = "RS256"
ROTATION = timedelta(days=90)
_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """`current` signs; `published` verifies."""

    current: RSAKey
    published: tuple[RSAKey, ...]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The JSON Web Key Set (RFC 7517 §5) of public keys."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self.published]}


def signing_keys(folder: Path, moment: datetime) -> SigningKeys:
    """Keys of the period in which `moment` lies; reads files and may make a key, so call it in a thread."""
    period = int(moment.timestamp() // ROTATION.total_seconds())
    current = _imported(kept_secret(folder, _name(period), _new_key))
    before = folder / _name(period - 1)
    published = (current, _imported(before.read_text().strip())) if before.exists() else (current,)
    for path in folder.glob("oidc-signing-*.jwk"):
        if path.name < before.name:
            path.unlink(missing_ok=True)
    return SigningKeys(current, published)


def _name(period: int) -> str:
    return f"oidc-signing-{period:06d}.jwk"


def _new_key() -> str:
    key = RSAKey.generate_key(_BITS, parameters={"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    return msgspec.json.encode(key.as_dict(private=True)).decode()


@lru_cache(maxsize=4)
def _imported(text: str) -> RSAKey:
    return RSAKey.import_key(msgspec.json.decode(text))

"""Secrets: made, hashed, compared. Nothing here ever rests in plain text."""

import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

__all__ = [
    "MINIMUM_PASSWORD",
    "digest",
    "hash_password",
    "new_password",
    "new_secret",
    "same_digest",
    "verify_password",
]

MINIMUM_PASSWORD = 10
_HASHER = PasswordHasher()  # argon2-cffi's defaults are RFC 9106's second recommended option (64 MiB, 3 passes)


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Compare; takes the same time when there is no such account, so that names cannot be probed."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def new_secret() -> str:
    """256 random bits for a session, a token or a device."""
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """A first password to be typed once: 80 random bits."""
    return secrets.token_hex(10)


def digest(secret: str) -> bytes:
    """SHA-256 of a high-entropy secret, as stored."""
    return hashlib.sha256(secret.encode()).digest()


def same_digest(secret: str, stored: bytes) -> bool:
    return hmac.compare_digest(digest(secret), stored)


_NOBODY = _HASHER.hash(secrets.token_hex(16))

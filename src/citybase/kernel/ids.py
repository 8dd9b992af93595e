"""Identifiers: UUID version 7 (RFC 9562 §5.7), ordered by the time they were made."""

from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["new_id"]


def new_id() -> UUID:
    """A fresh UUIDv7. Later ids sort after earlier ones to the millisecond, so an id is also a cursor."""
    return uuid7()

"""What is logged: who did what to what, when, from where, and how it ended; as canonical JSON.

An entry is kept for ever and handed to auditors, so it must not hold personal data: `detail` names the fields that
changed and, where a kind marks a field as personal, `digest` of its value in place of the value.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from citybase.security.audit.tiles import MAX_ENTRY

_CUT = 500
"""Characters left of each word of a shortened entry: ten of them, in the longest JSON form, stay below the limit."""

__all__ = ["Actor", "Entry", "Target", "decode", "digest", "encode", "shorten"]


class Actor(msgspec.Struct, frozen=True):
    """Who acted. `kind`: `person`, `service`, `device` or `system`; `organization` is its name, for people to read."""

    id: str
    name: str
    kind: str
    username: str = ""
    organization: str = ""


class Target(msgspec.Struct, frozen=True):
    """What was acted upon, e.g. `resource` and its id; `organization` is the id of the one it belongs to."""

    type: str
    id: str
    organization: UUID | None = None


class Entry(msgspec.Struct, frozen=True):
    """One line of the audit log.

    `time` is an aware instant; `request` the id of the request that caused it; `outcome`: `done` or `refused`.
    """

    id: UUID
    time: datetime
    actor: Actor
    action: str
    target: Target
    detail: dict[str, Any] = {}
    request: str | None = None
    outcome: str = "done"


def encode(entry: Entry) -> bytes:
    """Canonical JSON: UTF-8, no white space, keys sorted, time in UTC. ValueError when it is too long to be logged."""
    if entry.time.tzinfo is None:
        raise ValueError("the time of an audit entry needs a time zone")
    in_utc = msgspec.structs.replace(entry, time=entry.time.astimezone(UTC))
    data = msgspec.json.encode(in_utc, order="sorted")
    if len(data) > MAX_ENTRY:
        raise ValueError(f"an audit entry of {len(data)} bytes: at most {MAX_ENTRY}")
    return data


def decode(data: bytes) -> Entry:
    """The entry of such bytes; msgspec.ValidationError or msgspec.DecodeError when they are none."""
    return msgspec.json.decode(data, type=Entry)


def shorten(entry: Entry) -> Entry:
    """The entry cut to a length that can always be logged: its detail becomes size and SHA-256, its words are cut."""
    detail = msgspec.json.encode(entry.detail, order="sorted")
    summary = {"bytes": len(detail), "sha256": hashlib.sha256(detail).hexdigest()}
    actor, target = entry.actor, entry.target
    return msgspec.structs.replace(
        entry,
        actor=Actor(*(getattr(actor, field)[:_CUT] for field in actor.__struct_fields__)),
        action=entry.action[:_CUT],
        target=Target(target.type[:_CUT], target.id[:_CUT], target.organization),
        detail={"shortened": summary},
        request=entry.request and entry.request[:_CUT],
        outcome=entry.outcome[:_CUT],
    )


def digest(value: str, salt: bytes) -> str:
    """HMAC-SHA256 of a personal value: equal values can be recognised, the value cannot be read.

    Short values (phone or citizen numbers) can be tried one by one, so `salt` must stay secret; destroying it makes
    every digest under it meaningless, which is how personal traces are erased from an append-only log.
    """
    return "hmac-sha256:" + hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()

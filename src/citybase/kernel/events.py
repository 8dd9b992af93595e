"""Domain events as CloudEvents 1.0 (structured JSON). What happened, to what, in which city."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from citybase.kernel.clock import now
from citybase.kernel.ids import new_id

__all__ = ["EVENT_SUBJECT_PREFIX", "Event"]

EVENT_SUBJECT_PREFIX = "events."


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One CloudEvent. `type` is `<noun>.<verb in the past>` (`alarm.raised`), `subject` the id it is about."""

    type: str
    subject: str
    data: dict[str, Any]
    id: UUID = msgspec.field(default_factory=new_id)
    time: datetime = msgspec.field(default_factory=now)
    source: str = "urn:citybase"
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

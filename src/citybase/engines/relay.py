"""Outbox → NATS: committed events leave in order, at least once, a few milliseconds after their commit."""

from typing import Protocol

import msgspec
from sqlalchemy import delete, select

from citybase.engines.outbox import outbox
from citybase.engines.postgres import Database
from citybase.kernel.events import EVENT_SUBJECT_PREFIX

__all__ = ["EventStream", "relay_once"]

_BATCH = 500


class EventStream(Protocol):
    """Where events go. `publish` returns when the stream has stored the message."""

    async def publish(self, subject: str, payload: bytes, *, message_id: str) -> None: ...


async def relay_once(database: Database, stream: EventStream) -> int:
    """Send one batch and forget it; returns how many were sent.

    Rows are locked while they are sent: two relays share the work instead of sending twice. A crash between sending
    and deleting sends again with the same message id, which the stream recognises within its window.
    """
    async with database.begin() as connection:
        rows = (
            await connection.execute(
                select(outbox.c.id, outbox.c.type, outbox.c.event)
                .order_by(outbox.c.id)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
        ).all()
        for row in rows:
            subject = EVENT_SUBJECT_PREFIX + row.type
            await stream.publish(subject, msgspec.json.encode(row.event), message_id=str(row.id))
        if rows:
            await connection.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
    return len(rows)

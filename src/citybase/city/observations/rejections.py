"""What cannot be stored is kept aside, with the reason and the bytes as they came, so that somebody can mend it.

Bounded on both sides: of one batch's refusals so many are kept and the rest counted; of all, the newest.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from citybase.city.observations.models import rejection
from citybase.kernel.ids import new_id

__all__ = ["KEPT", "KEPT_OF_A_BATCH", "Rejected", "keep_aside", "trim"]

KEPT = 100_000
KEPT_OF_A_BATCH = 500
_RAW_BYTES = 8192
_TEXT = 500
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused message or part of it."""

    source: str
    device: str
    resource_id: UUID | None
    code: str
    detail: str
    raw: bytes


async def keep_aside(connection: AsyncConnection, rejected: Sequence[Rejected]) -> None:
    """Store refusals; of a flood a sample is kept and the number goes to the log."""
    if len(rejected) > KEPT_OF_A_BATCH:
        _LOG.warning("%d refusals in one batch, %d kept: %s", len(rejected), KEPT_OF_A_BATCH, _counts(rejected))
    await connection.execute(
        insert(rejection),
        [
            {
                "id": new_id(),
                "source": item.source,
                "device": _storable(item.device),
                "resource_id": item.resource_id,
                "code": item.code,
                "detail": _storable(item.detail),
                "raw": item.raw[:_RAW_BYTES],
            }
            for item in _sample(rejected)
        ],
    )


async def trim(connection: AsyncConnection, keep: int = KEPT) -> None:
    """Drop all but the newest refusals."""
    oldest = select(rejection.c.id).order_by(rejection.c.id.desc()).offset(keep).limit(1).scalar_subquery()
    await connection.execute(delete(rejection).where(rejection.c.id <= oldest))


def _sample(rejected: Sequence[Rejected]) -> Sequence[Rejected]:
    """Evenly over the batch, so that one loud device does not hide the others."""
    step = -(-len(rejected) // KEPT_OF_A_BATCH)
    return rejected[::step]


def _counts(rejected: Sequence[Rejected]) -> str:
    return ", ".join(f"{code} {count}" for code, count in Counter(item.code for item in rejected).most_common())


def _storable(text: str) -> str:
    # PostgreSQL stores neither U+0000 nor lone surrogates.
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()[:_TEXT]

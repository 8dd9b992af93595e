"""Time: UTC inside, Asia/Shanghai outside.

Every stored or transmitted instant is timezone-aware UTC; what people read is China Standard Time (UTC+8, no
daylight saving since 1991).
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["CITY_ZONE", "from_city", "now", "parse_instant", "to_city"]

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, UTC aware."""
    return datetime.now(UTC)


def to_city(instant: datetime) -> datetime:
    """An aware instant as city wall-clock time."""
    return instant.astimezone(CITY_ZONE)


def from_city(wall: datetime) -> datetime:
    """A naive city wall-clock time as a UTC instant."""
    return wall.replace(tzinfo=CITY_ZONE).astimezone(UTC)


def parse_instant(text: str) -> datetime:
    """Read ISO 8601; a time without offset is city wall-clock time. Raises ValueError on anything else."""
    parsed = datetime.fromisoformat(text.strip())
    return from_city(parsed) if parsed.tzinfo is None else parsed.astimezone(UTC)

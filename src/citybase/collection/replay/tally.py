"""What became of the messages: counted while they go, told at the end."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from citybase.collection.replay.recording import PROPERTIES
from citybase.collection.replay.schedule import Message, Way
from citybase.kernel.clock import to_city

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """`sent` counts messages once; `resent` the times one was sent again. An hour without any value is no message."""

    sent: Counter[Way] = field(default_factory=Counter)
    acknowledged: Counter[Way] = field(default_factory=Counter)
    refused: Counter[Way] = field(default_factory=Counter)
    resent: Counter[Way] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    hour: datetime | None = None
    refusals: dict[str, str] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    def reach(self, messages: list[Message]) -> None:
        """An hour begins to be played."""
        self.hour = messages[0].hour
        for message in messages:
            self.missing.update(message.missing)
            self.empty += not message.values

    def acknowledge(self, message: Message) -> None:
        self.acknowledged[message.way] += 1
        self.values.update(message.values.keys())

    def refuse(self, message: Message, reason: str) -> None:
        self.refused[message.way] += 1
        self.refusals.setdefault(message.device, reason)

    def line(self) -> str:
        """Progress on one line."""
        hour = f"{to_city(self.hour):%Y-%m-%d %H:%M}" if self.hour else "…"
        away = f" · 等待 waiting for {', '.join(sorted(self.away))}" if self.away else ""
        return (
            f"{hour} · 已发 sent {self.sent.total()} · 已确认 acknowledged {self.acknowledged.total()}"
            f" · 被拒 refused {self.refused.total()}{away}"
        )

    def summary(self) -> Iterator[str]:
        """The final counts, a line at a time."""
        yield f"{'way':10}{'sent':>12}{'acknowledged':>14}{'refused':>10}{'resent':>10}"
        for way in Way:
            counts = (self.sent[way], self.acknowledged[way], self.refused[way], self.resent[way])
            yield "{:10}{:>12}{:>14}{:>10}{:>10}".format(way, *counts)
        yield f"{'property':10}{'acknowledged':>12}{'missing':>14}"
        for name in PROPERTIES:
            yield f"{name:10}{self.values[name]:>12}{self.missing[name]:>14}"
        if self.empty:
            yield f"没有任何数值、未发送的小时 / station hours without any value, not sent: {self.empty}"
        for device, reason in sorted(self.refusals.items()):
            yield f"被拒 / refused: {device}: {reason}"

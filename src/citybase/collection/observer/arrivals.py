"""One stream's messages as the observer takes them: batches in, acknowledgements out, nothing lost between."""

import logging
from operator import attrgetter

import numpy as np

from citybase.collection.observer.progress import Progress
from citybase.engines.streams import Broker, Inlet, Message, Position, Source

__all__ = ["Arrivals"]

_SEQUENCE = attrgetter("stream_sequence")
_LOG = logging.getLogger(__name__)


class Arrivals:
    """The observer's side of one stream: which messages were taken, which may be acknowledged."""

    def __init__(self, broker: Broker, source: Source) -> None:
        self.source = source
        self._broker = broker
        self._inlet: Inlet | None = None
        self._progress = Progress(0)
        self._stream = ""
        self._awaited = 0
        # The last message of each batch, by sequence, until it was acknowledged.
        self._marks: list[tuple[int, Message]] = []

    async def open(self, committed: Position | None) -> None:
        """Find the consumer again. Resumes after `committed` (the lake's word) and what was acknowledged."""
        inlet = await self._broker.inlet(self.source)
        acknowledged = await inlet.acknowledged()
        if acknowledged.stream != self._stream:
            # First opening, or the stream was made anew: sequences of another stream mean nothing here.
            known = committed is not None and committed.stream == acknowledged.stream
            self._progress = Progress(max(acknowledged.sequence, committed.sequence if committed and known else 0))
            self._stream = acknowledged.stream
            self._marks = []
        self._inlet = inlet

    def close(self) -> None:
        """Forget the consumer; `open` finds it again."""
        self._inlet = None

    @property
    def is_open(self) -> bool:
        return self._inlet is not None

    @property
    def position(self) -> Position:
        """Everything up to here was taken."""
        return Position(self._stream, self._progress.floor)

    async def fetch(self, limit: int, wait_seconds: float) -> list[Message]:
        if self._inlet is None:
            raise ConnectionError(f"{self.source.stream} is not open")
        return await self._inlet.fetch(limit, wait_seconds)

    def admit(self, messages: list[Message]) -> list[Message]:
        """Those that come for the first time."""
        sequences = np.fromiter(map(_SEQUENCE, messages), np.int64, len(messages))
        self._marks.append((int(sequences.max()), messages[int(sequences.argmax())]))
        first = self._progress.admit(sequences)
        return messages if first.all() else [messages[place] for place in np.flatnonzero(first)]

    async def acknowledge(self, position: Position) -> None:
        """Tell the stream that everything up to the position is stored."""
        if position.stream != self._stream:
            return
        ripe = [mark for mark in self._marks if mark[0] <= position.sequence]
        if ripe:
            await max(reversed(ripe), key=lambda mark: mark[0])[1].ack(double=True)
            self._marks = [mark for mark in self._marks if mark[0] > position.sequence]
        await self._look_into_hole()

    async def _look_into_hole(self) -> None:
        """A missing sequence is waited for when the stream has it, and passed over when it was never ours."""
        while self._inlet is not None and (missing := self._progress.hole) is not None:
            if await self._inlet.holds(missing):
                if missing != self._awaited:
                    _LOG.info("%s: waiting for message %d to be delivered again", self.source.stream, missing)
                self._awaited = missing
                return
            self._progress.skip(missing)

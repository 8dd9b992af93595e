"""One stream's messages as the observer takes them: each once, in order, none passed over."""

from citybase.engines.streams import Broker, BrokerError, Inlet, Message, Position, Source

__all__ = ["Arrivals"]


class Arrivals:
    """The observer's side of one stream: how far it was taken, and from where to go on when a delivery was lost.

    The server numbers what it delivers to us. A gap in these numbers (not in the stream's own: others' messages may
    stand between) is a lost delivery; then everything behind the last message taken is asked for again.
    """

    def __init__(self, broker: Broker, source: Source) -> None:
        self.source = source
        self._broker = broker
        self._inlet: Inlet | None = None
        self._delivered = 0
        self._taken: Position | None = None

    async def open(self, committed: Position | None) -> None:
        """Read on behind what this process took; at first behind what was `committed`, as the lake says."""
        inlet = await self._broker.inlet(self.source, self._taken or committed)
        self._taken, self._delivered = inlet.start, 0
        self._inlet = inlet

    def close(self) -> None:
        """Forget the consumer; `open` makes another."""
        self._inlet = None

    @property
    def position(self) -> Position | None:
        """Everything up to here was taken; None before the first opening."""
        return self._taken

    async def fetch(self, limit: int, wait_seconds: float) -> list[Message]:
        """The next messages; none when nothing came in time. Raises BrokerError when one before them was lost."""
        if self._inlet is None:
            raise BrokerError(f"{self.source.stream} is not open")
        messages = await self._inlet.fetch(limit, wait_seconds)
        self._delivered += len(messages)
        delivered = messages[-1].consumer_sequence if messages else await self._inlet.delivered()
        if delivered != self._delivered:
            raise BrokerError(f"{delivered} messages were sent to us, {self._delivered} came")
        return messages

    def take(self, messages: list[Message]) -> None:
        """These are in our hands now."""
        if self._taken is None:
            raise BrokerError(f"{self.source.stream} was never open")
        self._taken = Position(self._taken.stream, messages[-1].stream_sequence)

    async def release(self, position: Position) -> None:
        """Everything up to the position is stored: the stream may forget it."""
        if self._inlet is not None:
            await self._inlet.discard(position)

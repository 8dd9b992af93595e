"""Arrivals: every message once, in order; a lost delivery is asked for again."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.collection.observer.arrivals import Arrivals
from citybase.engines.streams import GATEWAYS, BrokerError, Position, StreamState

pytestmark = pytest.mark.anyio


@dataclass
class Delivery:
    consumer_sequence: int
    stream_sequence: int


class FakeStream:
    """A stream of ten messages whose server loses the deliveries it is told to lose, once."""

    def __init__(self, lose: set[int]) -> None:
        self.lose = lose
        self.state = StreamState("made at noon", 1, 10)
        self.discarded = 0

    async def inlet(self, _source: object, taken: Position | None) -> "FakeInlet":
        return FakeInlet(self, self.state.after(taken))


class FakeInlet:
    def __init__(self, stream: FakeStream, after: int) -> None:
        self.start = Position(stream.state.stream, after)
        self._stream, self._first, self._sent = stream, after, 0

    async def fetch(self, limit: int, _wait_seconds: float) -> list[Delivery]:
        chosen = range(self._sent + 1, min(self._sent + limit, self._stream.state.last - self._first) + 1)
        self._sent = chosen.stop - 1
        came = [number for number in chosen if self._first + number not in self._stream.lose]
        self._stream.lose -= {self._first + number for number in chosen}
        return [Delivery(number, self._first + number) for number in came]

    async def delivered(self) -> int:
        return self._sent

    async def discard(self, position: Position) -> None:
        self._stream.discarded = position.sequence


async def take_all(arrivals: Arrivals, committed: Position | None = None) -> list[int]:
    taken: list[int] = []
    while not taken or taken[-1] < 10:
        await arrivals.open(committed)
        try:
            while messages := await arrivals.fetch(3, 0):
                arrivals.take(messages)
                taken += [message.stream_sequence for message in messages]
        except BrokerError:
            arrivals.close()
    return taken


@given(lose=st.sets(st.integers(1, 10)))
async def test_whatever_deliveries_are_lost_every_message_is_taken_once_and_in_order(lose: set[int]) -> None:
    broker: Any = FakeStream(set(lose))
    assert await take_all(Arrivals(broker, GATEWAYS)) == list(range(1, 11))


async def test_reading_goes_on_behind_what_the_lake_holds() -> None:
    broker: Any = FakeStream(set())
    assert await take_all(Arrivals(broker, GATEWAYS), Position("made at noon", 7)) == [8, 9, 10]


@pytest.mark.parametrize("committed", [Position("made before noon", 7), Position("made at noon", 99)])
async def test_a_position_that_is_not_of_this_stream_counts_for_nothing(committed: Position) -> None:
    broker: Any = FakeStream(set())
    assert await take_all(Arrivals(broker, GATEWAYS), committed) == list(range(1, 11))


async def test_a_stream_is_told_to_forget_what_is_stored() -> None:
    stream: Any = FakeStream(set())
    arrivals = Arrivals(stream, GATEWAYS)
    await take_all(arrivals)
    await arrivals.release(Position("made at noon", 4))
    assert stream.discarded == 4

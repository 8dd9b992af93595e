"""Which messages of a stream have been taken, and how far *all* of them have.

A consumer delivers in order until something goes wrong: a delivery lost with a connection comes again after the
acknowledgement wait, behind younger ones. Acknowledging a message acknowledges every earlier one, so nothing beyond a
hole may ever be acknowledged: it would take the missing message with it.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Progress"]


class Progress:
    """Stream sequences taken so far: everything up to `floor`, and single ones beyond a hole."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._beyond: set[int] = set()

    def admit(self, sequences: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Note these deliveries; True where a message comes for the first time."""
        count = len(sequences)
        if not self._beyond and np.array_equal(sequences, np.arange(self.floor + 1, self.floor + 1 + count)):
            self.floor += count
            return np.ones(count, dtype=np.bool_)
        first = np.fromiter(map(self._take, sequences.tolist()), dtype=np.bool_, count=count)
        self._close()
        return first

    @property
    def hole(self) -> int | None:
        """The first missing sequence, when younger messages were taken already."""
        return self.floor + 1 if self._beyond else None

    def skip(self, sequence: int) -> None:
        """A sequence turned out to hold no message for us."""
        self._beyond.add(sequence)
        self._close()

    def _take(self, sequence: int) -> bool:
        if sequence <= self.floor or sequence in self._beyond:
            return False
        self._beyond.add(sequence)
        return True

    def _close(self) -> None:
        while self.floor + 1 in self._beyond:
            self.floor += 1
            self._beyond.remove(self.floor)

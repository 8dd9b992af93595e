"""A set of observations as equally long columns."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Observations. Times are µs since 1970 UTC; quality 0 is good; `source` numbers
    the way they came (`Sources`)."""

    series: NDArray[np.int64]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    received: NDArray[np.int64]
    source: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.series)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """The chosen rows, by mask or by index in that order."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def sorted(self) -> Self:
        """By series, then time; rows of the same series and time in the order they came."""
        return self.take(np.lexsort((self.time, self.series)))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

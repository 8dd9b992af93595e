"""Where rules stand with every terminal, in files mapped into memory: `kill -9` forgets nothing.

One file a rule, one record at the place of the terminal's series (the rule's first property); files are sparse.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citybase.city.observations.rules import RuleState

__all__ = ["RuleStateFile"]

_RECORD = np.dtype([("evaluated", "<i8"), ("since", "<i8"), ("raised", "<i8")])
_CHUNK = 65_536


class RuleStateFile:
    """The observer's state of one rule. There is one writer."""

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{number}.bin"
        self._path.touch()
        self._records = self._map()

    def read(self, series: NDArray[np.int64]) -> RuleState:
        self._reserve(series)
        found = self._records[series]
        return RuleState(found["evaluated"].copy(), found["since"].copy(), found["raised"].copy())

    def write(self, series: NDArray[np.int64], state: RuleState) -> None:
        # `evaluated` last: dying in between means evaluating again, which finds the alarm raised already.
        self._records["since"][series] = state.since
        self._records["raised"][series] = state.raised
        self._records["evaluated"][series] = state.evaluated

    def _reserve(self, series: NDArray[np.int64]) -> None:
        needed = int(series.max(initial=0)) + 1
        if needed > len(self._records):
            with self._path.open("ab") as file:
                file.truncate(-(-needed // _CHUNK) * _CHUNK * _RECORD.itemsize)
            self._records = self._map()

    def _map(self) -> NDArray[np.void]:
        if self._path.stat().st_size == 0:
            return np.zeros(0, _RECORD)
        return np.memmap(self._path, dtype=_RECORD, mode="r+")

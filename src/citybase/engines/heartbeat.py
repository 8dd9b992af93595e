"""A sign of life in a file: written by a process each time it has done its work, read by whoever asks for its health.

The file's time is the message, so that it needs no room on a full disk.
"""

import time
from pathlib import Path

__all__ = ["Heartbeat"]


class Heartbeat:
    """One process's sign of life in the data folder."""

    def __init__(self, data: Path, name: str) -> None:
        self._path = data / "alive" / name

    def beat(self) -> None:
        self._path.parent.mkdir(exist_ok=True)
        self._path.touch()

    def age(self) -> float | None:
        """Seconds since the last beat; None when there was none yet."""
        try:
            return max(0.0, time.time() - self._path.stat().st_mtime)
        except FileNotFoundError:
            return None

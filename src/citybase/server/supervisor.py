"""One supervisor keeps the city running: engines first, then our processes; what dies is started again.

The supervisor holds no data and serves nobody, so that killing it harms nothing: its children die with it
(`citybase.engines.processes`), PostgreSQL is found again at the next start.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Kept", "Supervisor"]

_LOG = logging.getLogger("citybase.supervisor")
_TICK = 0.25
_STABLE_AFTER = 20.0
_LONGEST_PAUSE = 10.0


class Kept(Protocol):
    """Something that is started, looked at and stopped: an engine or one of our processes."""

    name: str

    def start(self) -> object: ...
    def is_alive(self) -> bool: ...
    def stop(self) -> None: ...


@dataclass(slots=True)
class _State:
    kept: Kept
    started: float = 0.0
    pause: float = 0.0
    next_try: float = 0.0
    restarts: int = 0


@dataclass(slots=True)
class Supervisor:
    """Starts in order, watches, restarts with growing pauses, stops in reverse order."""

    clock: Callable[[], float] = time.monotonic
    _states: list[_State] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self, kept: Kept) -> None:
        """Start one and keep it from now on."""
        kept.start()
        self.keep(kept)

    def keep(self, kept: Kept) -> None:
        """Keep one that runs already."""
        self._states.append(_State(kept, started=self.clock()))

    def watch(self, look: Callable[[], None] = lambda: None) -> None:
        """Keep everything alive until `end` is called or SIGINT / SIGTERM arrives; `look` is called at every turn."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.end())
        while not self._ended.wait(_TICK):
            look()
            for state in self._states:
                self._mend(state)

    def end(self) -> None:
        self._ended.set()

    def stop(self) -> None:
        """Stop everything, last started first."""
        for state in reversed(self._states):
            try:
                state.kept.stop()
            except Exception:
                _LOG.exception("%s did not stop cleanly", state.kept.name)

    def restarts(self) -> dict[str, int]:
        return {state.kept.name: state.restarts for state in self._states}

    def _mend(self, state: _State) -> None:
        moment = self.clock()
        if state.kept.is_alive():
            if moment - state.started > _STABLE_AFTER:
                state.pause = 0.0
            return
        if moment < state.next_try:
            return
        _LOG.warning("%s is gone: starting it again", state.kept.name)
        state.pause = min(_LONGEST_PAUSE, max(0.2, state.pause * 2)) if state.restarts else 0.2
        state.next_try = moment + state.pause
        state.restarts += 1
        state.started = moment
        try:
            state.kept.start()
        except Exception:
            _LOG.exception("%s could not be started; next try in %.1f s", state.kept.name, state.pause)

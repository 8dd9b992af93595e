"""Death at a chosen step: every change of the file system is one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Crash", "die_after"]


class Crash(BaseException):
    """Stands for `kill -9`: nothing may catch it."""


def die_after(monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    """Let `allowed` changes of the file system happen; die in the next one."""
    left = iter(range(allowed))

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if next(left, None) is None:
                raise Crash
            return real(*args, **kwargs)

        return step

    for name in ("replace", "unlink", "mkdir", "rmdir"):
        monkeypatch.setattr(Path, name, dying(getattr(Path, name)))
    monkeypatch.setattr(os, "fsync", dying(os.fsync))

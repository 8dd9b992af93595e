"""The data folder belongs to one running city at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from citybase.kernel.errors import Problem

__all__ = ["is_owned", "own_folder", "owner_of"]

_LOCK = "citybase.lock"


@contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises `data_folder_busy` when another CityBase holds it.

    The lock is the kernel's (`flock`): it ends with the process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Problem("data_folder_busy", folder=folder, pid=owner_of(folder) or "?") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def owner_of(folder: Path) -> int | None:
    """The process that last took the folder."""
    try:
        return int((folder / _LOCK).read_text())
    except (OSError, ValueError):
        return None


def is_owned(folder: Path) -> bool:
    """Whether a running CityBase holds the folder now."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

"""Writing that survives `kill -9` and power cuts: whole files by rename, growing files by append, each with fsync."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["append_durably", "exclusive", "replace_durably", "shared", "sync_folders", "truncate_durably"]


def replace_durably(path: Path, data: bytes, staging: Path) -> None:
    """Put `data` at `path` at once or not at all. The folder entry is durable after `sync_folders`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with staging.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)


def append_durably(path: Path, data: bytes) -> None:
    """Add `data` at the end of `path`; after a crash the end may hold any part of it."""
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def truncate_durably(path: Path, length: int) -> None:
    """Cut `path` to `length` bytes."""
    with path.open("r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())


def sync_folders(folders: Iterable[Path], top: Path) -> None:
    """Make the names in `folders`, and in every folder above them up to `top`, durable."""
    pending = {parent for folder in folders for parent in (folder, *folder.parents) if parent.is_relative_to(top)}
    for folder in pending:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder as its only writer; waits for other writers and verifiers. Released when the process dies."""
    with _locked(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Keep writers out while the folder is read as a whole."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    # The lock is on the folder itself, so that no lock file lies among the files that are checked.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)

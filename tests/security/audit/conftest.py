"""Logs to test with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from citybase.security.audit.keys import SigningKey
from citybase.security.audit.log import AuditLog
from citybase.security.audit.merkle import HashName

ORIGIN = "audit.test.example/city"

NewLog = Callable[..., AuditLog]


@pytest.fixture
def key() -> SigningKey:
    return SigningKey(ORIGIN, bytes(range(32)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def new_log(key: SigningKey, folder: Path) -> NewLog:
    def build(*sizes: int, hash_name: HashName = "sha256") -> AuditLog:
        """A log that was appended to once for each size, up to that size."""
        log = AuditLog(folder, key, hash_name)
        for size in sizes:
            log.append(leaves(log.size, size))
        return log

    return build


def leaves(start: int, end: int) -> list[bytes]:
    """Entries of different lengths, the same for the same index."""
    return [f"entry {index} {'x' * (index % 7)}".encode() for index in range(start, end)]

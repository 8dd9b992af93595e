"""Signed tree heads: C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint), a note of origin, size and root.

Two extension lines follow: `time <RFC 3339, UTC>` and `hash <sha256|sm3>`. Checkpoints are read strictly: a text that
this module would not have written is refused, so that no byte of it is without meaning.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from citybase.security.audit.keys import SigningKey, VerifierKey
from citybase.security.audit.merkle import HashName, TreeHash

__all__ = ["Checkpoint", "CheckpointError", "open_note", "sign", "split_notes"]

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_SIGNATURE_MARK = "— ".encode()


class CheckpointError(ValueError):
    """Bytes that are not a checkpoint signed by the expected key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log promises: at `time` its first `size` entries had this `root`."""

    origin: str
    size: int
    root: bytes
    time: datetime
    hash_name: HashName

    def body(self) -> bytes:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        time = self.time.astimezone(UTC).strftime(_TIME)
        return f"{self.origin}\n{self.size}\n{root}\ntime {time}\nhash {self.hash_name}\n".encode()

    @classmethod
    def parse(cls, body: bytes) -> "Checkpoint":
        """The checkpoint of a signed text."""
        try:
            origin, size, root, time, hash_name, end = body.decode().split("\n")
            checkpoint = cls(
                origin,
                int(size),
                base64.b64decode(root, validate=True),
                datetime.strptime(time.removeprefix("time "), _TIME).replace(tzinfo=UTC),
                TreeHash(hash_name.removeprefix("hash ")).name,
            )
        except ValueError as error:
            raise CheckpointError("not a checkpoint") from error
        if end or len(checkpoint.root) != TreeHash.size or checkpoint.body() != body:
            raise CheckpointError("not a checkpoint in its one canonical form")
        return checkpoint


def sign(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The checkpoint as a signed note."""
    body = checkpoint.body()
    return body + f"\n{key.sign(body)}\n".encode()


def open_note(note: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a note that carries exactly one signature, made by `key`; else CheckpointError."""
    body, separator, signature = note.rpartition(b"\n\n")
    line = signature.removesuffix(b"\n")
    if not separator or line == signature or b"\n" in line:
        raise CheckpointError("not a signed note")
    try:
        accepted = key.accepts(body + b"\n", line.decode())
    except UnicodeDecodeError as error:
        raise CheckpointError("not a signed note") from error
    if not accepted:
        raise CheckpointError(f"not signed by {key.name}")
    checkpoint = Checkpoint.parse(body + b"\n")
    if checkpoint.origin != key.name:
        raise CheckpointError(f"of another log: {checkpoint.origin}")
    return checkpoint


def split_notes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Concatenated notes as (offset, note); what follows the last signature line comes as one more note."""
    start = line_start = 0
    while line_start < len(data):
        line_end = data.find(b"\n", line_start) + 1 or len(data)
        if data.startswith(_SIGNATURE_MARK, line_start) or line_end == len(data):
            yield start, data[start:line_end]
            start = line_end
        line_start = line_end

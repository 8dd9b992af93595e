"""The append-only log in a folder: entries in, signed checkpoints out, proofs from the tiles alone.

An append is committed by one write, the new checkpoint at the end of `checkpoints`. Before it everything new lies
under names that the published tree does not use, and `appending` names the size aimed at; after it the tidying and
`checkpoint` follow. The next writer, after a crash at any point, finishes what was committed and discards what was
not: no entry of a signed checkpoint is lost, and no second tree is ever signed.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from citybase.security.audit.checkpoint import Checkpoint, CheckpointError, open_note, sign, split_notes
from citybase.security.audit.files import (
    append_durably,
    exclusive,
    replace_durably,
    sync_folders,
    truncate_durably,
)
from citybase.security.audit.keys import SigningKey, VerifierKey, create_key, load_key
from citybase.security.audit.merkle import (
    HashName,
    TreeHash,
    consistency_proof,
    inclusion_proof,
    tree_root,
)
from citybase.security.audit.proof import InclusionProof
from citybase.security.audit.tiles import (
    ENTRIES,
    MAX_ENTRY,
    STAGING,
    WIDTH,
    LogDamagedError,
    TileStore,
    superseded_tiles,
    tile_at,
    tiles_between,
)

__all__ = ["APPENDING", "CHECKPOINT", "HISTORY", "PUBLIC_KEY", "AuditLog", "LogReader", "open_log"]

CHECKPOINT = "checkpoint"
"""The newest signed checkpoint."""
HISTORY = "checkpoints"
"""Every checkpoint ever signed, one after the other."""
PUBLIC_KEY = "public-key"
"""The verifier string of the key that signs."""
APPENDING = "appending"
"""The size that an append in progress aims at; absent between appends."""


class LogReader:
    """Reads a log, beside its writer if need be. Every answer refers to the checkpoint read with it."""

    def __init__(self, folder: Path, verifier: VerifierKey) -> None:
        self.folder = folder
        self.verifier = verifier

    @classmethod
    def of_folder(cls, folder: Path) -> "LogReader":
        """A reader that trusts the folder's own copy of the public key, as the program does with its own log."""
        try:
            return cls(folder, VerifierKey.parse((folder / PUBLIC_KEY).read_text("utf-8").removesuffix("\n")))
        except (OSError, ValueError) as error:
            raise LogDamagedError(PUBLIC_KEY, str(error)) from error

    def note(self) -> bytes:
        """The newest signed checkpoint, verbatim."""
        try:
            return (self.folder / CHECKPOINT).read_bytes()
        except FileNotFoundError as error:
            raise LogDamagedError(CHECKPOINT, "missing") from error

    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint, its signature checked."""
        return self.opened(self.note())

    def opened(self, note: bytes) -> Checkpoint:
        """The checkpoint of a note of this log; LogDamagedError when the key did not sign it."""
        try:
            return open_note(note, self.verifier)
        except CheckpointError as error:
            raise LogDamagedError(CHECKPOINT, str(error)) from error

    @property
    def size(self) -> int:
        return self.checkpoint().size

    @property
    def root(self) -> bytes:
        return self.checkpoint().root

    @property
    def hash_name(self) -> HashName:
        return self.checkpoint().hash_name

    def entry(self, index: int) -> bytes:
        """The entry at `index`; IndexError beyond the checkpoint."""
        return self.entries(index, index + 1)[0]

    def entries(self, start: int, end: int) -> list[bytes]:
        """The entries `[start, end)`; IndexError when the checkpoint does not cover them."""
        checkpoint = self.checkpoint()
        if not 0 <= start <= end <= checkpoint.size:
            raise IndexError(f"entries {start} to {end} of a log of {checkpoint.size}")
        tiles = self._tiles(checkpoint)
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            bundle = tiles.entries(tile_at(ENTRIES, index, checkpoint.size))
            found += bundle[max(start - index * WIDTH, 0) : end - index * WIDTH]
        return found

    def inclusion(self, index: int) -> InclusionProof:
        """The proof that the entry at `index` is under the newest checkpoint; ValueError beyond it."""
        note = self.note()
        checkpoint = self.opened(note)
        tiles = self._tiles(checkpoint)
        path = inclusion_proof(tiles.tree, index, checkpoint.size, tiles.node_reader(checkpoint.size))
        return InclusionProof(index, tuple(path), note)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` entries appends to the tree of `old`; ValueError beyond the checkpoint."""
        checkpoint = self.checkpoint()
        if new > checkpoint.size:
            raise ValueError(f"size {new} of a log of {checkpoint.size}")
        tiles = self._tiles(checkpoint)
        return consistency_proof(tiles.tree, old, new, tiles.node_reader(checkpoint.size))

    def _tiles(self, checkpoint: Checkpoint) -> TileStore:
        return TileStore(self.folder, TreeHash(checkpoint.hash_name))


class AuditLog(LogReader):
    """The writer of a log. Several may exist: they take turns, each append holds the folder for itself."""

    def __init__(self, folder: Path, key: SigningKey, hash_name: HashName = "sha256") -> None:
        """Open the log, or found an empty one with `hash_name`. LogDamagedError when it cannot be continued safely."""
        super().__init__(folder, key.verifier)
        self._key = key
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder):
            if (folder / CHECKPOINT).exists():
                self._recover()
            else:
                self._found(hash_name)

    def append(self, entries: Sequence[bytes]) -> range:
        """Add entries, durable and signed on return; their indexes. ValueError when one exceeds `MAX_ENTRY` bytes."""
        longest = max(map(len, entries), default=0)
        if longest > MAX_ENTRY:
            raise ValueError(f"an entry of {longest} bytes: at most {MAX_ENTRY} can be logged")
        with exclusive(self.folder):
            current = self._recover()
            added = range(current.size, current.size + len(entries))
            if added:
                self._extend(current, entries)
            return added

    def recover(self) -> int:
        """Finish or discard what an append left that failed on the way; the size of the log."""
        with exclusive(self.folder):
            return self._recover().size

    def _extend(self, current: Checkpoint, entries: Sequence[bytes]) -> None:
        size = current.size + len(entries)
        self._replace(APPENDING, str(size).encode())
        tiles = self._tiles(current)
        tiles.extend(current.size, entries)
        note = self._signed(size, tree_root(tiles.tree, size, tiles.node_reader(size)), current.hash_name)
        append_durably(self.folder / HISTORY, note)
        self._publish(current, size, note)
        (self.folder / APPENDING).unlink()

    def _publish(self, current: Checkpoint, size: int, note: bytes) -> None:
        # Readers of the old checkpoint find the wider tiles in place of the removed ones.
        self._tiles(current).remove(superseded_tiles(current.size, size))
        self._replace(CHECKPOINT, note)

    def _recover(self) -> Checkpoint:
        """Finish or discard what a crashed append left; the checkpoint to continue from."""
        current = self._finish_committed(self.note())
        (self.folder / STAGING).unlink(missing_ok=True)
        aimed_at = self._aimed_at()
        if aimed_at is not None:
            self._tiles(current).remove(tiles_between(current.size, aimed_at))
            (self.folder / APPENDING).unlink()
        return current

    def _finish_committed(self, note: bytes) -> Checkpoint:
        """Publish a checkpoint that was signed but not published; cut a half-written one off the history."""
        current = self.opened(note)
        length, tail = self._after(note)
        if not tail:
            return current
        if self._aimed_at() is None:
            raise LogDamagedError(HISTORY, "goes on after the newest checkpoint")
        try:
            committed = open_note(tail, self.verifier)
        except CheckpointError:
            truncate_durably(self.folder / HISTORY, length)
            return current
        tiles = self._tiles(committed)
        if tree_root(tiles.tree, committed.size, tiles.node_reader(committed.size)) != committed.root:
            raise LogDamagedError(HISTORY, "the last signed checkpoint does not fit the tiles")
        self._publish(current, committed.size, tail)
        return committed

    def _aimed_at(self) -> int | None:
        """The size that a crashed append aimed at; None when the last append ended."""
        try:
            return int((self.folder / APPENDING).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise LogDamagedError(APPENDING, "not a size") from error

    def _after(self, note: bytes) -> tuple[int, bytes]:
        """Where the history's copy of the newest checkpoint ends, and what follows it."""
        with (self.folder / HISTORY).open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            start = max(length - 4 * len(note), 0)
            file.seek(start)
            before, found, tail = file.read().rpartition(note)
        if not found:
            raise LogDamagedError(HISTORY, "does not end with the newest checkpoint")
        return start + len(before) + len(note), tail

    def _found(self, hash_name: HashName) -> None:
        """Sign the empty tree. A folder that has seen entries is never founded again."""
        history = self.folder / HISTORY
        signed = len(list(split_notes(history.read_bytes()))) if history.exists() else 0
        if signed > 1 or (self.folder / "tile").exists():
            raise LogDamagedError(CHECKPOINT, "missing, though the log has entries")
        note = self._signed(0, TreeHash(hash_name).empty(), hash_name)
        self._replace(PUBLIC_KEY, f"{self.verifier.text()}\n".encode())
        self._replace(HISTORY, note)
        self._replace(CHECKPOINT, note)

    def _signed(self, size: int, root: bytes, hash_name: HashName) -> bytes:
        return sign(Checkpoint(self._key.name, size, root, datetime.now(UTC), hash_name), self._key)

    def _replace(self, name: str, data: bytes) -> None:
        replace_durably(self.folder / name, data, self.folder / STAGING)
        sync_folders([self.folder], self.folder)


def open_log(folder: Path, key_file: Path, origin: str, hash_name: HashName = "sha256") -> AuditLog:
    """The log in `folder`, signed with the key in `key_file`; both are made when neither exists.

    `origin` names the log to the world, e.g. `audit.xian.example/citybase`. A log without its key is not continued:
    LogDamagedError tells to restore the key, for a new one would look like a forged log.
    """
    if key_file.exists():
        return AuditLog(folder, load_key(key_file), hash_name)
    if (folder / CHECKPOINT).exists():
        raise LogDamagedError(key_file.name, "the signing key of an existing log is missing")
    return AuditLog(folder, create_key(key_file, origin), hash_name)

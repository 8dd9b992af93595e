"""Verification of a log folder with nothing but a public key: offline, without the program that wrote it running.

Every byte below the folder is accounted for: entries, tiles, newest checkpoint, all historical checkpoints and the copy
of the public key. What it cannot see is a log cut back to an older checkpoint together with its history; for that, keep
a checkpoint elsewhere and give it as `known`.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from citybase.security.audit.checkpoint import Checkpoint, CheckpointError, open_note, split_notes
from citybase.security.audit.files import shared
from citybase.security.audit.findings import Finding, finding
from citybase.security.audit.keys import VerifierKey
from citybase.security.audit.log import APPENDING, CHECKPOINT, HISTORY, PUBLIC_KEY, LogReader
from citybase.security.audit.merkle import TreeHash
from citybase.security.audit.tiles import STAGING, LogDamagedError, tiles_between
from citybase.security.audit.verify_tree import SignedRoot, TreeCheck

__all__ = ["Report", "verify_folder"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a verification. `root` is base64; `checkpoints` counts the historical ones that are valid."""

    ok: bool
    origin: str
    size: int | None
    root: str | None
    hash: str | None
    time: datetime | None
    checkpoints: int
    problems: list[Finding]


def verify_folder(folder: Path, key: VerifierKey, *, index: int | None = None, known: Sequence[bytes] = ()) -> Report:
    """Check everything under `folder`; with `index` also that this entry is included.

    `known` are signed checkpoints kept elsewhere: the log must still contain their trees. Writers wait meanwhile.
    FileNotFoundError when there is no such folder.
    """
    with shared(folder):
        return _Verification(folder, key).run(index, known)


class _Verification:
    def __init__(self, folder: Path, key: VerifierKey) -> None:
        self._folder = folder
        self._key = key
        self._findings: list[Finding] = []

    def run(self, index: int | None, known: Sequence[bytes]) -> Report:
        self._check_public_key()
        newest = self._check_checkpoint()
        history = self._check_history(newest)
        # With the newest checkpoint damaged, the rest is still judged by the last one that is whole.
        judge = newest or (history[-1][1] if history else None)
        if judge is not None:
            signed = [SignedRoot(each.size, each.root, HISTORY, offset) for offset, each in history]
            signed += self._check_known(judge, known)
            self._check_names(judge.size)
            self._check_tree(judge, signed)
            if index is not None:
                self._check_inclusion(judge, index)
        return self._report(judge, len(history))

    def _report(self, judge: Checkpoint | None, checkpoints: int) -> Report:
        return Report(
            ok=not self._findings,
            origin=self._key.name,
            size=judge.size if judge else None,
            root=base64.b64encode(judge.root).decode() if judge else None,
            hash=judge.hash_name if judge else None,
            time=judge.time if judge else None,
            checkpoints=checkpoints,
            problems=self._findings,
        )

    def _find(
        self, code: str, file: str, offset: int | None = None, index: int | None = None, **params: object
    ) -> None:
        self._findings.append(finding(code, file, offset=offset, index=index, **params))

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            self._find("missing", name)
            return None

    def _check_public_key(self) -> None:
        stored = self._read(PUBLIC_KEY)
        if stored is not None and stored != f"{self._key.text()}\n".encode():
            self._find("key_differs", PUBLIC_KEY)

    def _check_checkpoint(self) -> Checkpoint | None:
        note = self._read(CHECKPOINT)
        if note is None:
            return None
        try:
            return open_note(note, self._key)
        except CheckpointError as error:
            self._find("checkpoint", CHECKPOINT, reason=error)
            return None

    def _check_history(self, newest: Checkpoint | None) -> list[tuple[int, Checkpoint]]:
        """The valid historical checkpoints with their offsets."""
        data = self._read(HISTORY)
        if data is None:
            return []
        valid: list[tuple[int, Checkpoint]] = []
        for offset, note in split_notes(data):
            try:
                checkpoint = open_note(note, self._key)
            except CheckpointError as error:
                self._find("history_note", HISTORY, offset, reason=error)
                continue
            if self._follows(checkpoint, offset, valid):
                valid.append((offset, checkpoint))
            else:
                self._find("history_order", HISTORY, offset)
        if newest is not None and (not valid or valid[-1][1] != newest):
            self._find("history_end", HISTORY, len(data))
        return valid

    def _follows(self, checkpoint: Checkpoint, offset: int, earlier: list[tuple[int, Checkpoint]]) -> bool:
        if not earlier:
            return checkpoint.size == 0 or offset > 0
        last = earlier[-1][1]
        return checkpoint.size > last.size and checkpoint.hash_name == last.hash_name

    def _check_known(self, judge: Checkpoint, known: Sequence[bytes]) -> list[SignedRoot]:
        signed: list[SignedRoot] = []
        for note in known:
            kept = open_note(note, self._key)
            if kept.size > judge.size:
                self._find("rolled_back", CHECKPOINT, size=judge.size, known=kept.size)
            signed.append(SignedRoot(kept.size, kept.root, CHECKPOINT, 0))
        return signed

    def _check_names(self, size: int) -> None:
        expected = {tile.path for tile in tiles_between(0, size)}
        present = {
            path.relative_to(self._folder).as_posix()
            for path in self._folder.rglob("*")
            if path.is_symlink() or not path.is_dir()
        } - {PUBLIC_KEY, CHECKPOINT, HISTORY}
        for name in sorted(expected - present):
            self._find("missing", name)
        for name in sorted(present - expected):
            self._find("unfinished" if name in (STAGING, APPENDING) else "stray", name)

    def _check_tree(self, judge: Checkpoint, signed: list[SignedRoot]) -> None:
        signed.append(SignedRoot(judge.size, judge.root, CHECKPOINT, 0))
        check = TreeCheck(self._folder, TreeHash(judge.hash_name), judge.size)
        check.run(signed, judge.root)
        self._findings += check.findings

    def _check_inclusion(self, judge: Checkpoint, index: int) -> None:
        reader = LogReader(self._folder, self._key)
        try:
            shown = reader.inclusion(index).shows(reader.entry(index), self._key)
            reason = "" if shown else "the proof does not lead to the signed root"
        except (ValueError, LogDamagedError) as error:
            reason = str(error)
        if reason:
            self._find("not_included", CHECKPOINT, index=index, reason=reason)

"""Signed notes: keys, checkpoints, and the strictness that leaves no byte without meaning."""

import base64
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.security.audit.checkpoint import Checkpoint, CheckpointError, open_note, sign, split_notes
from citybase.security.audit.keys import KeyFormatError, SigningKey, VerifierKey, create_key, load_key

KEY = SigningKey("log.example/a", bytes(range(32)))
CHECKPOINT = Checkpoint("log.example/a", 20852163, b"\x07" * 32, datetime(2026, 11, 20, 4, 5, 6, 7, UTC), "sm3")
NOTE = sign(CHECKPOINT, KEY)


def test_a_published_verifier_key_and_note_are_accepted() -> None:
    # The example key and signature in the documentation of Go's golang.org/x/mod/sumdb/note.
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert key.accepts(text, line)
    assert not key.accepts(text + b"\n", line)


def test_a_checkpoint_reads_as_the_specification_says() -> None:
    lines = NOTE.decode().split("\n")
    assert lines[:6] == [
        "log.example/a",
        "20852163",
        base64.b64encode(b"\x07" * 32).decode(),
        "time 2026-11-20T04:05:06.000007Z",
        "hash sm3",
        "",
    ]
    assert lines[6].startswith("— log.example/a ")
    assert base64.b64decode(lines[6].split(" ")[2])[:4] == KEY.verifier.key_id
    assert lines[7:] == [""]
    assert open_note(NOTE, KEY.verifier) == CHECKPOINT


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_every_changed_byte_of_a_note_is_refused(place: int, flip: int) -> None:
    changed = bytearray(NOTE)
    changed[place] ^= flip
    with pytest.raises(CheckpointError):
        open_note(bytes(changed), KEY.verifier)


@given(st.integers(0, len(NOTE) - 1))
def test_every_truncated_note_is_refused(length: int) -> None:
    with pytest.raises(CheckpointError):
        open_note(NOTE[:length], KEY.verifier)


def test_another_key_of_the_same_name_is_refused() -> None:
    with pytest.raises(CheckpointError, match="not signed by"):
        open_note(NOTE, SigningKey("log.example/a", bytes(32)).verifier)


@pytest.mark.parametrize(
    "body",
    [
        b"log.example/a\n007\n" + base64.b64encode(bytes(32)) + b"\ntime 2026-11-20T04:05:06.000007Z\nhash sm3\n",
        b"log.example/a\n7\nAAAA\ntime 2026-11-20T04:05:06.000007Z\nhash sm3\n",
        b"log.example/a\n7\n" + base64.b64encode(bytes(32)) + b"\ntime 2026-11-20T04:05:06.000007Z\nhash md5\n",
        b"log.example/a\n7\n",
        b"\xff\n",
    ],
)
def test_a_signed_text_that_is_no_canonical_checkpoint_is_refused(body: bytes) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        open_note(body + f"\n{KEY.sign(body)}\n".encode(), KEY.verifier)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    other = Checkpoint("log.example/b", 1, bytes(32), CHECKPOINT.time, "sha256")
    with pytest.raises(CheckpointError, match="of another log"):
        open_note(sign(other, KEY), KEY.verifier)


def test_concatenated_notes_are_told_apart() -> None:
    assert list(split_notes(NOTE + NOTE + NOTE[:9])) == [
        (0, NOTE),
        (len(NOTE), NOTE),
        (2 * len(NOTE), NOTE[:9]),
    ]
    assert list(split_notes(b"")) == []


def test_a_key_is_stored_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.key"
    key = create_key(path, "log.example/a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path) == key
    assert key.text() not in repr(key)
    with pytest.raises(FileExistsError):
        create_key(path, "log.example/a")


def test_key_texts_round_trip() -> None:
    assert VerifierKey.parse(KEY.verifier.text()) == KEY.verifier
    assert SigningKey.parse(KEY.text()) == KEY


VERIFIER = KEY.verifier.text()


@given(st.integers(0, len(VERIFIER) - 1), st.characters(codec="latin-1"))
def test_every_changed_sign_of_a_verifier_key_is_refused(place: int, sign_: str) -> None:
    changed = VERIFIER[:place] + sign_ + VERIFIER[place + 1 :]
    if changed != VERIFIER:
        with pytest.raises(KeyFormatError):
            VerifierKey.parse(changed)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "x" * 201])
def test_a_key_name_that_no_note_can_carry_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(KeyFormatError, match="a key name"):
        create_key(tmp_path / "key", name)

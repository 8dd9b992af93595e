"""The log as its writer and readers see it, and what a crash leaves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from citybase.security.audit.keys import SigningKey
from citybase.security.audit.log import APPENDING, CHECKPOINT, HISTORY, AuditLog, LogReader, open_log
from citybase.security.audit.merkle import TreeHash, verify_consistency
from citybase.security.audit.proof import InclusionProof
from citybase.security.audit.tiles import LogDamagedError, tiles_between
from citybase.security.audit.verify import verify_folder
from tests.security.audit import oracle
from tests.security.audit.conftest import ORIGIN, NewLog, leaves
from tests.security.audit.crashing import Crash, die_after


def test_an_empty_log_is_signed_and_verifies(new_log: NewLog, folder: Path, key: SigningKey) -> None:
    log = new_log()
    assert (log.size, log.root) == (0, TreeHash("sha256").empty())
    assert verify_folder(folder, key.verifier).ok


@pytest.mark.parametrize("hash_name", ["sha256", "sm3"])
@pytest.mark.parametrize("sizes", [[1], [1, 2, 3], [255, 256, 257], [256, 512], [300], [5, 5, 600]])
def test_root_entries_and_proofs_agree_with_the_rfc(
    new_log: NewLog, key: SigningKey, hash_name: str, sizes: list[int]
) -> None:
    log, size = new_log(*sizes, hash_name=hash_name), sizes[-1]
    everything = leaves(0, size)
    assert log.root == oracle.mth(hash_name, everything)
    assert log.entries(0, size) == everything
    for index in {0, size // 2, size - 1}:
        proof = log.inclusion(index)
        assert list(proof.path) == oracle.path(hash_name, index, everything)
        assert proof.shows(everything[index], key.verifier)
        assert not proof.shows(b"forged", key.verifier)
        assert InclusionProof.parse(proof.text()) == proof
    for old in {0, 1, size // 2, size} - {0}:
        assert log.consistency(old, size) == oracle.proof(hash_name, old, everything)


def test_a_log_of_70000_entries_keeps_three_levels_and_proves_its_growth(new_log: NewLog, folder: Path) -> None:
    log = new_log(65_000)
    old_root = log.root
    log.append(leaves(65_000, 70_000))
    present = {path.relative_to(folder).as_posix() for path in (folder / "tile").rglob("*") if path.is_file()}
    assert present == {tile.path for tile in tiles_between(0, 70_000)}
    tree = TreeHash("sha256")
    for index in (0, 65_535, 65_536, 69_999):
        assert log.inclusion(index).shows(leaves(index, index + 1)[0], log.verifier)
    proof = log.consistency(65_000, 70_000)
    assert verify_consistency(tree, 65_000, 70_000, old_root=old_root, new_root=log.root, proof=proof)
    assert verify_folder(folder, log.verifier).ok


def test_appending_nothing_signs_nothing(new_log: NewLog, folder: Path) -> None:
    log = new_log(3)
    before = (folder / HISTORY).read_bytes()
    assert log.append([]) == range(3, 3)
    assert (folder / HISTORY).read_bytes() == before


def test_an_entry_too_long_to_be_logged_leaves_the_log_as_it_was(new_log: NewLog, folder: Path) -> None:
    log = new_log(3)
    with pytest.raises(ValueError, match="65536 bytes"):
        log.append([b"fine", b"x" * 65_536])
    assert log.size == 3
    assert verify_folder(folder, log.verifier).ok


def test_two_writers_take_turns(new_log: NewLog, folder: Path, key: SigningKey) -> None:
    first, second = new_log(3), AuditLog(folder, key)
    assert second.append([b"of the second"]) == range(3, 4)
    assert first.append([b"of the first"]) == range(4, 5)
    assert first.entries(3, 5) == [b"of the second", b"of the first"]


def test_a_reader_is_told_what_the_log_does_not_hold(new_log: NewLog, folder: Path, key: SigningKey) -> None:
    new_log(3)
    reader = LogReader(folder, key.verifier)
    with pytest.raises(IndexError, match="of a log of 3"):
        reader.entry(3)
    with pytest.raises(ValueError, match="no leaf 3"):
        reader.inclusion(3)
    with pytest.raises(ValueError, match="size 4 of a log of 3"):
        reader.consistency(1, 4)


def test_a_key_is_made_with_the_log_and_needed_to_continue_it(folder: Path, tmp_path: Path) -> None:
    key_file = tmp_path / "keys" / "audit.key"
    open_log(folder, key_file, ORIGIN).append([b"first"])
    assert open_log(folder, key_file, ORIGIN).append([b"second"]) == range(1, 2)
    key_file.unlink()
    with pytest.raises(LogDamagedError, match="signing key"):
        open_log(folder, key_file, ORIGIN)


def test_another_key_does_not_continue_the_log(new_log: NewLog, folder: Path) -> None:
    new_log(3)
    with pytest.raises(LogDamagedError, match="not signed by"):
        AuditLog(folder, SigningKey(ORIGIN, bytes(32)))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / CHECKPOINT).unlink(), "missing, though the log has entries"),
        (lambda folder: (folder / HISTORY).write_bytes(b""), "does not end with the newest checkpoint"),
        (lambda folder: append(folder / HISTORY, b"more"), "goes on after the newest checkpoint"),
        (lambda folder: (folder / APPENDING).write_bytes(b"many"), "not a size"),
    ],
)
def test_a_damaged_log_is_not_continued(
    new_log: NewLog, folder: Path, key: SigningKey, damage: Callable[[Path], None], words: str
) -> None:
    new_log(3, 300)
    damage(folder)
    with pytest.raises(LogDamagedError, match=words):
        AuditLog(folder, key)


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def test_a_signed_checkpoint_that_does_not_fit_the_tiles_is_not_published(
    new_log: NewLog, folder: Path, key: SigningKey
) -> None:
    log = new_log(3)
    old = (folder / CHECKPOINT).read_bytes()
    log.append([b"more"])
    (folder / CHECKPOINT).write_bytes(old)
    (folder / APPENDING).write_bytes(b"4")
    (folder / "tile/0/000.p/4").write_bytes(bytes(128))
    with pytest.raises(LogDamagedError, match="does not fit the tiles"):
        AuditLog(folder, key)


def crashes(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> Iterator[int]:
    """Run `action` with a crash after 0, 1, 2 … steps, until it survives."""
    for allowed in range(1000):
        with monkeypatch.context() as patch:
            die_after(patch, allowed)
            try:
                action()
            except Crash:
                pass
            else:
                return
        yield allowed
    pytest.fail("the action never ended")


@pytest.mark.parametrize("sizes", [(0, 1), (3, 5), (250, 256), (255, 259), (256, 800)])
def test_after_a_crash_at_any_step_of_an_append_the_log_continues(
    new_log: NewLog, key: SigningKey, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    log, more = new_log(sizes[0]), sizes[1] - sizes[0]
    signed = {log.size: log.root}
    possible = {log.size}
    for _ in crashes(monkeypatch, lambda: log.append(leaves(log.size, log.size + more))):
        reopened = AuditLog(log.folder, key)
        assert reopened.size in {*possible, max(possible) + more}
        possible = {reopened.size}
        assert reopened.root == oracle.mth("sha256", leaves(0, reopened.size))
        assert signed.setdefault(reopened.size, reopened.root) == reopened.root
        report = verify_folder(log.folder, key.verifier)
        assert report.ok, report.problems
    assert log.size == max(possible) + more
    assert verify_folder(log.folder, key.verifier).ok


def test_a_crash_that_tears_the_history_is_mended(
    new_log: NewLog, folder: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = new_log(3)
    before = (folder / CHECKPOINT).read_bytes()
    for cut in (1, 40, len(before) - 1):
        with monkeypatch.context() as patch:
            patch.setattr("citybase.security.audit.log.append_durably", tearing(cut))
            with pytest.raises(Crash):
                log.append([b"lost"])
        assert AuditLog(folder, key).size == 3
        assert (folder / HISTORY).read_bytes().endswith(before)
        assert verify_folder(folder, key.verifier).ok


def tearing(cut: int) -> Callable[[Path, bytes], None]:
    def write_part(path: Path, data: bytes) -> None:
        append(path, data[:cut])
        raise Crash

    return write_part


def test_after_a_crash_at_any_step_of_its_founding_the_log_is_founded(
    folder: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = list(crashes(monkeypatch, lambda: AuditLog(folder, key)))
    assert len(points) > 5
    assert verify_folder(folder, key.verifier).ok


def test_an_unfinished_append_is_reported_as_such(
    new_log: NewLog, folder: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = new_log(3)
    with monkeypatch.context() as patch:
        patch.setattr("citybase.security.audit.log.append_durably", tearing(0))
        with pytest.raises(Crash):
            log.append([b"lost"])
    codes = {problem.code for problem in verify_folder(folder, key.verifier).problems}
    assert codes == {"unfinished", "stray"}

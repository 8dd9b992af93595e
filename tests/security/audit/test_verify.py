"""Verification finds every changed byte, names the place, and blames the right file."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybase.security.audit.checkpoint import CheckpointError
from citybase.security.audit.findings import Finding
from citybase.security.audit.keys import SigningKey
from citybase.security.audit.log import CHECKPOINT, HISTORY, PUBLIC_KEY, AuditLog
from citybase.security.audit.merkle import TreeHash
from citybase.security.audit.tiles import TileStore, pack_bundle
from citybase.security.audit.verify import Report, verify_folder
from tests.security.audit.conftest import ORIGIN, NewLog, leaves

KEY = SigningKey(ORIGIN, bytes(range(32)))
SIZES = (1, 5, 256, 300, 515)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with full and partial tiles on two levels and a history of six checkpoints."""
    folder = tmp_path_factory.mktemp("intact") / "audit"
    log = AuditLog(folder, KEY)
    for size in SIZES:
        log.append(leaves(log.size, size))
    return folder


@pytest.fixture
def copied(intact: Path, folder: Path) -> Path:
    return Path(shutil.copytree(intact, folder))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def check(folder: Path) -> Report:
    return verify_folder(folder, KEY.verifier)


def flip(path: Path, offset: int, mask: int = 1) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(bytes(data))


def only(report: Report) -> Finding:
    assert len(report.problems) == 1, report.problems
    return report.problems[0]


def test_an_intact_log_has_no_problems(intact: Path) -> None:
    report = check(intact)
    assert report.ok
    assert (report.size, report.checkpoints, report.hash, report.problems) == (515, 6, "sha256", [])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_of_any_file_is_found(intact: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(intact)))
    original = path.read_bytes()
    offset = data.draw(st.integers(0, len(original) - 1))
    try:
        flip(path, offset, data.draw(st.integers(1, 255)))
        report = check(intact)
    finally:
        path.write_bytes(original)
    assert not report.ok
    assert path.relative_to(intact).as_posix() in {problem.file for problem in report.problems}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_truncated_or_lengthened_file_is_found(intact: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(intact)))
    original = path.read_bytes()
    more = data.draw(st.binary(max_size=40))
    length = data.draw(st.integers(0, len(original) - (0 if more else 1)))
    changed = original[:length] + more
    if changed == original:
        return
    try:
        path.write_bytes(changed)
        assert not check(intact).ok
    finally:
        path.write_bytes(original)


def test_every_deleted_file_is_found(intact: Path) -> None:
    for path in files(intact):
        original = path.read_bytes()
        path.unlink()
        report = check(intact)
        path.write_bytes(original)
        assert ("missing", path.relative_to(intact).as_posix()) in {(each.code, each.file) for each in report.problems}


@pytest.mark.parametrize("name", ["note.txt", "tile/0/000.p/9", "tile/entries/003", "tile/1/000.p/1", "tile/7/000"])
def test_a_file_that_does_not_belong_is_found(copied: Path, name: str) -> None:
    (copied / name).parent.mkdir(parents=True, exist_ok=True)
    (copied / name).write_bytes(b"")
    assert (only(check(copied)).code, only(check(copied)).file) == ("stray", name)


@pytest.mark.parametrize(("index", "name"), [(7, "000"), (300, "001"), (514, "002.p/3")])
def test_a_changed_entry_is_named_with_its_byte(copied: Path, index: int, name: str) -> None:
    path = copied / "tile" / "entries" / name
    first = index - index % 256
    offset = len(pack_bundle(leaves(first, index)))
    flip(path, offset + 2)
    findings = {problem.code: problem for problem in check(copied).problems}
    assert set(findings) == {"entry", "root"}
    assert (findings["entry"].file, findings["entry"].offset, findings["entry"].index) == (
        f"tile/entries/{name}",
        offset,
        index,
    )
    assert str(index) in findings["entry"].what
    assert findings["root"].file == HISTORY


@pytest.mark.parametrize(
    ("name", "place", "index"),
    [("tile/0/000", 9, 9), ("tile/0/001", 255, 511), ("tile/0/002.p/3", 2, 514), ("tile/1/000.p/2", 1, 1)],
)
def test_a_damaged_tile_is_blamed_and_not_the_entries(copied: Path, name: str, place: int, index: int) -> None:
    flip(copied / name, place * 32 + 5)
    problem = only(check(copied))
    assert (problem.code, problem.file, problem.offset, problem.index) == ("tile_hash", name, place * 32, index)


@pytest.mark.parametrize("name", ["tile/0/001", "tile/entries/001", "tile/1/000.p/2"])
def test_a_truncated_file_does_not_hide_or_accuse_the_rest(copied: Path, name: str) -> None:
    (copied / name).write_bytes((copied / name).read_bytes()[:-7])
    assert (only(check(copied)).code, only(check(copied)).file) == ("malformed", name)


def test_an_entry_rewritten_together_with_its_tile_is_found(copied: Path) -> None:
    forge(copied, levels=1)
    assert {(each.code, each.file) for each in check(copied).problems} == {
        ("rewritten", "tile/0/000"),
        ("root", HISTORY),
    }


def test_a_whole_tree_rewritten_without_the_key_is_found_by_its_signed_roots(copied: Path) -> None:
    forge(copied, levels=2)
    problem = only(check(copied))
    assert (problem.code, problem.index) == ("root", 5)
    assert "5" in problem.what
    assert "255" in problem.what


def forge(folder: Path, levels: int) -> None:
    """Replace entry 9 and everything above it, as one who may write the folder but has no key."""
    store = TileStore(folder, TreeHash("sha256"))
    entries = leaves(0, 256)
    entries[9] = b"never happened"
    row = [store.tree.leaf(entry) for entry in entries]
    (folder / "tile/entries/000").write_bytes(pack_bundle(entries))
    (folder / "tile/0/000").write_bytes(b"".join(row))
    if levels == 2:
        above = (folder / "tile/1/000.p/2").read_bytes()
        (folder / "tile/1/000.p/2").write_bytes(store.tree.perfect(row) + above[32:])


def notes(folder: Path) -> list[bytes]:
    parts = (folder / HISTORY).read_bytes().split(f"{ORIGIN}\n".encode())
    return [f"{ORIGIN}\n".encode() + part for part in parts[1:]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda notes: notes[1:], "history_order"),
        (lambda notes: notes[:-1], "history_end"),
        (lambda notes: [*notes[:2], notes[3], notes[2], *notes[4:]], "history_order"),
        (lambda notes: [*notes, notes[-1]], "history_order"),
    ],
)
def test_a_rearranged_history_is_found(copied: Path, change: Callable[[list[bytes]], list[bytes]], code: str) -> None:
    (copied / HISTORY).write_bytes(b"".join(change(notes(copied))))
    assert only(check(copied)).code == code


def test_without_a_valid_checkpoint_the_rest_is_judged_by_the_history(copied: Path) -> None:
    (copied / CHECKPOINT).write_bytes(b"")
    report = check(copied)
    assert only(report).code == "checkpoint"
    assert report.size == 515


def test_a_log_signed_by_another_key_is_refused(copied: Path) -> None:
    report = verify_folder(copied, SigningKey(ORIGIN, bytes(32)).verifier)
    assert {problem.code for problem in report.problems} == {"key_differs", "checkpoint", "history_note"}
    assert report.size is None


def test_a_roll_back_is_found_with_a_checkpoint_kept_elsewhere(copied: Path, new_log: NewLog, tmp_path: Path) -> None:
    kept = (copied / CHECKPOINT).read_bytes()
    assert verify_folder(copied, KEY.verifier, known=notes(copied)).ok
    shutil.rmtree(copied)
    log = new_log(5)
    assert only(verify_folder(copied, KEY.verifier, known=[kept])).code == "rolled_back"
    log.append([b"another past"] * 510)
    assert check(copied).ok
    assert only(verify_folder(copied, KEY.verifier, known=[kept])).code == "root"
    with pytest.raises(CheckpointError):
        verify_folder(copied, KEY.verifier, known=[b"nonsense"])


def test_a_given_index_is_proved_from_the_tiles(copied: Path) -> None:
    assert verify_folder(copied, KEY.verifier, index=514).ok
    missing = only(verify_folder(copied, KEY.verifier, index=515))
    assert (missing.code, missing.index) == ("not_included", 515)
    flip(copied / "tile/0/000", 0)
    codes = [problem.code for problem in verify_folder(copied, KEY.verifier, index=1).problems]
    assert codes == ["tile_hash", "not_included"]


def test_the_folder_need_not_be_called_anything_or_be_complete(tmp_path: Path) -> None:
    (tmp_path / PUBLIC_KEY).write_text(KEY.verifier.text())
    codes = [(problem.code, problem.file) for problem in check(tmp_path).problems]
    assert codes == [("key_differs", PUBLIC_KEY), ("missing", CHECKPOINT), ("missing", HISTORY)]
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "absent")

"""The layout on disk: paths, bundles, and which files a tree of a given size has."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.security.audit.merkle import TreeHash
from citybase.security.audit.tiles import (
    ENTRIES,
    LogDamagedError,
    Tile,
    TileStore,
    pack_bundle,
    superseded_tiles,
    tiles_between,
    unpack_bundle,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 67, 3), "tile/0/067.p/3"),
        (Tile(2, 1234, 256), "tile/2/x001/234"),
        (Tile(ENTRIES, 1234067, 256), "tile/entries/x001/x234/067"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
    ],
)
def test_tiles_lie_where_the_specification_says(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_between(0, 70_000))
    by_level = {level: [tile for tile in tiles if tile.level == level] for level in (ENTRIES, 0, 1, 2)}
    assert [len(by_level[level]) for level in (ENTRIES, 0, 1, 2)] == [274, 274, 2, 1]
    assert by_level[0][-1] == Tile(0, 273, 112)
    assert by_level[1] == [Tile(1, 0, 256), Tile(1, 1, 17)]
    assert by_level[2] == [Tile(2, 0, 1)]
    assert len(tiles) == 274 * 2 + 3


def test_a_tree_of_256_ends_with_a_full_tile() -> None:
    assert set(tiles_between(0, 256)) == {Tile(ENTRIES, 0, 256), Tile(0, 0, 256), Tile(1, 0, 1)}


@given(st.integers(0, 200_000), st.integers(0, 70_000))
def test_growing_a_tree_adds_and_removes_exactly_the_difference(old: int, more: int) -> None:
    before, after = set(tiles_between(0, old)), set(tiles_between(0, old + more))
    assert set(tiles_between(old, old + more)) == after - before
    assert set(superseded_tiles(old, old + more)) == before - after


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_give_back_their_entries(entries: list[bytes]) -> None:
    assert unpack_bundle(pack_bundle(entries), len(entries)) == entries


def test_a_bundle_holds_entries_of_up_to_65535_bytes() -> None:
    assert unpack_bundle(pack_bundle([b"x" * 65_535]), 1) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="65536 bytes"):
        pack_bundle([b"x" * 65_536])


@pytest.mark.parametrize(
    ("data", "width", "words"),
    [
        (b"\x00\x01", 1, "ends inside entry 0 of 1, at byte 0"),
        (b"\x00\x01a\x00", 2, "ends inside entry 1 of 2, at byte 3"),
        (b"", 1, "ends inside entry 0"),
        (b"\x00\x01ab", 1, "1 bytes too many, from byte 3"),
    ],
)
def test_a_broken_bundle_is_refused_with_the_place(data: bytes, width: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unpack_bundle(data, width)


def test_a_reader_finds_the_wider_tile_that_replaced_a_partial_one(tmp_path: Path) -> None:
    store = TileStore(tmp_path, TreeHash("sha256"))
    entries = [str(index).encode() for index in range(256)]
    store.extend(0, entries[:3])
    store.extend(3, entries[3:9])
    store.remove(superseded_tiles(3, 9))
    assert store.entries(Tile(ENTRIES, 0, 3)) == entries[:3]
    store.extend(9, entries[9:])
    store.remove(superseded_tiles(9, 256))
    assert store.entries(Tile(ENTRIES, 0, 9)) == entries[:9]
    assert store.hashes(Tile(0, 0, 9)) == [store.tree.leaf(entry) for entry in entries[:9]]


def test_a_missing_or_short_tile_is_reported_as_damage(tmp_path: Path) -> None:
    store = TileStore(tmp_path, TreeHash("sha256"))
    with pytest.raises(LogDamagedError, match="missing"):
        store.hashes(Tile(0, 0, 2))
    store.extend(0, [b"a", b"b"])
    (tmp_path / "tile/0/000.p/2").write_bytes(b"short")
    (tmp_path / "tile/entries/000.p/2").write_bytes(b"\x00")
    with pytest.raises(LogDamagedError, match="5 bytes where 64 belong"):
        store.hashes(Tile(0, 0, 2))
    with pytest.raises(LogDamagedError, match="ends inside entry 0"):
        store.entries(Tile(ENTRIES, 0, 2))

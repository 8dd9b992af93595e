"""Recomputing a whole tree from its entries, and naming the file and byte that is wrong.

Every stored hash is checked against what is stored right below it, and every tile against the hash right above it. A
tile that fits upwards but not downwards accuses what is below; one that fits neither way is itself damaged.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from citybase.security.audit.findings import Finding, finding
from citybase.security.audit.merkle import CompactRange, TreeHash, tree_root
from citybase.security.audit.tiles import (
    ENTRIES,
    WIDTH,
    LogDamagedError,
    Tile,
    TileStore,
    tile_at,
    unpack_bundle,
)

__all__ = ["SignedRoot", "TreeCheck"]


class SignedRoot(NamedTuple):
    """A root that somebody signed, and where that is written."""

    size: int
    root: bytes
    file: str
    offset: int


class TreeCheck:
    """Checks the tree of `size` leaves under `folder`; memory grows with the number of tiles, not of entries."""

    def __init__(self, folder: Path, tree: TreeHash, size: int) -> None:
        self.findings: list[Finding] = []
        self._folder = folder
        self._tree = tree
        self._size = size
        self._wrong: dict[int, dict[int, list[int]]] = defaultdict(dict)

    def run(self, signed: Sequence[SignedRoot], root: bytes) -> None:
        """Compare all entries and tiles with each other, with every signed root and with the newest `root`."""
        below = self._check_leaves(sorted(signed, key=lambda each: each.size))
        level = 1
        while below:
            below = self._check_level(level, below)
            level += 1
        self._blame(self._tiles_have(root))

    def _check_leaves(self, signed: list[SignedRoot]) -> list[bytes | None]:
        """Level 0 against the entries, and the roots at all signed sizes; the roots of the full level 0 tiles."""
        above: list[bytes | None] = []
        roots = _RootCheck(self._tree, signed)
        for index in range(-(-self._size // WIDTH)):
            tile = tile_at(0, index, self._size)
            leaves = self._leaves(tile)
            stored = self._row(tile)
            self._compare(tile, leaves, stored)
            roots.extend(leaves or stored)
            if tile.width == WIDTH:
                above.append(self._root_of(stored or leaves))
        self.findings += roots.findings
        return above

    def _check_level(self, level: int, below: list[bytes | None]) -> list[bytes | None]:
        """One level against the roots of the full tiles below it; the roots of its own full tiles."""
        above: list[bytes | None] = []
        for start in range(0, len(below), WIDTH):
            computed = below[start : start + WIDTH]
            tile = Tile(level, start // WIDTH, len(computed))
            stored = self._row(tile)
            self._compare(tile, computed, stored)
            if tile.width == WIDTH:
                above.append(self._root_of(stored or computed))
        return above

    def _compare(self, tile: Tile, computed: Sequence[bytes | None] | None, stored: Sequence[bytes] | None) -> None:
        if computed is None or stored is None:
            return
        pairs = enumerate(zip(computed, stored, strict=True))
        wrong = [place for place, (below, here) in pairs if below not in (None, here)]
        if wrong:
            self._wrong[tile.level][tile.index] = wrong

    def _root_of(self, row: Sequence[bytes | None] | None) -> bytes | None:
        hashes = [each for each in row or () if each is not None]
        return self._tree.perfect(hashes) if len(hashes) == WIDTH else None

    def _leaves(self, tile: Tile) -> list[bytes] | None:
        bundle = Tile(ENTRIES, tile.index, tile.width)
        data = self._read(bundle)
        if data is None:
            return None
        try:
            return [self._tree.leaf(entry) for entry in unpack_bundle(data, tile.width)]
        except ValueError as error:
            self.findings.append(finding("malformed", bundle.path, offset=len(data), reason=str(error)))
            return None

    def _row(self, tile: Tile) -> list[bytes] | None:
        data = self._read(tile)
        if data is None:
            return None
        wanted = tile.width * TreeHash.size
        if len(data) != wanted:
            reason = f"{len(data)} bytes where {wanted} belong"
            self.findings.append(finding("malformed", tile.path, offset=min(len(data), wanted), reason=reason))
            return None
        return [data[i : i + TreeHash.size] for i in range(0, wanted, TreeHash.size)]

    def _read(self, tile: Tile) -> bytes | None:
        """The bytes of a tile; None when it is missing, which the check of names reports."""
        try:
            return (self._folder / tile.path).read_bytes()
        except OSError:
            return None

    def _tiles_have(self, root: bytes) -> bool:
        node = TileStore(self._folder, self._tree).node_reader(self._size)
        try:
            return tree_root(self._tree, self._size, node) == root
        except LogDamagedError:
            return False

    def _blame(self, edge_fits: bool) -> None:
        for level, tiles in self._wrong.items():
            for index, places in tiles.items():
                tile = tile_at(level, index, self._size)
                self.findings += self._accuse(tile, places, self._fits_above(tile, edge_fits))

    def _fits_above(self, tile: Tile, edge_fits: bool) -> bool:
        if tile.width < WIDTH:
            return edge_fits
        parent, place = divmod(tile.index, WIDTH)
        return place not in self._wrong.get(tile.level + 1, {}).get(parent, ())

    def _accuse(self, tile: Tile, places: list[int], fits_above: bool) -> Iterator[Finding]:
        for place in places:
            index = tile.index * WIDTH + place
            if not fits_above:
                yield finding("tile_hash", tile.path, offset=place * TreeHash.size, index=index)
            elif tile.level == 0:
                yield self._accuse_entry(tile, place)
            elif index not in self._wrong.get(tile.level - 1, {}):
                yield finding("rewritten", tile_at(tile.level - 1, index, self._size).path)

    def _accuse_entry(self, tile: Tile, place: int) -> Finding:
        bundle = Tile(ENTRIES, tile.index, tile.width)
        entries = unpack_bundle((self._folder / bundle.path).read_bytes(), bundle.width)
        offset = sum(2 + len(entry) for entry in entries[:place])
        return finding("entry", bundle.path, offset=offset, index=tile.index * WIDTH + place)


class _RootCheck:
    """Compares the growing tree with each signed root as its size is reached; the first that differs is a finding."""

    def __init__(self, tree: TreeHash, signed: list[SignedRoot]) -> None:
        self.findings: list[Finding] = []
        self._range: CompactRange | None = CompactRange(tree)
        self._signed = iter(signed)
        self._good = 0
        self._next = next(self._signed, None)
        self._settle()

    def extend(self, leaves: Sequence[bytes] | None) -> None:
        """Go on with more leaves; None (they are lost) ends the comparison."""
        if leaves is None:
            self._range = None
        while leaves and self._range and self._next:
            room = self._next.size - self._range.size
            self._range.extend(leaves[:room])
            leaves = leaves[room:]
            self._settle()

    def _settle(self) -> None:
        while self._range and self._next and self._next.size == self._range.size:
            signed = self._next
            if self._range.root() != signed.root:
                last = signed.size - 1
                self.findings.append(
                    finding(
                        "root",
                        signed.file,
                        offset=signed.offset,
                        index=self._good,
                        first=self._good,
                        last=last,
                    )
                )
                self._range = None
            self._good = signed.size
            self._next = next(self._signed, None)

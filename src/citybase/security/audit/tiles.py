"""The tree on disk: C2SP tlog-tiles (c2sp.org/tlog-tiles), static files that any tlog client can read.

`tile/<L>/<N>` holds up to 256 consecutive hashes of height `8 * L`; `tile/entries/<N>` the entries under a level 0
tile, each after its length (uint16, big endian). A tile at the right edge is partial (`<N>.p/<width>`) and is removed
once a wider one is published. Files of a published size are never overwritten.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citybase.security.audit.files import replace_durably, sync_folders
from citybase.security.audit.merkle import NodeReader, TreeHash

__all__ = [
    "ENTRIES",
    "HEIGHT",
    "MAX_ENTRY",
    "STAGING",
    "WIDTH",
    "LogDamagedError",
    "Tile",
    "TileStore",
    "pack_bundle",
    "superseded_tiles",
    "tile_at",
    "tiles_between",
    "unpack_bundle",
]

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_ENTRY = 65_535
"""Bytes of the longest entry that a bundle's length prefix can hold."""

ENTRIES = -1
"""The level of entry bundles: they lie under the level 0 tiles."""

STAGING = "incoming"
"""Where the one writer prepares the next file."""

# A reader may lose a race against a writer that replaces a partial tile by a wider one; each loss means progress.
_READ_ATTEMPTS = 5


class LogDamagedError(Exception):
    """The folder does not hold what a log must hold: run `citybase audit verify`."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of the tree: `width` consecutive hashes (or entries) from `index * 256` on at `level`."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Relative path, e.g. `tile/0/x001/x234/067` or `tile/entries/000.p/5`."""
        kind = "entries" if self.level == ENTRIES else str(self.level)
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        return f"tile/{kind}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """Every tile of the tree of `new` leaves that its tree of `old` leaves did not have, lowest level first."""
    for level in (ENTRIES, *range(new.bit_length() // HEIGHT + 1)):
        yield from _level_between(level, _count(level, old), _count(level, new))


def _level_between(level: int, old: int, new: int) -> Iterator[Tile]:
    """The tiles of one level whose hashes grow from `old` to `new`."""
    if old == new:
        return
    for index in range(old // WIDTH, new // WIDTH):
        yield Tile(level, index, WIDTH)
    if new % WIDTH:
        yield Tile(level, new // WIDTH, new % WIDTH)


def superseded_tiles(old: int, new: int) -> list[Tile]:
    """The partial tiles of the tree of `old` leaves that wider ones replace in its tree of `new` leaves."""
    needed = set(_partial_tiles(new))
    return [tile for tile in _partial_tiles(old) if tile not in needed]


def _partial_tiles(size: int) -> Iterator[Tile]:
    for level in (ENTRIES, *range(size.bit_length() // HEIGHT + 1)):
        count = _count(level, size)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)


def _count(level: int, size: int) -> int:
    """How many hashes (or entries) a tree of `size` leaves has at a level."""
    return size >> (HEIGHT * max(level, 0))


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as wide as it is in the tree of `size` leaves."""
    return Tile(level, index, min(WIDTH, _count(level, size) - index * WIDTH))


def pack_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as an entry bundle; ValueError when one is longer than `MAX_ENTRY`."""
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes: at most {MAX_ENTRY} can be logged")
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unpack_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle; ValueError names the byte where it stops making sense."""
    entries: list[bytes] = []
    offset = 0
    while len(entries) < width:
        start = offset + 2
        end = start + int.from_bytes(data[offset:start], "big")
        if start > len(data) or end > len(data):
            raise ValueError(f"ends inside entry {len(entries)} of {width}, at byte {offset}")
        entries.append(data[start:end])
        offset = end
    if offset != len(data):
        raise ValueError(f"{len(data) - offset} bytes too many, from byte {offset}")
    return entries


class TileStore:
    """The tiles and entry bundles below one folder."""

    def __init__(self, folder: Path, tree: TreeHash) -> None:
        self.folder = folder
        self.tree = tree

    def hashes(self, tile: Tile) -> list[bytes]:
        """The hashes of a tile; LogDamagedError when it is missing or has another length."""
        data, width = self._read(tile)
        if len(data) != width * TreeHash.size:
            raise LogDamagedError(tile.path, f"{len(data)} bytes where {width * TreeHash.size} belong")
        return [data[i : i + TreeHash.size] for i in range(0, tile.width * TreeHash.size, TreeHash.size)]

    def entries(self, tile: Tile) -> list[bytes]:
        """The entries of a bundle; LogDamagedError when it is missing or malformed."""
        data, width = self._read(tile)
        try:
            return unpack_bundle(data, width)[: tile.width]
        except ValueError as error:
            raise LogDamagedError(tile.path, str(error)) from error

    def node_reader(self, size: int) -> NodeReader:
        """The perfect subtrees of the tree of `size` leaves; each tile is read once."""
        rows: dict[Tile, list[bytes]] = {}

        def node(height: int, index: int) -> bytes:
            level, rise = divmod(height, HEIGHT)
            first = index << rise
            tile = tile_at(level, first // WIDTH, size)
            if tile not in rows:
                rows[tile] = self.hashes(tile)
            start = first % WIDTH
            return self.tree.perfect(rows[tile][start : start + (1 << rise)])

        return node

    def extend(self, size: int, entries: Sequence[bytes]) -> None:
        """Write the tiles that `entries` add to the tree of `size` leaves; durable on return, removes nothing."""
        for tile, bundle in _fill(ENTRIES, size, self._edge(ENTRIES, size), entries):
            self._write(tile, pack_bundle(bundle))
        level, added = 0, [self.tree.leaf(entry) for entry in entries]
        while added:
            above: list[bytes] = []
            for tile, row in _fill(level, _count(level, size), self._edge(level, size), added):
                self._write(tile, b"".join(row))
                if tile.width == WIDTH:
                    above.append(self.tree.perfect(row))
            level, added = level + 1, above
        new_tiles = tiles_between(size, size + len(entries))
        sync_folders({(self.folder / tile.path).parent for tile in new_tiles}, self.folder)

    def remove(self, tiles: Iterable[Tile]) -> None:
        """Delete tiles that no published tree needs; those already gone are passed over."""
        for tile in tiles:
            path = self.folder / tile.path
            path.unlink(missing_ok=True)
            if tile.width < WIDTH and path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()

    def _edge(self, level: int, size: int) -> list[bytes]:
        """What the partial tile of a level holds; empty where the level ends with a full tile."""
        count = _count(level, size)
        if count % WIDTH == 0:
            return []
        tile = Tile(level, count // WIDTH, count % WIDTH)
        return self.entries(tile) if level == ENTRIES else self.hashes(tile)

    def _write(self, tile: Tile, data: bytes) -> None:
        replace_durably(self.folder / tile.path, data, self.folder / STAGING)

    def _read(self, tile: Tile) -> tuple[bytes, int]:
        """The bytes of a tile, and how wide they really are: at least as wide as asked for."""
        for _ in range(_READ_ATTEMPTS):
            width = tile.width if (self.folder / tile.path).exists() else self._wider(tile)
            try:
                return (self.folder / Tile(tile.level, tile.index, width).path).read_bytes(), width
            except FileNotFoundError:
                continue
        raise LogDamagedError(tile.path, "missing")

    def _wider(self, tile: Tile) -> int:
        """The width of the tile that has replaced a partial one: full, or a wider partial."""
        partials = (self.folder / tile.path).parent
        if tile.width == WIDTH:
            return WIDTH
        widths = [int(path.name) for path in partials.glob("*") if path.name.isdecimal()]
        return max([width for width in widths if width > tile.width], default=WIDTH)


def _fill(level: int, first: int, edge: list[bytes], added: Sequence[bytes]) -> Iterator[tuple[Tile, list[bytes]]]:
    """Tiles with their contents, when `added` follow the `edge` of a level that holds `first` hashes."""
    row = [*edge, *added]
    for start in range(0, len(row), WIDTH):
        chunk = row[start : start + WIDTH]
        yield Tile(level, (first + start) // WIDTH, len(chunk)), chunk

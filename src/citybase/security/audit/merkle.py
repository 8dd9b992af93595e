"""Merkle tree hashing, proofs and their verification after RFC 9162 §2.1, with SHA-256 or SM3 (GB/T 32905).

The tree over `D[0:n]` is never held in memory: every function asks a `NodeReader` for the few perfect subtrees that it
needs, or keeps a `CompactRange` of at most 64 hashes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, get_args

from cryptography.hazmat.primitives import hashes

__all__ = [
    "CompactRange",
    "HashName",
    "NodeReader",
    "TreeHash",
    "consistency_proof",
    "inclusion_proof",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]

HashName = Literal["sha256", "sm3"]

NodeReader = Callable[[int, int], bytes]
"""`(height, index)` -> the hash of the perfect subtree over leaves `[index << height, (index + 1) << height)`."""


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sm3(data: bytes) -> bytes:
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


_DIGESTS: dict[HashName, Callable[[bytes], bytes]] = {"sha256": _sha256, "sm3": _sm3}


class TreeHash:
    """The three hashes of RFC 9162 §2.1.1: empty tree, leaf (prefix 0x00) and node (prefix 0x01), each 32 bytes."""

    size = 32

    def __init__(self, name: str) -> None:
        known = [choice for choice in get_args(HashName) if choice == name]
        if not known:
            raise ValueError(f"unknown tree hash {name!r}: use one of {', '.join(get_args(HashName))}")
        self.name: HashName = known[0]
        self._digest = _DIGESTS[self.name]

    def empty(self) -> bytes:
        return self._digest(b"")

    def leaf(self, entry: bytes) -> bytes:
        return self._digest(b"\x00" + entry)

    def node(self, left: bytes, right: bytes) -> bytes:
        return self._digest(b"\x01" + left + right)

    def perfect(self, row: Sequence[bytes]) -> bytes:
        """The root over a row of sibling hashes whose number is a power of two."""
        while len(row) > 1:
            row = [self.node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        return row[0]


class CompactRange:
    """The perfect subtrees that make up a growing tree: knows the root at every size."""

    def __init__(self, tree: TreeHash) -> None:
        self.size = 0
        self._tree = tree
        self._peaks: list[bytes] = []

    def append(self, leaf_hash: bytes) -> None:
        height_bits = self.size
        while height_bits & 1:
            leaf_hash = self._tree.node(self._peaks.pop(), leaf_hash)
            height_bits >>= 1
        self._peaks.append(leaf_hash)
        self.size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves appended so far."""
        if not self._peaks:
            return self._tree.empty()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = self._tree.node(peak, root)
        return root


def tree_root(tree: TreeHash, size: int, node: NodeReader) -> bytes:
    """MTH(D[0:size]) from the perfect subtrees of the tree."""
    return _range_root(tree, 0, size, node) if size else tree.empty()


def inclusion_proof(tree: TreeHash, index: int, size: int, node: NodeReader) -> list[bytes]:
    """PATH(index, D[0:size]) of RFC 9162 §2.1.3.1, leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(tree, middle, end, node))
            end = middle
        else:
            path.append(_range_root(tree, start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(tree: TreeHash, old: int, new: int, node: NodeReader) -> list[bytes]:
    """PROOF(old, D[0:new]) of RFC 9162 §2.1.4.1; empty when nothing needs proving (`old` is 0 or equals `new`)."""
    if not 0 <= old <= new:
        raise ValueError(f"no consistency between sizes {old} and {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(tree, middle, end, node))
            end = middle
        else:
            path.append(_range_root(tree, start, middle, node))
            start = middle
    if start:
        path.append(_range_root(tree, start, end, node))
    return path[::-1]


def verify_inclusion(
    tree: TreeHash, index: int, size: int, *, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows `leaf_hash` at `index` in the tree of `size` with `root` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = tree.node(sibling, found)
            place, last = _up_to_left_turn(place, last)
        else:
            found = tree.node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    tree: TreeHash, old: int, new: int, *, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the tree of `new` leaves only appends to the tree of `old` (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == tree.empty()
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return len(path) > 0 and _climb_both(tree, old, new, path) == (old_root, new_root)


def _climb_both(tree: TreeHash, old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The old and the new root that a consistency path leads to; None when its length cannot be right."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old_found, new_found = tree.node(sibling, old_found), tree.node(sibling, new_found)
            place, last = _up_to_left_turn(place, last)
        else:
            new_found = tree.node(new_found, sibling)
        place, last = place >> 1, last >> 1
    return (old_found, new_found) if last == 0 else None


def _up_to_left_turn(place: int, last: int) -> tuple[int, int]:
    """Skip the levels where the right edge of the tree has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 9162 §2.1.1: k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_root(tree: TreeHash, start: int, end: int, node: NodeReader) -> bytes:
    """MTH(D[start:end]) where `start` is a multiple of the largest power of two not above `end - start`."""
    peaks = list(_peaks(start, end))
    root = node(*peaks[-1])
    for height, index in reversed(peaks[:-1]):
        root = tree.node(node(height, index), root)
    return root


def _peaks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees, as (height, index), that cover `[start, end)` from left to right."""
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height

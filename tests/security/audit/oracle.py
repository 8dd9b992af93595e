"""RFC 9162 §2.1 transcribed literally over lists of leaves: slow, obviously right, shares nothing with the product."""

import hashlib


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data).digest()


def mth(name: str, leaves: list[bytes]) -> bytes:
    if not leaves:
        return digest(name, b"")
    if len(leaves) == 1:
        return digest(name, b"\x00" + leaves[0])
    k = _k(len(leaves))
    return digest(name, b"\x01" + mth(name, leaves[:k]) + mth(name, leaves[k:]))


def path(name: str, m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = _k(len(leaves))
    if m < k:
        return [*path(name, m, leaves[:k]), mth(name, leaves[k:])]
    return [*path(name, m - k, leaves[k:]), mth(name, leaves[:k])]


def proof(name: str, m: int, leaves: list[bytes]) -> list[bytes]:
    return _subproof(name, m, leaves, True)


def _subproof(name: str, m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(name, leaves)]
    k = _k(len(leaves))
    if m <= k:
        return [*_subproof(name, m, leaves[:k], whole), mth(name, leaves[k:])]
    return [*_subproof(name, m - k, leaves[k:], False), mth(name, leaves[:k])]


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k

"""Tree hashing and proofs against published values and a literal transcription of the RFC."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybase.security.audit.merkle import (
    CompactRange,
    HashName,
    NodeReader,
    TreeHash,
    consistency_proof,
    inclusion_proof,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.security.audit import oracle

NAMES: list[HashName] = ["sha256", "sm3"]
LEAVES = [index.to_bytes(2, "big") for index in range(301)]

# The eight leaves and roots that Certificate Transparency implementations test with.
KNOWN_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def reader(tree: TreeHash, leaves: list[bytes]) -> NodeReader:
    hashes = [tree.leaf(leaf) for leaf in leaves]
    return lambda height, index: tree.perfect(hashes[index << height : (index + 1) << height])


def grown(tree: TreeHash, leaves: list[bytes]) -> bytes:
    growing = CompactRange(tree)
    growing.extend(tree.leaf(leaf) for leaf in leaves)
    return growing.root()


@pytest.mark.parametrize("size", range(9))
def test_the_known_trees_have_their_known_roots(size: int) -> None:
    assert grown(TreeHash("sha256"), KNOWN_LEAVES[:size]).hex() == KNOWN_ROOTS[size]


def test_sm3_gives_the_digest_of_its_standard() -> None:
    # GB/T 32905 annex A example 1 is SM3("abc"); a leaf is prefixed, so the empty tree is compared as well.
    assert TreeHash("sm3").empty() == oracle.digest("sm3", b"")
    assert oracle.digest("sm3", b"abc").hex().startswith("66c7f0f462eeedd9")
    assert TreeHash("sm3").leaf(b"abc") == oracle.digest("sm3", b"\x00abc")


def test_an_unknown_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="md5"):
        TreeHash("md5")


@pytest.mark.parametrize("name", NAMES)
def test_roots_of_all_sizes_to_300_agree_with_the_rfc(name: HashName) -> None:
    tree = TreeHash(name)
    growing = CompactRange(tree)
    for size in range(301):
        expected = oracle.mth(name, LEAVES[:size])
        assert growing.root() == expected
        assert tree_root(tree, size, reader(tree, LEAVES[:size])) == expected
        growing.append(tree.leaf(LEAVES[size]))


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_inclusion_proofs_agree_with_the_rfc_and_verify(name: HashName, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    tree = TreeHash(name)
    proof = inclusion_proof(tree, index, size, reader(tree, LEAVES[:size]))
    assert proof == oracle.path(name, index, LEAVES[:size])
    leaf, root = tree.leaf(LEAVES[index]), oracle.mth(name, LEAVES[:size])
    assert verify_inclusion(tree, index, size, leaf_hash=leaf, proof=proof, root=root)


@given(st.data())
def test_an_inclusion_proof_shows_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1).filter(lambda n: n != index))
    tree = TreeHash("sha256")
    proof, root = oracle.path("sha256", index, LEAVES[:size]), oracle.mth("sha256", LEAVES[:size])
    leaf = tree.leaf(LEAVES[index])
    place = data.draw(st.integers(0, len(proof) - 1))
    forged = [*proof[:place], bytes(32), *proof[place + 1 :]]
    assert not verify_inclusion(tree, other, size, leaf_hash=leaf, proof=proof, root=root)
    assert not verify_inclusion(tree, index, size, leaf_hash=tree.leaf(b"forged"), proof=proof, root=root)
    assert not verify_inclusion(tree, index, size, leaf_hash=leaf, proof=forged, root=root)
    assert not verify_inclusion(tree, index, size, leaf_hash=leaf, proof=proof[:-1], root=root)
    assert not verify_inclusion(tree, index, size, leaf_hash=leaf, proof=[*proof, bytes(32)], root=root)


@pytest.mark.parametrize("name", NAMES)
@given(st.data())
def test_consistency_proofs_agree_with_the_rfc_and_verify(name: HashName, data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    tree = TreeHash(name)
    proof = consistency_proof(tree, old, new, reader(tree, LEAVES[:new]))
    assert proof == oracle.proof(name, old, LEAVES[:new])
    old_root, new_root = oracle.mth(name, LEAVES[:old]), oracle.mth(name, LEAVES[:new])
    assert verify_consistency(tree, old, new, old_root=old_root, new_root=new_root, proof=proof)


@given(st.data())
def test_a_consistency_proof_shows_no_rewritten_tree(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    tree = TreeHash("sha256")
    proof = oracle.proof("sha256", old, LEAVES[:new])
    old_root, new_root = oracle.mth("sha256", LEAVES[:old]), oracle.mth("sha256", LEAVES[:new])
    fork = oracle.mth("sha256", [*LEAVES[: old - 1], b"forged"])
    place = data.draw(st.integers(0, len(proof) - 1))
    forged = [*proof[:place], bytes(32), *proof[place + 1 :]]
    assert not verify_consistency(tree, old, new, old_root=fork, new_root=new_root, proof=proof)
    assert not verify_consistency(tree, old, new, old_root=old_root, new_root=fork, proof=proof)
    assert not verify_consistency(tree, old, new, old_root=old_root, new_root=new_root, proof=forged)
    assert not verify_consistency(tree, old, new, old_root=old_root, new_root=new_root, proof=proof[:-1])
    assert not verify_consistency(tree, new, old, old_root=new_root, new_root=old_root, proof=proof)


def test_every_tree_is_consistent_with_the_empty_tree_and_with_itself() -> None:
    tree = TreeHash("sha256")
    root, empty = oracle.mth("sha256", LEAVES[:7]), tree.empty()
    assert consistency_proof(tree, 0, 7, reader(tree, LEAVES)) == []
    assert consistency_proof(tree, 7, 7, reader(tree, LEAVES)) == []
    assert verify_consistency(tree, 0, 7, old_root=empty, new_root=root, proof=[])
    assert verify_consistency(tree, 7, 7, old_root=root, new_root=root, proof=[])
    assert not verify_consistency(tree, 0, 7, old_root=root, new_root=root, proof=[])
    assert not verify_consistency(tree, 7, 7, old_root=root, new_root=empty, proof=[])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_inclusion_is_proved_outside_the_tree(index: int, size: int) -> None:
    tree = TreeHash("sha256")
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(tree, index, size, reader(tree, LEAVES))


@pytest.mark.parametrize(("old", "new"), [(6, 5), (-1, 5)])
def test_no_consistency_is_proved_backwards(old: int, new: int) -> None:
    tree = TreeHash("sha256")
    with pytest.raises(ValueError, match="no consistency"):
        consistency_proof(tree, old, new, reader(tree, LEAVES))

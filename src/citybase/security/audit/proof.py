"""A proof that one entry is in the log, checkable by anybody offline: C2SP tlog-proof (c2sp.org/tlog-proof)."""

import base64
from dataclasses import dataclass

from citybase.security.audit.checkpoint import open_note
from citybase.security.audit.keys import VerifierKey
from citybase.security.audit.merkle import TreeHash, verify_inclusion

__all__ = ["InclusionProof"]

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The sibling hashes from a leaf up to the root of a signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note, verbatim."""

    def text(self) -> str:
        """The proof in the `.tlog-proof` format."""
        hashes = [base64.b64encode(sibling).decode() for sibling in self.path]
        return "\n".join([_HEADER, f"index {self.index}", *hashes, "", self.checkpoint.decode()])

    @classmethod
    def parse(cls, text: str) -> "InclusionProof":
        """The proof of such a text; ValueError when it is none."""
        head, separator, note = text.partition("\n\n")
        header, _, rest = head.partition("\n")
        index, *hashes = rest.split("\n")
        if header != _HEADER or not separator or not index.startswith("index "):
            raise ValueError("not a tlog-proof")
        path = tuple(base64.b64decode(sibling, validate=True) for sibling in hashes)
        return cls(int(index.removeprefix("index ")), path, note.encode())

    def shows(self, entry: bytes, key: VerifierKey) -> bool:
        """Whether `entry` is at `index` under the checkpoint. CheckpointError when `key` did not sign that."""
        checkpoint = open_note(self.checkpoint, key)
        tree = TreeHash(checkpoint.hash_name)
        return verify_inclusion(
            tree,
            self.index,
            checkpoint.size,
            leaf_hash=tree.leaf(entry),
            proof=self.path,
            root=checkpoint.root,
        )

"""Ed25519 keys that sign notes: C2SP signed-note (c2sp.org/signed-note), written as Go's `note` writes them.

The private key file (mode 0600) is kept apart from the log folder, so that a copy of the log can be handed to an
auditor. Whoever verifies should hold the verifier string from another hand than the one that keeps the log.
"""

import base64
import hashlib
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["KeyFormatError", "SigningKey", "VerifierKey", "create_key", "load_key"]

_ED25519 = b"\x01"
_SIGNATURE_BYTES = 64
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_MAX_NAME = 200


class KeyFormatError(ValueError):
    """A key string that is not what `VerifierKey.text` or `SigningKey.text` writes."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under its name: checks one signature line of a note."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name, newline, type, key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def text(self) -> str:
        """The verifier string `name+hash+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key of a verifier string; KeyFormatError unless it is written exactly so."""
        name, material = _parse_key(text)
        key = cls(name, material)
        if key.text() != text:
            raise KeyFormatError("the key does not match its own check value")
        return key

    def accepts(self, body: bytes, signature_line: str) -> bool:
        """Whether a note's signature line (without newline) is this key's signature over `body`."""
        head = f"— {self.name} "
        if not signature_line.startswith(head):
            return False
        encoded = signature_line[len(head) :]
        try:
            blob = base64.b64decode(encoded, validate=True)
            # Base64 has spare bits: only the one canonical spelling counts, so that every byte is checked.
            if base64.b64encode(blob).decode() != encoded or blob[:4] != self.key_id:
                return False
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob[4:], body)
        except (ValueError, InvalidSignature):
            return False
        return len(blob) == 4 + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key under its name; the name is the log's origin."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> VerifierKey:
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw())

    def sign(self, body: bytes) -> str:
        """The signature line (without newline) of a note with this body."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(body)
        return f"— {self.name} {base64.b64encode(self.verifier.key_id + signature).decode()}"

    def text(self) -> str:
        """The signer string `PRIVATE+KEY+name+hash+base64`."""
        material = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """The key of a signer string; KeyFormatError unless it is written exactly so."""
        name, material = _parse_key(text.removeprefix(_PRIVATE_PREFIX))
        key = cls(name, material)
        if key.text() != text:
            raise KeyFormatError("the key does not match its own check value")
        return key


def create_key(path: Path, name: str) -> SigningKey:
    """Make a key and store it at `path`, readable by its owner only. FileExistsError when a key is there."""
    _check_name(name)
    key = SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw())
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key.text() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def load_key(path: Path) -> SigningKey:
    """The key stored at `path`."""
    return SigningKey.parse(path.read_text(encoding="utf-8").removesuffix("\n"))


def _parse_key(text: str) -> tuple[str, bytes]:
    name, _, rest = text.partition("+")
    _, _, encoded = rest.partition("+")
    _check_name(name)
    try:
        material = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise KeyFormatError("the key is not base64") from error
    if len(material) != 33 or not material.startswith(_ED25519):
        raise KeyFormatError("not an Ed25519 key")
    return name, material[1:]


def _check_name(name: str) -> None:
    bad = any(sign == "+" or sign.isspace() or unicodedata.category(sign) == "Cc" for sign in name)
    if bad or not 0 < len(name) <= _MAX_NAME:
        raise KeyFormatError(f"a key name has 1 to {_MAX_NAME} characters, none of them '+' or space: {name!r}")

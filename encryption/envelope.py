"""Authenticated encryption with derived keys: AES-256-GCM and HKDF-SHA256, the only place that calls them. Pure.

Every ciphertext is bound to its place by additional data, so it opens nowhere else. The layout is nonce, then
ciphertext with its tag.
"""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class DecryptionFailed(Exception):
    """A ciphertext does not open: it was moved, altered or encrypted under another key."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            detail or "A sealed value does not open here: it was moved, altered or sealed under another key."
        )


def new_key() -> bytes:
    """Return a random key of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derive_key(master: bytes, *, info: bytes) -> bytes:
    """Return the key of 32 bytes that belongs to ``info``. Keys of different ``info`` tell nothing of each other."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)


def encrypt(key: bytes, plain: bytes, *, context: bytes) -> bytes:
    """Return ``plain`` encrypted under ``key`` with a random nonce and bound to ``context``."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def decrypt(key: bytes, data: bytes, *, context: bytes) -> bytes:
    """Return the plain bytes of ``data``, encrypted under ``key`` for ``context``. Raises ``DecryptionFailed``."""
    try:
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed from error


def context_of(*parts: UUID | str) -> bytes:
    """Return additional data that binds a ciphertext to ``parts``, in this order."""
    # Length prefixes keep ("a", "bc") apart from ("ab", "c").
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)

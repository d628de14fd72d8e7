"""Small secrets of a tenant at rest (webhook secrets): sealed with a key of the tenant's, derived from the master keys.

A sealed secret is bound to tenant, purpose and owner, so it opens nowhere else. It opens as long as the master key that
it was sealed with is in ``KEYRING``; new ones are sealed with the last.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES: Final = 12


class SecretDoesNotOpen(Exception):
    """A sealed secret does not open: it was moved or altered, or its master key is no longer in KEYRING."""


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    key_id: str
    nonce: bytes
    content: bytes


def seal(text: str, *, tenant_id: UUID, purpose: str, owner: UUID) -> bytes:
    """Return ``text`` sealed for the row ``owner`` of the tenant, to be used for ``purpose``."""
    key_id = next(reversed(settings.KEYRING))
    nonce = secrets.token_bytes(NONCE_BYTES)
    content = _cipher(key_id, tenant_id).encrypt(nonce, text.encode(), _context(tenant_id, purpose, owner))
    return msgspec.msgpack.encode(_Sealed(key_id, nonce, content))


def open_sealed(sealed: bytes, *, tenant_id: UUID, purpose: str, owner: UUID) -> str:
    """Return the text in ``sealed``. Raises ``SecretDoesNotOpen``."""
    try:
        found = msgspec.msgpack.decode(sealed, type=_Sealed)
        cipher = _cipher(found.key_id, tenant_id)
        return cipher.decrypt(found.nonce, found.content, _context(tenant_id, purpose, owner)).decode()
    except (msgspec.MsgspecError, InvalidTag, KeyError, ValueError) as error:
        raise SecretDoesNotOpen(SecretDoesNotOpen.__doc__) from error


def _cipher(key_id: str, tenant_id: UUID) -> AESGCM:
    # Another derivation than that of answers' keys: neither opens what the other sealed.
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"tenant secrets " + tenant_id.bytes)
    return AESGCM(derivation.derive(base64.b64decode(settings.KEYRING[key_id])))


def _context(tenant_id: UUID, purpose: str, owner: UUID) -> bytes:
    return b"\0".join((tenant_id.bytes.hex().encode(), purpose.encode(), owner.bytes.hex().encode()))

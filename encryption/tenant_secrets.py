"""Small secrets of a tenant in storage (webhook secrets), encrypted under a key that is derived for the tenant.

An encrypted secret is bound to tenant, purpose and owner, so it opens nowhere else. It opens as long as its master key
is in ``KEYRING``; new secrets use the newest master key.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from encryption.envelope import NONCE_BYTES, DecryptionFailed, decrypt, encrypt
from encryption.key_ring import KeyServiceUnavailable, local_keyring


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    key_id: str
    nonce: bytes
    content: bytes


def seal(text: str, *, tenant_id: UUID, purpose: str, owner: UUID) -> bytes:
    """Return ``text`` encrypted for the row ``owner`` of the tenant and for ``purpose``."""
    ring = local_keyring()
    key = ring.derive(ring.newest, info=_info(tenant_id))
    data = encrypt(key, text.encode(), context=_context(tenant_id, purpose, owner))
    return msgspec.msgpack.encode(_Sealed(ring.newest, data[:NONCE_BYTES], data[NONCE_BYTES:]))


def open_sealed(sealed: bytes, *, tenant_id: UUID, purpose: str, owner: UUID) -> str:
    """Return the text in ``sealed``. Raises ``DecryptionFailed``, also where its master key left ``KEYRING``."""
    try:
        stored = msgspec.msgpack.decode(sealed, type=_Sealed)
        key = local_keyring().derive(stored.key_id, info=_info(tenant_id))
        return decrypt(key, stored.nonce + stored.content, context=_context(tenant_id, purpose, owner)).decode()
    except (msgspec.MsgspecError, KeyServiceUnavailable, ValueError) as error:
        raise DecryptionFailed("A secret does not open: it was moved or altered, or its master key is gone.") from error


def _info(tenant_id: UUID) -> bytes:
    # Another derivation than that of data keys: neither key opens what the other encrypted.
    return b"tenant secrets " + tenant_id.bytes


def _context(tenant_id: UUID, purpose: str, owner: UUID) -> bytes:
    return b"\0".join((tenant_id.bytes.hex().encode(), purpose.encode(), owner.bytes.hex().encode()))

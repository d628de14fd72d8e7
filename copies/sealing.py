"""Encryption of sensitive answers: a random AES-256-GCM key per copy, wrapped by the tenant's key from a key service.

A ciphertext is bound to tenant, copy, path and key version by its additional data, so it opens nowhere else. Plaintext
leaves through ``Sealer.reveal`` alone.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections import OrderedDict
from functools import cache
from typing import Final, Protocol
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from copies.document import Answer, AnswerValue
from copies.wrapped_key import WrappedKey

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
#: How long and how many unwrapped copy keys stay in a process's memory.
CACHE_SECONDS: Final = 300.0
CACHE_SIZE: Final = 2_000


class UnsealingFailed(Exception):
    """A sealed answer does not open: it was moved, altered, or sealed under another key."""


class KeyServiceUnavailable(Exception):
    """The key service gives no key; sensitive answers can be neither written nor revealed until it does."""


class KeyService(Protocol):
    """Wraps and unwraps data keys with keys that it does not give away; a cloud key service fits behind it."""

    def wrap(self, data_key: bytes, *, tenant_id: UUID, copy_id: UUID) -> WrappedKey:
        """Wrap ``data_key`` under the tenant's current key."""

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, copy_id: UUID) -> bytes:
        """Return the data key. Raises ``UnsealingFailed`` or ``KeyServiceUnavailable``."""


class LocalKeyring:
    """Master keys from the environment; a tenant's key is derived from them (HKDF-SHA256).

    The last master key wraps new keys.
    """

    def __init__(self, keys: dict[str, str]) -> None:
        """Take ``keys``: id -> base64 of 32 random bytes, in the order of their age."""
        self._masters = {key_id: base64.b64decode(text) for key_id, text in keys.items()}
        self._current = next(reversed(self._masters))

    def wrap(self, data_key: bytes, *, tenant_id: UUID, copy_id: UUID) -> WrappedKey:
        """Wrap ``data_key`` under the tenant's key made from the newest master key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        context = _additional_data(tenant_id, copy_id, self._current)
        wrapped = nonce + self._tenant_key(self._current, tenant_id).encrypt(nonce, data_key, context)
        return WrappedKey(wrapped=wrapped, key_id=self._current)

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, copy_id: UUID) -> bytes:
        """Return the data key in ``key``; refuses one of another tenant or copy."""
        if key.key_id not in self._masters:
            raise KeyServiceUnavailable(
                f"Master key {key.key_id!r} is not in KEYRING: add it back to open what it wrapped."
            )
        context = _additional_data(tenant_id, copy_id, key.key_id)
        return _decrypt(self._tenant_key(key.key_id, tenant_id), key.wrapped, context)

    def _tenant_key(self, key_id: str, tenant_id: UUID) -> AESGCM:
        derivation = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"tenant " + tenant_id.bytes)
        return AESGCM(derivation.derive(self._masters[key_id]))


class Sealer:
    """Seals and reveals the sensitive answers of one copy.

    The data key is made at the first seal, unwrapped at the first need.
    """

    def __init__(
        self, *, tenant_id: UUID, copy_id: UUID, key: WrappedKey | None, service: KeyService | None = None
    ) -> None:
        """Take the copy's stored ``key``, None while it has no sensitive answer."""
        self._tenant_id = tenant_id
        self._copy_id = copy_id
        self.key = key
        self._service = service or key_service()

    def seal(self, path: str, value: AnswerValue) -> bytes:
        """Return the ciphertext of ``value`` for ``path``. Raises ``KeyServiceUnavailable``."""
        if self.key is None:
            data_key = secrets.token_bytes(KEY_BYTES)
            self.key = self._service.wrap(data_key, tenant_id=self._tenant_id, copy_id=self._copy_id)
            _data_keys.put((self._copy_id, self.key.wrapped), data_key)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, msgspec.json.encode(value), self._context(path))

    def reveal(self, path: str, answer: Answer) -> AnswerValue:
        """Return the plain value of ``answer`` at ``path``. Raises ``UnsealingFailed`` or ``KeyServiceUnavailable``.

        Callers keep the value inside one call: it goes to the rules, or to a person whose right, reason and audit row
        were checked.
        """
        if answer.sealed is None:
            return answer.value
        if self.key is None:
            raise UnsealingFailed("The copy has no key for its sealed answer.")
        value: AnswerValue = msgspec.json.decode(_decrypt(self._cipher(), answer.sealed, self._context(path)))
        return value

    def _cipher(self) -> AESGCM:
        assert self.key is not None  # noqa: S101 - both callers made sure
        cached = _data_keys.get((self._copy_id, self.key.wrapped))
        if cached is None:
            cached = self._service.unwrap(self.key, tenant_id=self._tenant_id, copy_id=self._copy_id)
            _data_keys.put((self._copy_id, self.key.wrapped), cached)
        return AESGCM(cached)

    def _context(self, path: str) -> bytes:
        version = self.key.version if self.key else 1
        return _additional_data(self._tenant_id, self._copy_id, path, str(version))


@cache
def key_service() -> KeyService:
    """Return the key service of this installation: the local keyring of ``settings.KEYRING``."""
    return LocalKeyring(settings.KEYRING)


class _KeyCache:
    """Data keys in memory for a short while, the longest unused first to go; never pickled, never logged."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[UUID, bytes], tuple[float, bytes]] = OrderedDict()
        self._mutex = threading.Lock()

    def get(self, name: tuple[UUID, bytes]) -> bytes | None:
        with self._mutex:
            entry = self._entries.get(name)
            if entry is None or entry[0] < time.monotonic():
                self._entries.pop(name, None)
                return None
            self._entries.move_to_end(name)
            return entry[1]

    def put(self, name: tuple[UUID, bytes], data_key: bytes) -> None:
        with self._mutex:
            self._entries[name] = (time.monotonic() + CACHE_SECONDS, data_key)
            while len(self._entries) > CACHE_SIZE:
                self._entries.popitem(last=False)


_data_keys = _KeyCache()


def _additional_data(*parts: UUID | str) -> bytes:
    # Length prefixes keep ("a", "bc") apart from ("ab", "c").
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _decrypt(cipher: AESGCM, data: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], context)
    except InvalidTag as error:
        raise UnsealingFailed(
            "A sealed value does not open here: it was moved, altered or sealed under another key."
        ) from error

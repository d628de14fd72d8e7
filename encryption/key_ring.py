"""The keys of the installation: master keys, the tenants' keys derived from them, and data keys wrapped by those.

Knows neither documents nor tenants' rows: an owner is an id.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from msgspec.structs import replace

from encryption.envelope import DecryptionFailed, context_of, decrypt, derive_key, encrypt, new_key
from encryption.wrapped_key import WrappedKey

#: How long and how many unwrapped data keys stay in a process's memory.
CACHE_SECONDS: Final = 300.0
CACHE_SIZE: Final = 2_000
#: Key services outside this process by the scheme of ``KEY_SERVICE``. Each needs packages of an optional extra.
CLOUD_SERVICES: Final[Mapping[str, str]] = {"aws-kms": "encryption.aws_kms.AwsKms"}


class KeyServiceUnavailable(Exception):
    """The key service returns no key; sensitive answers can be neither written nor revealed until it does."""


class KeyService(Protocol):
    """Wraps and unwraps data keys with keys that never leave it; a cloud key service fits behind it."""

    def wrap(self, data_key: bytes, *, tenant_id: UUID, owner_id: UUID) -> WrappedKey:
        """Wrap ``data_key`` under the tenant's current key."""

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, owner_id: UUID) -> bytes:
        """Return the data key. Raises ``DecryptionFailed`` or ``KeyServiceUnavailable``."""

    def opens(self, key_id: str) -> bool:
        """Return whether this service unwraps data keys that ``key_id`` wraps."""

    def present_key_id(self, *, tenant_id: UUID) -> str:
        """Return the id of the key that wraps now. Raises ``KeyServiceUnavailable``."""


class LocalKeyring:
    """Master keys from the environment, from which the tenants' keys are derived. The last one wraps new keys."""

    def __init__(self, keys: dict[str, str]) -> None:
        """Take ``keys``: id -> base64 of 32 random bytes, in the order of their age."""
        self._masters = {key_id: base64.b64decode(text) for key_id, text in keys.items()}
        self.newest = next(reversed(self._masters))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the ids of the master keys, the oldest first."""
        return tuple(self._masters)

    def wrap(self, data_key: bytes, *, tenant_id: UUID, owner_id: UUID) -> WrappedKey:
        """Wrap ``data_key`` under the tenant's key made from the newest master key."""
        context = context_of(tenant_id, owner_id, self.newest)
        wrapped = encrypt(self._wrapping_key(self.newest, tenant_id), data_key, context=context)
        return WrappedKey(wrapped=wrapped, key_id=self.newest)

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, owner_id: UUID) -> bytes:
        """Return the data key in ``key``.

        Raises ``KeyServiceUnavailable`` without its master key, ``DecryptionFailed`` for another tenant or owner.
        """
        context = context_of(tenant_id, owner_id, key.key_id)
        return decrypt(self._wrapping_key(key.key_id, tenant_id), key.wrapped, context=context)

    def opens(self, key_id: str) -> bool:
        """Return whether ``key_id`` is one of the master keys."""
        return key_id in self._masters

    def present_key_id(self, *, tenant_id: UUID) -> str:
        """Return the id of the newest master key."""
        return self.newest

    def derive(self, key_id: str, *, info: bytes) -> bytes:
        """Return the key for ``info`` made from master key ``key_id``. Raises ``KeyServiceUnavailable``."""
        if key_id not in self._masters:
            raise KeyServiceUnavailable(
                f"Master key {key_id!r} is not in KEYRING: add it back to open what it wrapped."
            )
        return derive_key(self._masters[key_id], info=info)

    def _wrapping_key(self, key_id: str, tenant_id: UUID) -> bytes:
        return self.derive(key_id, info=b"tenant " + tenant_id.bytes)


class KeyServices:
    """Several key services: the first wraps, and each unwraps what its own keys wrapped."""

    def __init__(self, *services: KeyService) -> None:
        self._services = services

    def wrap(self, data_key: bytes, *, tenant_id: UUID, owner_id: UUID) -> WrappedKey:
        """Wrap ``data_key`` with the first service."""
        return self._services[0].wrap(data_key, tenant_id=tenant_id, owner_id=owner_id)

    def unwrap(self, key: WrappedKey, *, tenant_id: UUID, owner_id: UUID) -> bytes:
        """Return the data key from the service that wrapped it.

        Raises ``DecryptionFailed``, or ``KeyServiceUnavailable``, also where no service knows the key.
        """
        for service in self._services:
            if service.opens(key.key_id):
                return service.unwrap(key, tenant_id=tenant_id, owner_id=owner_id)
        raise KeyServiceUnavailable(
            f"No key service knows the key {key.key_id!r}: add it back to KEYRING or KEY_SERVICE to open what it"
            " wrapped."
        )

    def opens(self, key_id: str) -> bool:
        """Return whether one of the services knows ``key_id``."""
        return any(service.opens(key_id) for service in self._services)

    def present_key_id(self, *, tenant_id: UUID) -> str:
        """Return the id of the key with which the first service wraps now."""
        return self._services[0].present_key_id(tenant_id=tenant_id)


class DataKeyCache:
    """Data keys in memory for a short while, the longest unused dropped first; never pickled, never logged."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[UUID, bytes], tuple[float, bytes]] = OrderedDict()
        self._mutex = threading.Lock()

    def get(self, name: tuple[UUID, bytes]) -> bytes | None:
        """Return the data key of an owner and its wrapped form, None where it is not in memory."""
        with self._mutex:
            entry = self._entries.get(name)
            if entry is None or entry[0] < time.monotonic():
                self._entries.pop(name, None)
                return None
            self._entries.move_to_end(name)
            return entry[1]

    def put(self, name: tuple[UUID, bytes], data_key: bytes) -> None:
        """Keep ``data_key`` for ``CACHE_SECONDS``."""
        with self._mutex:
            self._entries[name] = (time.monotonic() + CACHE_SECONDS, data_key)
            while len(self._entries) > CACHE_SIZE:
                self._entries.popitem(last=False)


class DataKey:
    """The data key of one owner: made at the first encryption, unwrapped at the first need."""

    def __init__(
        self, *, tenant_id: UUID, owner_id: UUID, stored: WrappedKey | None, service: KeyService | None = None
    ) -> None:
        """Take the owner's ``stored`` key, None while it has none."""
        self._tenant_id = tenant_id
        self._owner_id = owner_id
        self.stored = stored
        self._service = service or key_service()

    def encrypt(self, plain: bytes, *, place: str) -> bytes:
        """Return ``plain`` encrypted for ``place`` at the owner. Raises ``KeyServiceUnavailable``."""
        if self.stored is None:
            data_key = new_key()
            self.stored = self._service.wrap(data_key, tenant_id=self._tenant_id, owner_id=self._owner_id)
            _data_keys.put((self._owner_id, self.stored.wrapped), data_key)
        return encrypt(self._plain_key(self.stored), plain, context=self._context(place, self.stored))

    def decrypt(self, data: bytes, *, place: str) -> bytes:
        """Return the plain bytes of ``data``, encrypted for ``place`` at the owner under its key or an earlier one.

        Raises ``DecryptionFailed`` or ``KeyServiceUnavailable``.
        """
        if self.stored is None:
            raise DecryptionFailed("The key of this sealed value was erased, or never stored.")
        *newer, oldest = self.stored.all
        for key in newer:
            with suppress(DecryptionFailed):
                return decrypt(self._plain_key(key), data, context=self._context(place, key))
        return decrypt(self._plain_key(oldest), data, context=self._context(place, oldest))

    def renew(self) -> None:
        """Make a new data key for what is encrypted from now on; the present one becomes an earlier one.

        Raises ``KeyServiceUnavailable``.
        """
        if self.stored is None:
            return
        data_key, before = new_key(), self.stored
        wrapped = self._service.wrap(data_key, tenant_id=self._tenant_id, owner_id=self._owner_id)
        earlier = (replace(before, earlier=()), *before.earlier)
        self.stored = replace(wrapped, version=before.version + 1, earlier=earlier)
        _data_keys.put((self._owner_id, self.stored.wrapped), data_key)

    def rewrap(self) -> None:
        """Wrap the data keys anew, with the present key of the service; what they encrypted still opens.

        Raises ``DecryptionFailed`` or ``KeyServiceUnavailable``; then the stored key is as before.
        """
        if self.stored is None:
            return
        newest, *earlier = (self._wrapped_anew(key) for key in self.stored.all)
        self.stored = replace(newest, earlier=tuple(earlier))

    def _wrapped_anew(self, key: WrappedKey) -> WrappedKey:
        # Not from the cache: what the service itself cannot open must not be wrapped again as if it were sound.
        plain = self._service.unwrap(key, tenant_id=self._tenant_id, owner_id=self._owner_id)
        wrapped = self._service.wrap(plain, tenant_id=self._tenant_id, owner_id=self._owner_id)
        return replace(wrapped, version=key.version)

    def _plain_key(self, stored: WrappedKey) -> bytes:
        name = (self._owner_id, stored.wrapped)
        cached = _data_keys.get(name)
        if cached is None:
            cached = self._service.unwrap(stored, tenant_id=self._tenant_id, owner_id=self._owner_id)
            _data_keys.put(name, cached)
        return cached

    def _context(self, place: str, stored: WrappedKey) -> bytes:
        return context_of(self._tenant_id, self._owner_id, place, str(stored.version))


_data_keys = DataKeyCache()


def local_keyring() -> LocalKeyring:
    """Return the keyring of ``settings.KEYRING`` as they are now."""
    return LocalKeyring(settings.KEYRING)


@cache
def key_service() -> KeyService:
    """Return the key service of this installation: ``KEY_SERVICE`` if it is set, and the local keyring.

    Raises ``ImproperlyConfigured`` for a ``KEY_SERVICE`` that is unknown or not installed.
    """
    url: str = settings.KEY_SERVICE
    if not url:
        return local_keyring()
    scheme = urlsplit(url).scheme
    if scheme not in CLOUD_SERVICES:
        raise ImproperlyConfigured(
            f"KEY_SERVICE {url!r} is unknown. Set one such as aws-kms://us-east-1/alias/partner-engine, or leave it"
            " empty for the local keyring."
        )
    service: KeyService = import_string(CLOUD_SERVICES[scheme]).from_url(url)
    return KeyServices(service, local_keyring())

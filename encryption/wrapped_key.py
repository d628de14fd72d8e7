"""A wrapped data key as it is stored. Pure."""

from __future__ import annotations

import msgspec


class WrappedKey(msgspec.Struct, frozen=True):
    """An owner's data key: ``wrapped`` by the key ``key_id`` of a key service; ``version`` counts the owner's data
    keys. ``earlier`` data keys, the newest first, only open what was encrypted under them.
    """

    wrapped: bytes
    key_id: str
    version: int = 1
    earlier: tuple[WrappedKey, ...] = ()

    @classmethod
    def from_stored(cls, stored: bytes, *, key_id: str, version: int) -> WrappedKey:
        """Return the key in ``stored``, the bytes that ``to_stored`` returned."""
        content = msgspec.msgpack.decode(stored, type=_Stored)
        return cls(content.wrapped, key_id, version, content.earlier)

    def to_stored(self) -> bytes:
        """Return the key and the earlier ones as bytes; ``key_id`` and ``version`` have columns of their own."""
        return msgspec.msgpack.encode(_Stored(self.wrapped, self.earlier))

    @property
    def all(self) -> tuple[WrappedKey, ...]:
        """Return this key and the earlier ones, the newest first."""
        return (self, *self.earlier)

    @property
    def key_ids(self) -> frozenset[str]:
        """Return the ids of the keys that wrap this key and the earlier ones."""
        return frozenset(key.key_id for key in self.all)


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    wrapped: bytes
    earlier: tuple[WrappedKey, ...] = ()

"""A wrapped data key as it is stored. Pure."""

from __future__ import annotations

import msgspec


class WrappedKey(msgspec.Struct, frozen=True):
    """An owner's data key as stored: ``wrapped`` by the tenant's key made from master key ``key_id``; ``version``
    counts the owner's data keys.
    """

    wrapped: bytes
    key_id: str
    version: int = 1

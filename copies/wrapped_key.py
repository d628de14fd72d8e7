"""A copy's data key as it is stored. Pure."""

from __future__ import annotations

import msgspec


class WrappedKey(msgspec.Struct, frozen=True):
    """A copy's data key as stored: ``wrapped`` by the tenant's key made from master key ``key_id``; ``version`` counts
    the copy's data keys.
    """

    wrapped: bytes
    key_id: str
    version: int = 1

"""Keyed requests: the response is stored with the work of the request, and returned when the request is repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

#: How long a response is stored for its key.
KEPT: Final = timedelta(hours=24)


class IdempotencyKey(msgspec.Struct, frozen=True):
    """A caller's key: ``client`` is its sender, ``fingerprint`` identifies the request (method, path, body) without
    containing it.
    """

    client: str
    key: str
    fingerprint: bytes


class StoredResponse(msgspec.Struct, frozen=True):
    """A response as it was sent: HTTP status, headers worth repeating, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class KeyedResponse(msgspec.Struct, frozen=True):
    """The response to a keyed request, to be stored with its work. Made by ``save``, read by ``write``."""

    key: IdempotencyKey
    response: StoredResponse

"""Keyed requests: the answer to a request is stored with the work it asked for, and given again to whoever repeats the
request.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

#: How long an answer is kept for its key.
KEPT: Final = timedelta(hours=24)


class IdempotencyKey(msgspec.Struct, frozen=True):
    """A caller's key: ``client`` is who sent it, ``fingerprint`` tells the request (method, path, body) without holding
    it.
    """

    client: str
    key: str
    fingerprint: bytes


class StoredResponse(msgspec.Struct, frozen=True):
    """An answer as it was given: HTTP status, headers worth repeating, body."""

    status: int
    headers: dict[str, str]
    body: bytes

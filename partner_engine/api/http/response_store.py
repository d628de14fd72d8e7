"""The bytes of responses to reads, stored in this process for as long as the state that they show is the present one.

A response is served again only to a reader for whom the database has just given the same state (docs/adr/0049): the
store knows no rights and no versions, and nothing in it decides what is current.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from tenants.access import Actor, Right
from tenants.models import Tenant

#: The size of all responses in one process, and of the largest one, in bytes.
MOST_BYTES: Final = 16 * 1024 * 1024
LARGEST: Final = 2 * 1024 * 1024
#: How long a response is stored.
SECONDS: Final = 60.0


class Slot(NamedTuple):
    """The place of the response to the read of a copy by one class of readers; it has one response, the latest."""

    tenant_id: UUID
    copy_id: UUID
    reader_type: str
    rights: frozenset[Right]


class _Stored(NamedTuple):
    state: str
    content: bytes
    until: float


def slot_of(copy_id: UUID, *, tenant: Tenant, actor: Actor) -> Slot:
    """Return the slot of the responses to ``actor``, and to all who may do and see the same."""
    return Slot(tenant.id, copy_id, actor.type, actor.rights)


class ResponseStore:
    """A bounded store: the oldest responses leave first. Safe in threads."""

    def __init__(
        self, *, most_bytes: int = MOST_BYTES, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_bytes, self._seconds, self._clock = most_bytes, seconds, clock
        #: In the order in which they were stored.
        self._stored: dict[Slot, _Stored] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Return the size of the stored responses in bytes."""
        return self._bytes

    def has(self, slot: Slot) -> bool:
        """Return whether there is a response in ``slot``, of whatever state: reading the state may be worth it."""
        with self._lock:
            self._drop_expired()
            return slot in self._stored

    def find(self, slot: Slot, state: str) -> bytes | None:
        """Return the response of exactly this ``state``, None without one."""
        with self._lock:
            self._drop_expired()
            stored = self._stored.get(slot)
        return stored.content if stored is not None and stored.state == state else None

    def put(self, slot: Slot, state: str, content: bytes) -> None:
        """Store ``content`` in place of the slot's response. Callers store nothing that is shown under audit."""
        if len(content) > LARGEST:
            return
        with self._lock:
            self._drop_expired()
            self._drop(slot)
            self._stored[slot] = _Stored(state, content, self._clock() + self._seconds)
            self._bytes += len(content)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._stored)))

    def clear(self) -> None:
        """Drop all responses."""
        with self._lock:
            self._stored.clear()
            self._bytes = 0

    def _drop_expired(self) -> None:
        now = self._clock()
        while self._stored:
            slot = next(iter(self._stored))
            if self._stored[slot].until > now:
                return
            self._drop(slot)

    def _drop(self, slot: Slot) -> None:
        stored = self._stored.pop(slot, None)
        if stored is not None:
            self._bytes -= len(stored.content)


#: The responses to reads of copies.
copies: Final = ResponseStore()

"""Rooms of the sockets that follow batch operations: one operation, or all those of one actor.

A published message only says that something changed: the room reads the state and sends what is new, at most four times
a second. So frames are in order whatever the order of messages, and a lost message costs some seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from partner_engine.live.grants import Grant
from partner_engine.live.progress_frames import Progress
from partner_engine.live.transport.mailbox import Mailbox
from partner_engine.live.transport.redis_channels import address
from tenants.models import Tenant

#: The least time between two readings of a room, in seconds.
INTERVAL: Final = 0.25
#: After so many seconds a room is read without a message.
UNREAD_SECONDS: Final = 5.0
TOO_SLOW: Final = 4408
#: The states of operations that have not ended.
_OPEN: Final = frozenset({"pending", "in_progress", "paused"})

#: Reads the present states; the ids are those of operations that may have ended since the last reading.
Read = Callable[[frozenset[UUID]], list[Progress]]


def operation_address(tenant_id: UUID, operation_id: UUID) -> str:
    """Return the Redis channel of one operation."""
    return address(f"operation.{tenant_id}.{operation_id}")


def owner_address(tenant_id: UUID, actor_type: str, actor_id: str) -> str:
    """Return the Redis channel of all operations of one actor."""
    return address(f"operations.{tenant_id}.{actor_type}.{actor_id}")


@dataclass
class Watcher:
    """One socket that follows operations."""

    grant: Grant
    socket: str
    mailbox: Mailbox = field(default_factory=Mailbox)

    def send(self, frame: str) -> None:
        """Queue ``frame``; if the queue is full, the frames in it are outdated by this one."""
        if not self.mailbox.put(frame, resync=frame):
            self.mailbox.close(TOO_SLOW, "frames must be read faster")


class ProgressRoom:
    """The sockets of this process that follow the same operations."""

    def __init__(self, *, tenant: Tenant, address: str, read: Read, ends_when_gone: bool) -> None:
        self.tenant = tenant
        self.address = address
        self.read = read
        #: Whether a room without operations is closed: its one operation was deleted.
        self.ends_when_gone = ends_when_gone
        self.watchers: dict[str, Watcher] = {}
        #: Held while the states are read and sent, so that no older state follows a newer one.
        self.lock = asyncio.Lock()
        self.read_at = float("-inf")
        self.is_due = False
        self._hinted: set[UUID] = set()
        self._sent: dict[str, Progress] = {}

    def receive(self, message: dict[str, Any]) -> None:
        """Note that an operation changed. Raises ``KeyError`` and ``ValueError`` for an unreadable message."""
        self._hinted.add(UUID(message["operation"]))
        self.is_due = True

    @property
    def asked(self) -> frozenset[UUID]:
        """Return the operations to read besides the open ones."""
        return frozenset(self._hinted) | frozenset(UUID(one) for one in self._sent)

    def waits(self) -> float:
        """Return the seconds until the room should be read; 0 for now."""
        due = INTERVAL if self.is_due else UNREAD_SECONDS
        return max(0.0, self.read_at + due - time.monotonic())

    def began_reading(self) -> frozenset[UUID]:
        """Note that the room is read now; return the operations to read besides the open ones."""
        asked = self.asked
        self.is_due = False
        self.read_at = time.monotonic()
        self._hinted.clear()
        return asked

    def changed(self, states: list[Progress]) -> list[Progress]:
        """Return those of ``states`` that were not sent yet, and remember them; forget operations that have ended."""
        new = [state for state in states if self._sent.get(state.operation) != state]
        self._sent = {state.operation: state for state in states if state.state in _OPEN}
        return new

    def send(self, frames: list[str]) -> None:
        """Send ``frames`` to every socket."""
        for watcher in self.watchers.values():
            for frame in frames:
                watcher.send(frame)

    def close(self, code: int, reason: str) -> None:
        """Close all sockets of the room."""
        for watcher in self.watchers.values():
            watcher.mailbox.close(code, reason)

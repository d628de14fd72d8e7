"""Parses PostgreSQL's protocol in transit: where a save is sent, and where the server has responded. Pure."""

from __future__ import annotations

import re
from typing import Final

#: By a statement, or by the function of the database that keeps its plan.
_WRITES_COPY: Final = re.compile(
    rb'\b(?:UPDATE|INSERT\s+INTO)\s+"?copies_copy"?[\s(]|\bFROM batch_save_\w+\(', re.IGNORECASE
)
_COMMIT: Final = re.compile(rb"\s*COMMIT\b", re.IGNORECASE)
_QUERY, _PARSE, _READY = b"Q", b"P", b"Z"
_IDLE: Final = b"I"
#: SSLRequest and GSSENCRequest: they come before the start-up message, have no type, and get one byte in reply.
_ENCRYPTION_REQUESTS: Final = (80877103, 80877104)


class _Messages:
    """Cuts one direction's bytes into messages: type and content."""

    def __init__(self) -> None:
        self._unread = b""

    def add(self, data: bytes) -> None:
        self._unread += data

    def next_untyped(self) -> bytes | None:
        return self._next(0)

    def next_typed(self) -> tuple[bytes, bytes] | None:
        message = self._next(1)
        return None if message is None else (message[:1], message[5:])

    def skip(self, count: int) -> bool:
        if len(self._unread) < count:
            return False
        self._unread = self._unread[count:]
        return True

    def _next(self, type_bytes: int) -> bytes | None:
        head = type_bytes + 4
        if len(self._unread) < head:
            return None
        end = type_bytes + int.from_bytes(self._unread[type_bytes:head], "big")
        if len(self._unread) < end:
            return None
        message, self._unread = self._unread[:end], self._unread[end:]
        return message


class Conversation:
    """One client's connection, followed in both directions.

    A save is a statement that writes the copies table in a transaction of its own, or the COMMIT of a transaction that
    wrote it.
    """

    def __init__(self) -> None:
        """Start before the start-up message."""
        #: Set by the proxy: the client receives nothing more.
        self.is_lost = False
        self._from_client, self._from_server = _Messages(), _Messages()
        self._has_started = False
        self._single_bytes = 0
        self._is_idle = True
        self._has_written = False

    def is_save(self, data: bytes) -> bool:
        """Parse data of the client; return whether it completes a save."""
        self._from_client.add(data)
        while not self._has_started:
            message = self._from_client.next_untyped()
            if message is None:
                return False
            if int.from_bytes(message[4:8], "big") in _ENCRYPTION_REQUESTS:
                self._single_bytes += 1
            else:
                self._has_started = True
        found = False
        while (typed := self._from_client.next_typed()) is not None:
            found = self._is_save(*typed) or found
        return found

    def _is_save(self, kind: bytes, text: bytes) -> bool:
        if kind not in (_QUERY, _PARSE):
            return False
        if _WRITES_COPY.search(text):
            if self._is_idle:
                return True
            self._has_written = True
        return self._has_written and _COMMIT.match(text.lstrip(b"\0")) is not None

    def is_answered(self, data: bytes) -> bool:
        """Parse data of the server; return whether it completes the response to a query."""
        self._from_server.add(data)
        while self._single_bytes and self._from_server.skip(1):
            self._single_bytes -= 1
        answered = False
        while (typed := self._from_server.next_typed()) is not None:
            kind, status = typed
            if kind == _READY:
                answered = True
                self._is_idle = status == _IDLE
                self._has_written = self._has_written and not self._is_idle
        return answered

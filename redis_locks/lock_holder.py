"""The holder of a lock, encoded in the lock's token, so that one read of the key returns both. Pure.

A token is ``<32 random hex digits><compact JSON>``; ``since`` in it is Redis' own clock, in milliseconds.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

#: Number of random characters of a token; they alone make it unique.
IDENTITY_LENGTH: Final = 32
#: A longer name only costs memory in Redis.
MAX_WHO: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The holder of a lock: ``who`` (``name (kind id)``, nothing sensitive), ``where`` (``entry point host:pid``), and
    ``since`` when it is held, None before.
    """

    who: str
    where: str
    since: datetime | None = None

    @property
    def name(self) -> str:
        """Return the name alone, without kind and id, if there is one."""
        return self.who.rpartition(" (")[0] or self.who

    @property
    def entry_point(self) -> str:
        """Return the entry point alone (web, api, admin, job), which may be shown to anyone."""
        return self.where.partition(" ")[0]


class _Content(msgspec.Struct, frozen=True):
    who: str
    where: str
    since: int


def holder_here(*, who: str, entry_point: str) -> Holder:
    """Return ``who`` as a holder in this process, with its ``entry_point`` (web, api, admin, job)."""
    return Holder(who=who, where=f"{entry_point} {socket.gethostname()}:{os.getpid()}")


def token_content(holder: Holder) -> str:
    """Return the JSON of ``holder`` up to the time, which Redis appends: ``{"who":"...","where":"...","since":``."""
    content = msgspec.json.encode({"who": holder.who[:MAX_WHO], "where": holder.where[:MAX_WHO]}).decode()
    return content.removesuffix("}") + ',"since":'


def holder_in(token: bytes | None) -> Holder | None:
    """Return the holder encoded in ``token``, or None if it has none."""
    if not token:
        return None
    try:
        content = msgspec.json.decode(token[IDENTITY_LENGTH:], type=_Content)
    except msgspec.DecodeError:
        return None
    return Holder(who=content.who, where=content.where, since=datetime.fromtimestamp(content.since / 1_000, UTC))

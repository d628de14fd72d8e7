"""Who holds a lock: told in the lock's own token, so that reading the key tells it at no further cost. Pure.

A token is ``<32 random hex digits><compact JSON>``; ``since`` in it is Redis' own clock, in milliseconds.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

#: How many characters of a token are random; they alone make it one of a kind.
IDENTITY_LENGTH: Final = 32
#: A name is for people to read; a longer one only costs memory in Redis.
MAX_WHO: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds or wants a lock: ``who`` (``name (kind id)``, nothing sensitive), ``where`` (``door host:pid``), and
    ``since`` when it is held, None before it is.
    """

    who: str
    where: str
    since: datetime | None = None

    @property
    def name(self) -> str:
        """Return ``who`` as people are called: without kind and id, where there is a name."""
        return self.who.rpartition(" (")[0] or self.who

    @property
    def door(self) -> str:
        """Return the door alone (web, api, admin, job): what those may know who are not staff."""
        return self.where.partition(" ")[0]


class _Told(msgspec.Struct, frozen=True):
    who: str
    where: str
    since: int


def holder_here(*, who: str, door: str) -> Holder:
    """Return ``who`` as a holder that works in this process, come in by ``door`` (web, api, admin, job)."""
    return Holder(who=who, where=f"{door} {socket.gethostname()}:{os.getpid()}")


def opening_of(holder: Holder) -> str:
    """Return the JSON of ``holder`` up to the time, which Redis adds: ``{"who":"...","where":"...","since":``."""
    told = msgspec.json.encode({"who": holder.who[:MAX_WHO], "where": holder.where[:MAX_WHO]}).decode()
    return told.removesuffix("}") + ',"since":'


def holder_in(token: bytes | None) -> Holder | None:
    """Return the holder whom ``token`` names; None where it names none: no token, or one of another making."""
    if not token:
        return None
    try:
        told = msgspec.json.decode(token[IDENTITY_LENGTH:], type=_Told)
    except msgspec.DecodeError:
        return None
    return Holder(who=told.who, where=told.where, since=datetime.fromtimestamp(told.since / 1_000, UTC))

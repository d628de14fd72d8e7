"""Guests' links to one copy: issued, followed once, revoked. Pure; only the hash of a secret is ever kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final

from batch.errors import GuestLinkSpent, WrongValue
from batch.neighbours import Neighbour, NeighbourKind, NeighbourMutator, Neighbours, Told

#: Bytes of a secret: 256 bits, twice what nobody can guess.
_SECRET_BYTES: Final = 32
LONGEST: Final = timedelta(days=90)


class GuestTokenRow(Neighbour, frozen=True, kw_only=True):
    """One guest's link."""

    secret_hash: str
    expires_at: datetime
    issued_by_type: str
    issued_by_id: str = ""
    email: str = ""
    exchanged_at: datetime | None = None
    revoked_at: datetime | None = None


def _state(row: GuestTokenRow) -> str:
    if row.revoked_at:
        return "revoked"
    return "followed" if row.exchanged_at else "issued"


def _tell(before: GuestTokenRow | None, after: GuestTokenRow) -> Iterator[Told]:
    yield f"guest_link.{_state(after)}", {"id": str(after.id), "expires_at": after.expires_at.isoformat()}


GUEST_TOKENS: Final = NeighbourKind(
    name="guest_tokens",
    struct=GuestTokenRow,
    shown=_state,
    tell=_tell,
    is_in_force=lambda row: row.revoked_at is None,
)


class GuestTokenMutator(NeighbourMutator[GuestTokenRow]):
    """One guest's link."""

    kind: ClassVar = GUEST_TOKENS

    def exchange(self, secret: str) -> None:
        """Follow the link with its ``secret``. Raises ``GuestLinkSpent`` where it is wrong, over or was followed."""
        row, now = self.row, self._ledger.now
        fits = secrets.compare_digest(row.secret_hash, hash_of(secret))
        if not fits or row.exchanged_at or row.revoked_at or row.expires_at <= now:
            raise GuestLinkSpent
        self._change(exchanged_at=now)

    def revoke(self) -> None:
        """End the link and what it opened."""
        self._change(revoked_at=self.row.revoked_at or self._ledger.now)


class GuestTokens(Neighbours[GuestTokenRow, GuestTokenMutator]):
    """The links of a copy that were not revoked."""

    mutator: ClassVar = GuestTokenMutator

    def issue(self, *, valid_for: timedelta, email: str = "") -> tuple[GuestTokenMutator, str]:
        """Make a link; return it with its secret, which is nowhere else and is never shown again.

        Raises ``WrongValue`` for a time that is not between nothing and 90 days.
        """
        if not timedelta(0) < valid_for <= LONGEST:
            raise WrongValue("valid_for", f"a link is good for at most {LONGEST.days} days")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        by, now = self._ledger.by, self._ledger.now
        made = self._put(
            GuestTokenRow(
                id=self._ledger.new_id(),
                created_at=now,
                secret_hash=hash_of(secret),
                email=email,
                expires_at=now + valid_for,
                issued_by_type=by.type,
                issued_by_id=by.id,
            )
        )
        return made, secret


def hash_of(secret: str) -> str:
    """Return what is kept of ``secret``: SHA-256 as hexadecimal text. It is random, so it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""Guests' links to one copy: issued, followed once, finished, revoked. Pure; only hashes of secrets are ever kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordCollection, RecordKind, RecordMutator, Told
from batch.errors import GuestLinkInvalid, TooManyGuestLinks, WrongValue

#: Bytes of a secret: 256 bits, twice what nobody can guess.
_SECRET_BYTES: Final = 32
LONGEST: Final = timedelta(days=90)
#: Links of one copy that were not revoked; all are loaded with it.
MOST_LINKS: Final = 50


class GuestLinkRow(AttachedRecord, frozen=True, kw_only=True):
    """One guest's link."""

    secret_hash: str
    expires_at: datetime
    issued_by_type: str
    issued_by_id: str = ""
    name: str = ""
    exchanged_at: datetime | None = None
    session_hash: str = ""
    #: Written beside the saves: being here is no change.
    seen_at: datetime | None = None
    finished_at: datetime | None = None
    revoked_at: datetime | None = None


def _state(row: GuestLinkRow) -> str:
    if row.revoked_at:
        return "revoked"
    if row.finished_at:
        return "finished"
    return "followed" if row.exchanged_at else "issued"


def _tell(before: GuestLinkRow | None, after: GuestLinkRow) -> Iterator[Told]:
    yield f"guest_link.{_state(after)}", {"id": str(after.id), "expires_at": after.expires_at.isoformat()}


GUEST_TOKENS: Final = RecordKind(
    name="guest_links",
    struct=GuestLinkRow,
    shown=_state,
    tell=_tell,
    is_in_force=lambda row: row.revoked_at is None,
)


class GuestLinkMutator(RecordMutator[GuestLinkRow]):
    """One guest's link."""

    kind: ClassVar = GUEST_TOKENS

    def exchange(self, secret: str, *, device: str) -> str:
        """Follow the link with its ``secret`` and return the secret of the session that this opens.

        ``device`` is a random word of the page that asks. Whoever asks again with both, as the answer was lost, gets
        the same session; nobody else can make it. Raises ``GuestLinkInvalid`` where the link is wrong, over or was
        followed from elsewhere.
        """
        row, now = self.row, self._ledger.now
        session = hmac.new(secret.encode(errors="replace"), device.encode(errors="replace"), "sha256").hexdigest()
        fits = secrets.compare_digest(row.secret_hash, hash_of(secret))
        is_elsewhere = row.exchanged_at is not None and row.session_hash != hash_of(session)
        if not fits or is_elsewhere or row.revoked_at or row.expires_at <= now:
            raise GuestLinkInvalid
        self._change(exchanged_at=row.exchanged_at or now, session_hash=hash_of(session))
        return session

    def finish(self) -> None:
        """Note that the guest has answered all; noted once, it stays."""
        self._change(finished_at=self.row.finished_at or self._ledger.now)

    def revoke(self) -> None:
        """End the link and what it opened."""
        self._change(revoked_at=self.row.revoked_at or self._ledger.now)


class GuestLinks(RecordCollection[GuestLinkRow, GuestLinkMutator]):
    """The links of a copy that were not revoked."""

    mutator: ClassVar = GuestLinkMutator

    def issue(self, *, valid_for: timedelta, name: str = "") -> tuple[GuestLinkMutator, str]:
        """Make a link for ``name``; return it with its secret, which is nowhere else and is never shown again.

        Raises ``WrongValue`` for a time that is not between nothing and 90 days, ``TooManyGuestLinks``.
        """
        if len(self) >= MOST_LINKS:
            raise TooManyGuestLinks(MOST_LINKS)
        if not timedelta(0) < valid_for <= LONGEST:
            raise WrongValue("valid_for", f"a link can be valid for at most {LONGEST.days} days")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        by, now = self._ledger.by, self._ledger.now
        made = self._put(
            GuestLinkRow(
                id=self._ledger.new_id(),
                created_at=now,
                secret_hash=hash_of(secret),
                name=name,
                expires_at=now + valid_for,
                issued_by_type=by.type,
                issued_by_id=by.id,
            )
        )
        return made, secret


def hash_of(secret: str) -> str:
    """Return what is kept of ``secret``: SHA-256 as hexadecimal text. It is random, so it needs no salt."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()

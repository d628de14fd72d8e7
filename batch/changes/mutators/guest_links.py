"""Guest links to one copy: issued, followed once, finished, revoked. Pure; only hashes of secrets are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final

from batch.changes.attached import AttachedRecord, RecordEvent, RecordKind, WhileUnset
from batch.changes.free_texts import clean_line
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.errors import GuestLinkInvalid, TooManyGuestLinks, WrongValue
from webhooks.event_types import CopyEvent, EventType

#: Bytes of a secret: 256 bits, twice what is needed against guessing.
_SECRET_BYTES: Final = 32
LONGEST: Final = timedelta(days=90)
MAX_NAME: Final = 100
#: Links of one copy that were not revoked; all are loaded with it.
MOST_LINKS: Final = 50


class GuestLinkRow(AttachedRecord, frozen=True, kw_only=True):
    """One guest link, with hashes of its secrets."""

    secret_hash: str
    expires_at: datetime
    issued_by_type: str
    issued_by_id: str = ""
    name: str = ""
    exchanged_at: datetime | None = None
    session_hash: str = ""
    #: Written apart from saves: a visit is no change.
    seen_at: datetime | None = None
    finished_at: datetime | None = None
    revoked_at: datetime | None = None


class GuestLinkEvent(CopyEvent, frozen=True, kw_only=True):
    """One guest link; neither the address nor the guest's name is sent."""

    id: str
    expires_at: datetime


def _state(row: GuestLinkRow) -> str:
    if row.revoked_at:
        return "revoked"
    if row.finished_at:
        return "finished"
    return "followed" if row.exchanged_at else "issued"


def _emit(before: GuestLinkRow | None, after: GuestLinkRow) -> Iterator[RecordEvent]:
    yield _state(after), {"id": str(after.id), "expires_at": after.expires_at.isoformat()}


GUEST_LINKS: Final = RecordKind(
    name="guest_links",
    struct=GuestLinkRow,
    model="forms.GuestLink",
    shown=_state,
    events=EventType(
        family="guest_link",
        names=("issued", "followed", "finished", "revoked"),
        data=GuestLinkEvent,
        when="a guest link was issued, opened, finished by its guest, revoked",
    ),
    emit=_emit,
    in_force=WhileUnset("revoked_at"),
    unsaved_columns=frozenset({"seen_at"}),
)


class GuestLinkMutator(RecordMutator[GuestLinkRow]):
    """The mutator of one guest link."""

    kind: ClassVar = GUEST_LINKS

    def exchange(self, secret: str, *, device: str) -> str:
        """Follow the link with its ``secret`` and return the secret of the session that this opens.

        ``device`` is a random word of the requesting page. A repeated request with both returns the same session,
        should the response be lost; no other caller can make it. Raises ``GuestLinkInvalid`` where the link is wrong,
        expired or was followed on another device.
        """
        row, now = self.row, self._tracker.now
        session = hmac.new(secret.encode(errors="replace"), device.encode(errors="replace"), "sha256").hexdigest()
        fits = secrets.compare_digest(row.secret_hash, hash_of(secret))
        is_other_device = row.exchanged_at is not None and row.session_hash != hash_of(session)
        if not fits or is_other_device or row.revoked_at or row.expires_at <= now:
            raise GuestLinkInvalid
        self._change(exchanged_at=row.exchanged_at or now, session_hash=hash_of(session))
        return session

    def finish(self) -> None:
        """Record that the guest has finished; the first time counts."""
        self._change(finished_at=self.row.finished_at or self._tracker.now)

    def revoke(self) -> None:
        """Revoke the link and the session that it opened."""
        self._change(revoked_at=self.row.revoked_at or self._tracker.now)


class GuestLinks(RecordCollection[GuestLinkRow, GuestLinkMutator]):
    """The links of a copy that were not revoked."""

    mutator: ClassVar = GuestLinkMutator

    def issue(self, *, valid_for: timedelta, name: str = "") -> tuple[GuestLinkMutator, str]:
        """Issue a link for ``name``; return it with its secret, which is stored nowhere and never shown again.

        Raises ``WrongValue`` for a time of 0 or more than 90 days and for the name, ``LooksSensitive``,
        ``TooManyGuestLinks``.
        """
        if len(self) >= MOST_LINKS:
            raise TooManyGuestLinks(MOST_LINKS)
        if not timedelta(0) < valid_for <= LONGEST:
            raise WrongValue("valid_for", f"a link is valid for at most {LONGEST.days} days")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        by, now = self._tracker.by, self._tracker.now
        made = self._put(
            GuestLinkRow(
                id=self._tracker.new_id(),
                created_at=now,
                secret_hash=hash_of(secret),
                name=clean_line(name, field="name", most=MAX_NAME),
                expires_at=now + valid_for,
                issued_by_type=by.type,
                issued_by_id=by.id,
            )
        )
        return made, secret


def hash_of(secret: str) -> str:
    """Return the stored hash of ``secret``: SHA-256 as hexadecimal text. A secret is random and needs no salt."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()

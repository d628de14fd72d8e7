"""Guest links: access by link or session, and the effects of a guest's completion.

A link is found by its copy, whose tenant the shared index knows. All times are the database's.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from actions.kinds import SendGuestCompletionMail
from batch import service as batch
from batch.changes.mutators.guest_links import hash_of, hash_of_digits
from batch.changes.tracker import GUEST
from batch.context import BatchContext
from batch.errors import (
    GuestLinkBlocked,
    GuestLinkInvalid,
    NotFound,
    PhoneDigitsNeeded,
    UnknownRecord,
    WrongPhoneDigits,
)
from copies.changes import Change, fold
from copies.history import changes_of, list_revisions
from copies.models import CopyIndex
from copies.paths import is_in_document
from forms.models import GuestLink
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Seconds that a guest waits for another save.
_WAIT_SECONDS: Final = 5.0
LinkState: TypeAlias = Literal["issued", "followed", "finished", "sent_back", "blocked", "expired", "revoked"]

#: How long ``seen_at`` counts as current: one write for many requests.
_SEEN_AGAIN: Final = timedelta(minutes=1)
#: Wrong digits that one link takes before it is blocked for good, as guest and agent see.
MOST_WRONG_DIGITS: Final = 10
#: Counts a try before the digits are compared, so that no number of tries at once gets more.
_TRY_DIGITS: Final = f"""UPDATE {GuestLink._meta.db_table} SET wrong_digits = wrong_digits + 1
 WHERE id = %s AND tenant_id = %s AND wrong_digits < {MOST_WRONG_DIGITS} RETURNING wrong_digits"""  # noqa: S608
_FORGET_TRY: Final = (
    f"UPDATE {GuestLink._meta.db_table} SET wrong_digits = wrong_digits - 1 WHERE id = %s AND tenant_id = %s"  # noqa: S608
)
_SEEN: Final = f"UPDATE {GuestLink._meta.db_table} SET seen_at = statement_timestamp() WHERE id = %s AND tenant_id = %s"  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A guest with access to one copy, or to the part of it that the link names.

    ``issued_by`` is the id of the agent who asks, "" for a link that a program made.
    """

    link_id: UUID
    copy_id: UUID
    tenant: Tenant
    actor: Actor
    expires_at: datetime
    has_finished: bool
    issued_by: str


def access_guest(copy_id: UUID, session: str) -> Guest:
    """Return the guest of ``session`` at the copy, and record the visit.

    Raises ``GuestLinkInvalid`` if the session is unknown, or its link was revoked or has expired.
    """
    tenant = _tenant_of(copy_id)
    with use_tenant(tenant):
        found = _in_force().filter(copy_id=copy_id, session_hash=hash_of(session))
        link = found.annotate(was_seen=Q(seen_at__gt=Now() - _SEEN_AGAIN)).first()
        if link is None:
            raise GuestLinkInvalid
        if not link.was_seen:
            with connections[tenant.database_alias].cursor() as cursor:
                cursor.execute(_SEEN, [link.id, tenant.id])
    return _guest(link, tenant)


def follow_link(copy_id: UUID, secret: str, *, device: str, digits: str = "") -> tuple[Guest, str]:
    """Exchange the link with this ``secret`` for a session; return its guest and the session's secret.

    ``device`` is as in ``GuestLinkMutator.exchange``; ``digits`` are the last four of the guest's phone, where the link
    asks for them. Raises ``GuestLinkInvalid``, ``PhoneDigitsNeeded``, ``WrongPhoneDigits``, ``GuestLinkBlocked``,
    ``CopyIsLocked``, ``LockNotAcquired``, ``StaleChangeset``.
    """
    tenant = _tenant_of(copy_id)
    with use_tenant(tenant):
        # Without the copy's lock: a wrong guess must not delay other users.
        link = _in_force().filter(copy_id=copy_id, secret_hash=hash_of(secret)).first()
        if link is None:
            raise GuestLinkInvalid
        if link.digits_hash:
            _check_digits(link, secret, digits, tenant=tenant)
    actor = link.as_actor(source="web")
    try:
        with batch.find_and_lock(copy_id, scope=tenant, actor=actor, wait=_WAIT_SECONDS) as context:
            session = context.changeset.guest_links.find(link.id).exchange(secret, device=device)
            context.save()
    except (NotFound, UnknownRecord) as error:
        raise GuestLinkInvalid from error
    return _guest(link, tenant), session


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What the holder of a link that is not opened yet may read first: everything about ``guest``'s access, and
    whether the link opens only with the digits of a phone.
    """

    guest: Guest
    needs_digits: bool


def read_invitation(copy_id: UUID, secret: str) -> Invitation:
    """Return the invitation of the link with this ``secret``, without opening it.

    Raises ``GuestLinkInvalid`` also for a link that was opened.
    """
    tenant = _tenant_of(copy_id)
    with use_tenant(tenant):
        found = _in_force().filter(copy_id=copy_id, secret_hash=hash_of(secret), exchanged_at=None)
        link = found.first()
    if link is None:
        raise GuestLinkInvalid
    return Invitation(guest=_guest(link, tenant), needs_digits=bool(link.digits_hash))


def finish(guest: Guest) -> None:
    """Record that the guest is done, whatever is left for the agent, and emit the mail to the copy's owner.

    Raises the errors of a save.
    """
    with batch.find_and_lock(guest.copy_id, scope=guest.tenant, actor=guest.actor, wait=_WAIT_SECONDS) as context:
        link = context.changeset.guest_links.find(guest.link_id)
        if link.row.finished_at is None:
            link.finish()
            # A form started by an API client may have no owner to notify by mail.
            if context.copy.fields.owner_id is not None:
                context.changeset.defer(SendGuestCompletionMail(copy_id=str(guest.copy_id)))
            context.save()


def mark_unknown(context: BatchContext, guest: Guest, path: str, *, is_unknown: bool) -> None:
    """Record in the loaded copy that the guest does not know the answer at ``path``, or take that back.

    Raises ``OutsideGuestLink``, and ``UnknownQuestion``, ``UnknownPool`` or ``UnknownRow`` for a wrong path.
    """
    link = context.changeset.guest_links.find(guest.link_id)
    link.mark_unknown(path, is_unknown=is_unknown)
    context.changeset.find_answer(path)


class GuestChanges(NamedTuple):
    """The changes of one guest, one per path, and the releases under which their values were recorded."""

    changes: list[Change]
    release_ids: tuple[int, ...]


def changes_of_guest(link: GuestLink) -> GuestChanges:
    """Return what the guest of ``link`` changed since it was issued or sent back. The tenant must be in scope."""
    since = link.sent_back_at or link.created_at
    saved = list_revisions(link.copy_id).filter(actor_type=GUEST, actor_id=str(link.id), created_at__gt=since)
    revisions = list(reversed(saved))
    changes = [change for revision in revisions for change in changes_of(revision)]
    own = [change for change in changes if change.cause.type == GUEST and is_in_document(change.path)]
    releases = dict.fromkeys(revision.release_id for revision in revisions if revision.release_id is not None)
    return GuestChanges(fold(own), tuple(releases))


def list_links(copy_id: UUID) -> QuerySet[GuestLink]:
    """Return all links to a copy of the current tenant, the latest first."""
    return GuestLink.objects.filter(copy_id=copy_id).order_by("-created_at", "-id")


def state_of(link: GuestLink, now: datetime) -> LinkState:
    """Return the state of a link."""
    if link.revoked_at:
        return "revoked"
    if link.expires_at <= now:
        return "expired"
    if link.finished_at:
        return "finished"
    if link.wrong_digits >= MOST_WRONG_DIGITS and link.exchanged_at is None:
        return "blocked"
    if link.sent_back_at:
        return "sent_back"
    return "followed" if link.exchanged_at else "issued"


def still_in_force(tenant: Tenant, link_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ``links`` that are neither revoked nor expired, in one query."""
    with use_tenant(tenant):
        return set(_in_force().filter(pk__in=link_ids).values_list("pk", flat=True))


def _in_force() -> QuerySet[GuestLink]:
    return GuestLink.objects.filter(revoked_at=None, expires_at__gt=Now())


def _tenant_of(copy_id: UUID) -> Tenant:
    tenant_ids = CopyIndex.objects.filter(copy_id=copy_id).values("tenant_id")
    tenant = Tenant.objects.filter(pk__in=tenant_ids).first()
    if tenant is None:
        raise GuestLinkInvalid
    return tenant


def _guest(link: GuestLink, tenant: Tenant) -> Guest:
    return Guest(
        link_id=link.id,
        copy_id=link.copy_id,
        tenant=tenant,
        actor=link.as_actor(source="web"),
        expires_at=link.expires_at,
        has_finished=link.finished_at is not None,
        issued_by=link.issued_by_id if link.issued_by_type == "user" else "",
    )


def _check_digits(link: GuestLink, secret: str, digits: str, *, tenant: Tenant) -> None:
    """Raise ``PhoneDigitsNeeded``, ``WrongPhoneDigits`` or ``GuestLinkBlocked`` unless the link has these ``digits``.

    Wrong digits never use up the link without a word: the guest learns how many tries are left.
    """
    if not digits:
        raise PhoneDigitsNeeded
    with connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(_TRY_DIGITS, [link.id, tenant.id])
        tried = cursor.fetchone()
        if tried is None:
            raise GuestLinkBlocked
        if not hmac.compare_digest(link.digits_hash, hash_of_digits(secret, digits)):
            left = MOST_WRONG_DIGITS - tried[0]
            raise WrongPhoneDigits(left) if left else GuestLinkBlocked
        cursor.execute(_FORGET_TRY, [link.id, tenant.id])

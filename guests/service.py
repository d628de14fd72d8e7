"""Guest links: access by link or session, and the effects of a guest's completion.

A link is found by its copy, whose tenant the shared index knows. All times are the database's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from actions.kinds import SendGuestCompletionMail
from batch import service as batch
from batch.changes.mutators.guest_links import hash_of
from batch.errors import AnswersMissing, GuestLinkInvalid, NotFound, UnknownNeighbour
from copies.document import Document, find_answer
from copies.models import CopyIndex
from forms.models import GuestLink
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Seconds that a guest waits for another save.
_WAIT_SECONDS: Final = 5.0
LinkState: TypeAlias = Literal["issued", "followed", "finished", "expired", "revoked"]

#: How long ``seen_at`` counts as current: one write for many requests.
_SEEN_AGAIN: Final = timedelta(minutes=1)
_SEEN: Final = f"UPDATE {GuestLink._meta.db_table} SET seen_at = statement_timestamp() WHERE id = %s AND tenant_id = %s"  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A guest with access to one copy."""

    link_id: UUID
    copy_id: UUID
    tenant: Tenant
    actor: Actor
    expires_at: datetime
    has_finished: bool


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


def follow_link(copy_id: UUID, secret: str, *, device: str) -> tuple[Guest, str]:
    """Exchange the link with this ``secret`` for a session; return its guest and the session's secret.

    ``device`` is as in ``GuestLinkMutator.exchange``. Raises ``GuestLinkInvalid``, ``CopyIsLocked``,
    ``LockNotAcquired``, ``StaleChangeset``.
    """
    tenant = _tenant_of(copy_id)
    with use_tenant(tenant):
        # Without the copy's lock: a wrong guess must not delay anybody.
        link = _in_force().filter(copy_id=copy_id, secret_hash=hash_of(secret)).first()
    if link is None:
        raise GuestLinkInvalid
    actor = link.as_actor(source="web")
    try:
        with batch.find_and_lock(copy_id, scope=tenant, actor=actor, wait=_WAIT_SECONDS) as context:
            session = context.changeset.guest_links.find(link.id).exchange(secret, device=device)
            context.save()
    except (NotFound, UnknownNeighbour) as error:
        raise GuestLinkInvalid from error
    return _guest(link, tenant), session


def finish(guest: Guest) -> None:
    """Record that the guest has answered everything, and emit the mail to the copy's owner.

    Raises ``AnswersMissing`` with the paths that a quote needs and the guest can still answer, and the errors of a
    save.
    """
    with batch.find_and_lock(guest.copy_id, scope=guest.tenant, actor=guest.actor, wait=_WAIT_SECONDS) as context:
        link = context.changeset.guest_links.find(guest.link_id)
        changeset, evaluation = context.current_view()
        missing = [path for path in evaluation.needed.quote if not _is_read_only(changeset.document, path)]
        if missing:
            raise AnswersMissing(missing)
        if link.row.finished_at is None:
            link.finish()
            # A form started by an API client may have no owner with a mail address.
            if context.copy.fields.owner_id is not None:
                context.changeset.defer(SendGuestCompletionMail(copy_id=str(guest.copy_id)))
            context.save()


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
    return "followed" if link.exchanged_at else "issued"


def still_in_force(tenant: Tenant, link_ids: Collection[UUID]) -> set[UUID]:
    """Return the given links that are neither revoked nor expired, in one query."""
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
    )


def _is_read_only(document: Document, path: str) -> bool:
    """Return whether only the rules or an agent can answer at ``path``."""
    answer = find_answer(document, path)
    return answer is not None and answer.readonly

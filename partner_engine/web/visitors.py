"""The visitors of a form page: an agent, or the guest of one copy. Their tenant is already current."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from batch import service as batch
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import IdempotencyKey
from guests.service import Guest
from partner_engine.web.pages.reading import Reader
from tenants.access import Actor, Right
from tenants.flags import COPIES, explain_flag
from tenants.models import Tenant

#: How long a page waits for another save, in seconds, before it reports that and tries again.
WAIT_SECONDS: Final = 5.0


class Visitor:
    """A person with access to a page."""

    #: The guest, None for an agent.
    guest: Guest | None = None

    def __init__(self, actor: Actor, tenant: Tenant) -> None:
        self.actor = actor
        self.tenant = tenant

    @property
    def reader(self) -> Reader:
        """Return the visitor's access and time zone for page models."""
        return Reader(
            zone=ZoneInfo(self.tenant.time_zone),
            now=timezone.now(),
            may_write=self.actor.may(Right.WRITE_FORMS),
            sees_pii=self.actor.may(Right.READ_PERSONAL),
            guest_id=self.actor.id if self.guest else "",
            has_finished=self.guest is not None and self.guest.has_finished,
            may_copy=self.may_copy,
        )

    @property
    def may_copy(self) -> bool:
        """Return whether the visitor may make copies: the flag decides, existing copies go on working without it."""
        may_write = self.guest is None and self.actor.may(Right.WRITE_FORMS)
        return may_write and bool(explain_flag(COPIES, actor=self.actor, tenant=self.tenant))

    def find(
        self,
        copy_id: UUID,
        *,
        version: int | None = None,
        under_current_release: bool = False,
        archived: bool = False,
    ) -> BatchContext:
        """Load the copy or form ``copy_id`` for reading, as ``batch.find`` does. Raises ``NotFound``."""
        context = batch.find(
            copy_id,
            scope=self.tenant,
            actor=self.actor,
            version=version,
            under_current_release=under_current_release,
            archived=archived,
        )
        return self._require_own(context)

    @contextmanager
    def find_and_lock(
        self, copy_id: UUID, *, key: IdempotencyKey | None = None, archived: bool = False
    ) -> Iterator[BatchContext]:
        """Load and lock the copy or form ``copy_id`` for writing, for an order with ``key``; with ``archived`` also a
        deleted one.

        Raises ``NotFound`` or ``LockNotAcquired``.
        """
        with batch.find_and_lock(
            copy_id, scope=self.tenant, actor=self.actor, wait=WAIT_SECONDS, archived=archived, idempotency=key
        ) as context:
            yield self._require_own(context)

    def _require_own(self, context: BatchContext) -> BatchContext:
        # The id can be a form's. A guest must get their own copy only, even if that copy is deleted.
        if self.guest is not None and context.copy.id != self.guest.copy_id:
            raise NotFound
        return context

    def context(self, **shown: Any) -> dict[str, Any]:
        """Return the template context of every page, extended by ``shown``."""
        return {"tenant": self.tenant, "guest": self.guest, **shown}


class GuestVisitor(Visitor):
    """The guest of one copy, identified by the session that their link opened."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest.actor, guest.tenant)
        self.guest = guest

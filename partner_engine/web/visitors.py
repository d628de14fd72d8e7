"""Who a form page is for: an agent, or the guest of one copy. Their tenant is the current one already."""

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
from guests.service import Guest
from partner_engine.web.pages.reading import Reader
from tenants.access import Actor, Right
from tenants.models import Tenant

#: How long a page waits for somebody else's save, in seconds; then it says so and tries again.
WAIT_SECONDS: Final = 5.0


class Visitor:
    """Somebody whom a page lets in."""

    #: The guest where it is one.
    guest: Guest | None = None

    def __init__(self, actor: Actor, tenant: Tenant) -> None:
        self.actor = actor
        self.tenant = tenant

    @property
    def reader(self) -> Reader:
        """Return what the visitor may see and in which time zone."""
        return Reader(
            zone=ZoneInfo(self.tenant.time_zone),
            now=timezone.now(),
            may_write=self.actor.may(Right.WRITE_FORMS),
            sees_pii=self.actor.may(Right.READ_PERSONAL),
            guest_id=self.actor.id if self.guest else "",
            has_finished=self.guest is not None and self.guest.has_finished,
        )

    def find(self, copy_id: UUID, *, version: int | None = None) -> BatchContext:
        """Return the copy that ``copy_id`` means to the visitor, to be read. Raises ``NotFound``."""
        return self._own(batch.find(copy_id, scope=self.tenant, actor=self.actor, version=version))

    @contextmanager
    def find_and_lock(self, copy_id: UUID) -> Iterator[BatchContext]:
        """Lock that copy, to be written. Raises ``NotFound``, ``LockNotAcquired``."""
        with batch.find_and_lock(copy_id, scope=self.tenant, actor=self.actor, wait=WAIT_SECONDS) as context:
            yield self._own(context)

    def _own(self, context: BatchContext) -> BatchContext:
        # An id may be a form's too: to a guest it means their copy, also when that is deleted.
        if self.guest is not None and context.copy.id != self.guest.copy_id:
            raise NotFound
        return context

    def context(self, **shown: Any) -> dict[str, Any]:
        """Return what every page shows, with ``shown``."""
        return {"tenant": self.tenant, "guest": self.guest, **shown}


class GuestVisitor(Visitor):
    """The guest of one copy, let in by the session that their link opened."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest.actor, guest.tenant)
        self.guest = guest

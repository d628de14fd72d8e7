"""Purges forms: those that were deleted too long ago, test forms that were started too long ago, and where a tenant
wants it those that nobody has changed for years, are erased for good, as ``erase_form`` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from actions.registry import RetryAfter
from batch.changes.mutators.bindings import UNDER_WAY
from batch.changes.records import BOUND
from copies.models import Copy
from forms.models import ApplicationForm, Binding, Disposition
from operations.erasure import certificates
from operations.erasure.certificates import ErasureRefused, UnknownForm
from operations.erasure.form_erasure import erase_form
from operations.erasure.legal_holds import held_forms
from operations.models import Erasure
from tenants.access import Actor, system_actor
from tenants.models import Tenant

#: The authors of the certificates.
PURGE: Final[Actor] = system_actor("purge of deleted forms")
RETENTION: Final[Actor] = system_actor("retention of old forms")
_DAYS_OF_YEAR: Final = 365.25
#: A run ends after this time, in seconds; the next one follows at once.
RUN_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 2.0
_FIRST_DELETED: Final = F("deleted_at").asc(nulls_last=True)

log = structlog.get_logger(__name__)


def expired_forms() -> QuerySet[ApplicationForm]:
    """Return the forms of the tenant in scope that were deleted too long ago, and the test forms that were started too
    long ago, whatever they are used for; none under a legal hold.

    Deleted ones with a locked copy are none, and without the setting for it neither are bound ones and those with a
    binding under way.
    """
    retention = settings.DELETED_FORMS
    expired = Q(pk=None)
    if retention.days:
        locked = Copy.objects.filter(application_form_id=OuterRef("pk"), locked_at__isnull=False, deleted_at=None)
        deleted = ApplicationForm.objects.filter(deleted_at__lt=Now() - timedelta(days=retention.days))
        expired |= Q(pk__in=unretained(deleted.filter(~Exists(locked))).order_by().values("pk"))
    if retention.test_days:
        expired |= Q(is_test=True, created_at__lt=Now() - timedelta(days=retention.test_days))
    held = held_forms().filter(application_form_id=OuterRef("pk"))
    return ApplicationForm.objects.filter(expired).filter(~Exists(held))


def unretained(forms: QuerySet[ApplicationForm]) -> QuerySet[ApplicationForm]:
    """Return those of ``forms`` that no duty keeps: neither a legal hold, nor, without the setting for it, that they
    are bound.
    """
    forms = forms.filter(~Exists(held_forms().filter(application_form_id=OuterRef("pk"))))
    return forms if settings.DELETED_FORMS.purges_bound else forms.exclude(pk__in=bound_forms().values("pk"))


def bound_forms() -> QuerySet[ApplicationForm]:
    """Return the forms of the tenant in scope that are bound, or have a binding under way."""
    copies = Copy.objects.filter(application_form_id=OuterRef(OuterRef("pk"))).order_by().values("pk")
    bindings = Binding.objects.filter(copy_id__in=copies, state__in=[*UNDER_WAY, Binding.State.BOUND])
    bound = Disposition.objects.filter(application_form_id=OuterRef("pk"), code=BOUND, withdrawn_at=None)
    return ApplicationForm.objects.filter(Exists(bindings) | Exists(bound))


def outdated_forms(tenant: Tenant) -> QuerySet[ApplicationForm]:
    """Return the forms of ``tenant``, which is in scope, that no person or program has changed for the years of its
    retention, without locked ones and those that a duty keeps (``unretained``). Without a retention it is empty.
    """
    if not tenant.form_retention_years:
        return ApplicationForm.objects.none()
    since = timezone.now() - timedelta(days=tenant.form_retention_years * _DAYS_OF_YEAR)
    copies = Copy.objects.filter(application_form_id=OuterRef("pk"))
    in_use = copies.filter(Q(last_touched_by_user_at__gte=since) | Q(locked_at__isnull=False, deleted_at=None))
    return unretained(ApplicationForm.objects.filter(~Exists(in_use), created_at__lt=since))


def purge_deleted_forms(tenant: Tenant) -> None:
    """Erase the tenant's expired forms. Raises ``RetryAfter`` where more are left after ``RUN_SECONDS``."""
    _purge_all(tenant, Purging("deleted forms", PURGE, lambda: expired_forms().order_by(_FIRST_DELETED, "created_at")))


def purge_outdated_forms(tenant: Tenant) -> None:
    """Erase the tenant's outdated forms. Raises ``RetryAfter`` where more are left after ``RUN_SECONDS``."""
    # The years may have been changed since the action was loaded.
    tenant.refresh_from_db(fields=["form_retention_years"])
    _purge_all(tenant, Purging("outdated forms", RETENTION, lambda: outdated_forms(tenant).order_by("created_at")))


class Purging(NamedTuple):
    """A purge: its name, the author of its certificates, and the forms that are due in the tenant's scope."""

    what: str
    actor: Actor
    due: Callable[[], QuerySet[ApplicationForm]]

    def is_due(self, form_id: UUID) -> bool:
        """Return whether the form is due, or gone already."""
        return self.due().filter(pk=form_id).exists() or not ApplicationForm.objects.filter(pk=form_id).exists()

    def own_certificates(self) -> QuerySet[Erasure]:
        """Return the certificates that it has begun."""
        author = certificates.author_of(self.actor)
        return Erasure.objects.filter(subject=Erasure.Subject.FORM, finished_at=None, requested_by=author)


def _purge_all(tenant: Tenant, purging: Purging) -> None:
    """Erase what is due, those forms first whose erasure was interrupted: their rows may be gone already. A form that
    something works on waits for the next hour.
    """
    started = time.monotonic()
    begun = purging.own_certificates().filter(tenant_id=tenant.pk).order_by("started_at")
    waiting = [*begun.values_list("subject_id", flat=True), *purging.due().values_list("pk", flat=True)]
    purged = 0
    for form_id in dict.fromkeys(waiting):
        if time.monotonic() - started > RUN_SECONDS:
            raise RetryAfter(_PAUSE_SECONDS, f"More {purging.what} are to be purged.", counts=False)
        purged += _purge(form_id, tenant, purging)
    if purged:
        log.info("purged", what=purging.what, rows=purged)


def _purge(form_id: UUID, tenant: Tenant, purging: Purging) -> bool:
    """Erase the form unless it is in use, or no longer due; return whether it is gone."""
    certificate = purging.own_certificates().filter(subject_id=form_id)
    try:
        erase_form(form_id, tenant=tenant, actor=purging.actor, is_due=lambda: purging.is_due(form_id))
    except UnknownForm:
        # Killed after the last step of its erasure.
        for left in certificate:
            certificates.finish(left)
    except ErasureRefused as refused:
        # Nothing of it was erased, so there is nothing to certify.
        if ApplicationForm.objects.filter(pk=form_id).exists():
            certificate.delete()
        log.info("purge_postponed", form_id=str(form_id), reason=str(refused))
        return False
    return True

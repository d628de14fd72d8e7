"""Purges forms: those that were deleted too long ago, and test forms that were started too long ago, are erased for
good, as ``erase_form`` does.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from actions.registry import RetryAfter
from batch.changes.mutators.bindings import UNDER_WAY
from batch.changes.records import BOUND
from copies.models import Copy
from forms.models import ApplicationForm, Binding, Disposition
from operations.erasure import certificates
from operations.erasure.certificates import ErasureRefused, UnknownForm
from operations.erasure.form_erasure import erase_form
from operations.models import Erasure
from tenants.access import Actor, system_actor
from tenants.models import Tenant

#: The author of the certificates.
PURGE: Final[Actor] = system_actor("purge of deleted forms")
#: A run ends after this time, in seconds; the next one follows at once.
RUN_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


def expired_forms() -> QuerySet[ApplicationForm]:
    """Return the forms of the tenant in scope that were deleted too long ago, and the test forms that were started too
    long ago, whatever they are used for.

    Deleted ones with a locked copy are none, and without the setting for it neither are bound ones and those with a
    binding under way.
    """
    retention = settings.DELETED_FORMS
    expired = Q(pk=None)
    if retention.days:
        expired |= Q(deleted_at__lt=Now() - timedelta(days=retention.days)) & _unprotected(retention.purges_bound)
    if retention.test_days:
        expired |= Q(is_test=True, created_at__lt=Now() - timedelta(days=retention.test_days))
    return ApplicationForm.objects.filter(expired)


def _unprotected(purges_bound: bool) -> Q:
    """Return the condition on forms that neither a lock nor a policy keeps."""
    locked = Copy.objects.filter(application_form_id=OuterRef("pk"), locked_at__isnull=False, deleted_at=None)
    if purges_bound:
        return Q(~Exists(locked))
    copies = Copy.objects.filter(application_form_id=OuterRef(OuterRef("pk"))).order_by().values("pk")
    bindings = Binding.objects.filter(copy_id__in=copies, state__in=[*UNDER_WAY, Binding.State.BOUND])
    bound = Disposition.objects.filter(application_form_id=OuterRef("pk"), code=BOUND, withdrawn_at=None)
    return Q(~Exists(locked), ~Exists(bindings), ~Exists(bound))


def purge_deleted_forms(tenant: Tenant) -> None:
    """Erase the tenant's expired forms, those first whose erasure was interrupted. A form that something works on waits
    for the next hour. Raises ``RetryAfter`` where more are left after ``RUN_SECONDS``.
    """
    started = time.monotonic()
    waiting = [*_interrupted(tenant), *_in_order(expired_forms())]
    purged = 0
    for form_id in dict.fromkeys(waiting):
        if time.monotonic() - started > RUN_SECONDS:
            raise RetryAfter(_PAUSE_SECONDS, "More forms are to be purged.", counts=False)
        purged += _purge(form_id, tenant)
    if purged:
        log.info("purged", what="deleted forms", rows=purged)


def _in_order(forms: QuerySet[ApplicationForm]) -> list[UUID]:
    """Return the ids of ``forms``, those first that were deleted first."""
    return list(forms.order_by(F("deleted_at").asc(nulls_last=True), "created_at").values_list("pk", flat=True))


def _interrupted(tenant: Tenant) -> list[UUID]:
    """Return the forms whose purge was killed: their rows may be gone already."""
    begun = _own_certificates().filter(tenant_id=tenant.pk).order_by("started_at")
    return list(begun.values_list("subject_id", flat=True))


def _purge(form_id: UUID, tenant: Tenant) -> bool:
    """Erase the form unless it is in use, or restored or bound meanwhile; return whether it is gone."""
    certificate = _own_certificates().filter(subject_id=form_id)
    try:
        erase_form(form_id, tenant=tenant, actor=PURGE, is_due=lambda: _is_due(form_id))
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


def _is_due(form_id: UUID) -> bool:
    """Return whether the form is expired, or gone already."""
    return expired_forms().filter(pk=form_id).exists() or not ApplicationForm.objects.filter(pk=form_id).exists()


def _own_certificates() -> QuerySet[Erasure]:
    return Erasure.objects.filter(
        subject=Erasure.Subject.FORM, finished_at=None, requested_by=certificates.author_of(PURGE)
    )

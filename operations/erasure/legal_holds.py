"""Legal holds: sets and releases them, and names the forms that are held."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from forms.models import ApplicationForm
from operations.erasure.certificates import UnknownForm, author_of
from operations.models import LegalHold
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

MAX_REASON: Final = 300

log = structlog.get_logger(__name__)


class AlreadyHeld(Exception):
    """The form is held already."""


def held_forms() -> QuerySet[LegalHold]:
    """Return the holds in force of the tenant in scope."""
    return LegalHold.objects.filter(released_at=None)


def hold_form(form_id: UUID, *, tenant: Tenant, actor: Actor, reason: str) -> LegalHold:
    """Hold the form. Raises ``UnknownForm``, ``AlreadyHeld``."""
    hold = LegalHold(
        id=uuid7(),
        tenant_id=tenant.pk,
        application_form_id=form_id,
        reason=reason[:MAX_REASON],
        set_by=author_of(actor),
        created_at=Now(),
    )
    with use_tenant(tenant):
        if not ApplicationForm.objects.filter(pk=form_id).exists():
            raise UnknownForm(f"{tenant.code} has no application form {form_id}.")
        LegalHold.objects.bulk_create([hold], ignore_conflicts=True)
        if not held_forms().filter(pk=hold.pk).exists():
            raise AlreadyHeld(f"The form {form_id} is held already.")
    log.info("audit.form_held", form=str(form_id), tenant=tenant.code, actor=author_of(actor))
    return hold


def release_form(form_id: UUID, *, tenant: Tenant, actor: Actor) -> bool:
    """Release the hold of the form; return whether it was held. The hold stays as a record."""
    with use_tenant(tenant):
        held = held_forms().filter(application_form_id=form_id)
        released = held.update(released_at=Now(), released_by=author_of(actor))
    if released:
        log.info("audit.form_released", form=str(form_id), tenant=tenant.code, actor=author_of(actor))
    return bool(released)

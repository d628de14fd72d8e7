"""The certificate of an erasure: begun once, continued by a repeated command, finished once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from operations.models import Erasure
from tenants.access import Actor
from tenants.models import Tenant


class ErasureRefused(Exception):
    """The erasure cannot begin; the sentence names the remedy. Nothing was erased."""


class UnknownForm(ErasureRefused):
    """The tenant has no such form."""


class FormHeld(ErasureRefused):
    """The form is under a legal hold."""


class ErasureUnderWay(ErasureRefused):
    """Another erasure of the same person is under way, or cannot be ruled out because Redis is away."""

    def __init__(self) -> None:
        super().__init__("Another erasure of this person is under way. Try again in a moment.")


class NoLongerDue(ErasureRefused):
    """The form was restored or bound before its erasure began."""


def author_of(actor: Actor) -> str:
    """Return ``actor`` as certificates name it."""
    return f"{actor.type}:{actor.id}"[:64]


def begin(
    subject: Erasure.Subject, subject_id: UUID, *, tenant: Tenant, actor: Actor, count: Callable[[], Mapping[str, int]]
) -> Erasure:
    """Return the certificate of the erasure under way, or a new one with the present counts."""
    begun = Erasure.objects.filter(subject=subject, subject_id=subject_id, finished_at=None).first()
    if begun is not None:
        return begun
    return Erasure.objects.create(
        id=uuid7(),
        subject=subject,
        subject_id=subject_id,
        tenant_id=tenant.pk,
        tenant_code=tenant.code,
        counts={table: rows for table, rows in count().items() if rows},
        requested_by=author_of(actor),
        started_at=timezone.now(),
    )


def finish(certificate: Erasure) -> None:
    """Finish the certificate."""
    certificate.finished_at = timezone.now()
    certificate.save(update_fields=["finished_at"])


def withdraw(subject_id: UUID, *, actor: Actor) -> None:
    """Delete the certificate that ``actor`` began of a form of which nothing was erased."""
    Erasure.objects.filter(
        subject=Erasure.Subject.FORM, subject_id=subject_id, finished_at=None, requested_by=author_of(actor)
    ).delete()

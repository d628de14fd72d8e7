"""Batch operations with their items, and certificates of erasure.

Certificates are in the shared database; they contain counts and no personal data.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from operations.batch_models import BatchOperation, ExportReceipt, ImportMapping, ItemState, OperationItem
from operations.hold_models import LegalHold

__all__ = ["BatchOperation", "Erasure", "ExportReceipt", "ImportMapping", "ItemState", "LegalHold", "OperationItem"]


class Erasure(models.Model):
    """Proof of the erasure of a form, a tenant, a person or an account. Begun before the first row is deleted, so a
    killed one goes on.
    """

    class Subject(models.TextChoices):
        """What was erased."""

        FORM = "form", "Application form"
        TENANT = "tenant", "Tenant"
        PERSON = "person", "Person"
        ACCOUNT = "account", "Account"

    id = models.UUIDField(primary_key=True, editable=False)
    subject = models.CharField(max_length=10, choices=Subject.choices)
    subject_id = models.UUIDField(
        help_text="The id of the form, tenant or account. Of a person a random one, once the erasure has finished."
    )
    tenant_id = models.UUIDField("tenant")
    tenant_code = models.CharField(max_length=50)
    counts = models.JSONField(default=dict, help_text="The number of erased rows by table.")
    stays = models.JSONField(default=list, help_text="Of a person: the forms that stay, and why.")
    left_to_staff = models.JSONField(
        default=list,
        help_text="Of a person whose erasure an API client requested: what only staff can search, because all tenants "
        "share it.",
    )
    requested_by = models.CharField(max_length=64, help_text="Kind and id of the actor; no name.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        permissions: ClassVar = [("erase_person", "Can find, export and erase the data of a person")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_id"], condition=models.Q(finished_at=None), name="erasure_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_subject_display()} {self.subject_id}"

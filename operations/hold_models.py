"""The table of legal holds: forms that nothing may erase while a court or regulator may ask for them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class LegalHold(TenantModel):
    """A form that stays as it is until the hold is released: no purge, retention or erasure touches it."""

    id = models.UUIDField(primary_key=True, editable=False)
    application_form_id = models.UUIDField("application form")
    reason = models.CharField(max_length=300, help_text="Why, such as the number of the case. No personal data.")
    set_by = models.CharField(max_length=64, help_text="Kind and id of the actor; no name.")
    created_at = models.DateTimeField()
    released_by = models.CharField(max_length=64, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application_form_id"], condition=models.Q(released_at=None), name="legal_hold_once"
            )
        ]

    def __str__(self) -> str:
        return f"Hold of {self.application_form_id}"

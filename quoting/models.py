"""Tables of quoting, in the tenant's database: the messages that carriers sent by themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class CarrierMessage(TenantModel):
    """One callback of a carrier, stored as it arrived together with the action that imports it.

    A carrier repeats a callback under the same ``message_id``; only the first one is stored.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    link_id = models.UUIDField("link")
    carrier = models.CharField(max_length=64)
    copy_id = models.UUIDField("copy", db_index=True)
    message_id = models.CharField(max_length=128, help_text="The webhook-id of the callback.")
    body = models.TextField()
    received_at = models.DateTimeField(db_index=True)
    imported_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True, help_text="What the import did: applied, older or unknown.")

    class Meta:
        ordering: ClassVar = ["-received_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["link_id", "message_id"], name="carrier_message_once")]

    def __str__(self) -> str:
        return f"{self.carrier}: {self.message_id}"

"""The messages that carriers sent by themselves, in the tenant's database."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from tenants.managers import TenantModel


class CarrierMessage(TenantModel):
    """One callback of a carrier, stored as it arrived. The action that imports it is made by the dispatcher.

    A carrier repeats a callback under the same ``message_id``, from which and from the link the ``id`` is derived: only
    the first one is stored.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    link_id = models.UUIDField("link")
    carrier = models.CharField(max_length=64)
    copy_id = models.UUIDField("copy")
    message_id = models.CharField(max_length=128, help_text="The webhook-id of the callback.")
    body = models.TextField()
    correlation_id = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True, help_text="When its import was put into the outbox.")
    imported_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True, help_text="What the import did: applied, older or unknown.")

    class Meta:
        ordering: ClassVar = ["-received_at", "-id"]
        indexes: ClassVar = [
            # Few and cheap ones: a callback is acknowledged once its row is stored.
            BrinIndex(fields=["received_at"], name="carrier_message_received"),
            models.Index(fields=["received_at"], name="carrier_message_waiting", condition=models.Q(queued_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.carrier}: {self.message_id}"

"""The outbox: deferred actions stored in the transaction of the save that asked for them. The row is the job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from actions.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookPayload
from tenants.scoping import TenantModel

__all__ = ["OutboxAction", "WebhookAttempt", "WebhookDelivery", "WebhookEndpoint", "WebhookPayload"]


class OutboxAction(TenantModel):
    """One deferred action, waiting. Deleted when done; per copy, order follows the version."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=64)
    target = models.CharField(
        max_length=200, help_text="What it is done to; actions of one kind and target in a save are one."
    )
    payload = models.JSONField()
    payload_version = models.PositiveSmallIntegerField(default=1)
    copy_id = models.UUIDField("copy", null=True)
    version = models.PositiveIntegerField(
        null=True, help_text="The copy's version that asked for it: its sequence number."
    )
    correlation_id = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], name="outbox_due"),
            models.Index(fields=["copy_id", "version"], name="outbox_copy"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.target}"

"""Tables of webhooks, all in the tenant's database: endpoints, payloads, one delivery per endpoint and event, and every
attempt.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from uuid_utils.compat import uuid7

from tenants.history import History
from tenants.managers import TenantModel
from tenants.tenant_history import TenantHistoryRow


class DeliveryState(models.TextChoices):
    """The state of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DisabledReason(models.TextChoices):
    """The reason why an endpoint is disabled."""

    BY_HAND = "by_hand", "turned off by hand"
    GONE = "gone", "the endpoint responded with 410 Gone"
    FAILING = "failing", "every attempt failed for 120 hours"


class WebhookEndpoint(TenantModel):
    """An address at which a partner's system receives events. Its secrets are encrypted with the tenant's key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.CharField(max_length=2_000)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(models.CharField(max_length=64), help_text='["*"] means all.')
    has_test_forms = models.BooleanField(
        "events of test forms", default=True, help_text="Whether events of test forms are sent too."
    )
    secret = models.BinaryField()
    previous_secret = models.BinaryField(null=True, help_text="Also signs events until the rotation ends.")
    previous_secret_until = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=16, choices=DisabledReason.choices, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Failed attempts since the last success.")
    failing_since = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True, help_text="No events are sent before this time.")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    history: ClassVar[Any] = History(
        secrets=("secret", "previous_secret"),
        untracked=("previous_secret_until", "failures", "failing_since", "last_failure_at", "paused_until"),
        base=TenantHistoryRow,
    )

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["tenant_id"], name="webhook_endpoint_tenant")]

    def __str__(self) -> str:
        return self.url


class WebhookPayload(TenantModel):
    """The payload of one event: its id is the action's, its ``body`` the exact text that is signed and sent.

    ``position`` is its place in the tenant's feed, in the order in which events become visible; tests have none.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    event_type = models.CharField(max_length=64)
    copy_id = models.UUIDField("copy", null=True)
    version = models.PositiveIntegerField(null=True)
    is_test = models.BooleanField(default=False, help_text="The event is of a test form.")
    body = models.TextField()
    correlation_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_index=True)
    position = models.BigIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "position"], name="webhook_payload_position")
        ]

    def __str__(self) -> str:
        return self.event_type


class WebhookDelivery(TenantModel):
    """One event for one endpoint. ``attempts`` counts from the last replay; ``next_attempt_at`` is the job."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    payload = models.ForeignKey(WebhookPayload, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True, help_text="Set while a process sends it.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["payload", "endpoint"], name="webhook_delivery_once_per_endpoint")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                name="webhook_delivery_due",
                condition=models.Q(state=DeliveryState.PENDING),
            ),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.payload_id} for {self.endpoint_id}"


class WebhookAttempt(TenantModel):
    """One attempt at a delivery: the endpoint's response (``status``), or the ``error`` if there was none."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    number = models.PositiveSmallIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=40, blank=True)
    excerpt = models.TextField(blank=True, help_text="The beginning of the response, at most 1 KiB.")
    duration = models.PositiveIntegerField(help_text="In milliseconds.")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.number}: {self.status or self.error}"

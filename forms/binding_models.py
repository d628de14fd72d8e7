"""Bindings: the way of one quote to a policy. Written by the batch alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from copies.guarded_models import BatchWrittenModel

__all__ = ["Binding"]


class Binding(BatchWrittenModel):
    """The binding of one quote: consent and payment, the request to the carrier, and the policy."""

    batch_call: ClassVar = "context.changeset.bindings.of(quote_request_id)"

    class State(models.TextChoices):
        """The state of the binding."""

        DRAFT = "draft", "Draft"
        HELP_REQUESTED = "help_requested", "Help requested"
        REQUESTED = "requested", "Requested"
        PENDING = "pending", "Pending at the carrier"
        BOUND = "bound", "Bound"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    quote_request_id = models.UUIDField("quote request")
    state = models.CharField(max_length=20, choices=State)
    # What is agreed
    consent = models.JSONField(
        default=dict,
        help_text="The wording with its SHA-256, who accepted it and when, and the version of the copy. Empty without.",
    )
    consent_void_reason = models.CharField(max_length=200, blank=True, help_text="Why the last consent is void.")
    payment_plan = models.CharField(max_length=64, blank=True, help_text="The plan that the carrier was sent.")
    payment_method_id = models.UUIDField("payment method", null=True)
    # What was sent
    bind_token = models.CharField(
        max_length=64, blank=True, help_text="Identifies the request to the carrier if it is sent again."
    )
    carrier_reference = models.CharField(max_length=100, blank=True, help_text="The quote that the carrier is to bind.")
    requested_at = models.DateTimeField(null=True)
    requested_by = models.CharField(max_length=200, blank=True)
    requested_version = models.PositiveIntegerField(null=True, help_text="The version of the copy that is bound.")
    sent_at = models.DateTimeField(null=True, help_text="When the request was sent first.")
    attempts = models.PositiveSmallIntegerField(default=0)
    # What the carrier reported
    answered_at = models.DateTimeField(null=True)
    policy_number = models.CharField(max_length=100, blank=True)
    reasons = models.JSONField(default=list, help_text="Why it was refused: code and text.")
    # Help
    help_requested_at = models.DateTimeField(null=True)
    help_requested_by = models.CharField(max_length=200, blank=True)
    help_note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["copy_id"], name="binding_copy")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["quote_request_id"], name="binding_once_per_quote")]

    def __str__(self) -> str:
        return f"Binding {self.state}"

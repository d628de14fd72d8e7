"""Quote requests to carriers, and what carriers ask for before a policy is bound. Written by the batch alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from copies.guarded_models import BatchWrittenModel

__all__ = ["QuoteRequest", "Subjectivity"]


class QuoteRequest(BatchWrittenModel):
    """One copy's request to a carrier for one product, from draft to policy."""

    batch_call: ClassVar = "context.changeset.quote_requests.request(product)"

    class State(models.TextChoices):
        """The state of the request to the carrier."""

        DRAFT = "draft", "Draft"
        QUEUED = "queued", "Queued"
        SUBMITTED = "submitted", "Submitted"
        ESTIMATED = "estimated", "Estimated"
        QUOTED = "quoted", "Quoted"
        REFERRED = "referred", "Referred"
        DECLINED = "declined", "Declined"
        BLOCKED = "blocked", "Blocked"
        FAILED = "failed", "Failed"
        STALE = "stale", "Stale"
        EXPIRED = "expired", "Expired"
        SELECTED = "selected", "Selected"
        BOUND = "bound", "Bound"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    carrier = models.CharField(max_length=64)
    product = models.CharField(max_length=64)
    state = models.CharField(max_length=20, choices=State)
    carrier_state = models.CharField(
        max_length=20,
        blank=True,
        help_text="The state by the carrier's last message. A stale quote returns to it when it is current again.",
    )
    stale_by = models.CharField(
        max_length=20, blank=True, help_text="Why it is stale: the payload changed, or another copy was submitted."
    )
    request_token = models.CharField(
        max_length=64, help_text="Identifies the request to the carrier if it is sent again."
    )
    sequence = models.PositiveIntegerField(default=0, help_text="The number of the carrier's last message.")
    # What was sent
    asked_version = models.PositiveIntegerField(null=True, help_text="The version of the copy that was sent.")
    release_id = models.IntegerField("release", null=True, help_text="The release that mapped what was sent.")
    payload_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of what was sent, with the request token."
    )
    asked = models.JSONField(default=list, help_text="What was asked for, as shown: path, label and value.")
    indication = models.PositiveBigIntegerField(null=True, help_text="Our own premium when it was sent.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    # What the carrier reported
    carrier_reference = models.CharField(max_length=100, blank=True)
    previous_references = models.JSONField(default=list, help_text="The carrier's earlier references, oldest first.")
    estimate = models.PositiveBigIntegerField(null=True, help_text="The carrier's first, not binding premium.")
    premium = models.PositiveBigIntegerField(null=True, help_text="In whole units of the currency, per year.")
    is_bindable = models.BooleanField(
        default=False, help_text="Whether the quote can be bound. If not, it is an indication."
    )
    valid_until = models.DateField(null=True, help_text="The last day on which the quote can be bound.")
    changes = models.JSONField(default=list, help_text="What the carrier changed: asked and offered.")
    reasons = models.JSONField(default=list, help_text="The carrier's reasons: code and text.")
    answered_at = models.DateTimeField(null=True, help_text="When the carrier's last result came.")
    firm_at = models.DateTimeField(null=True, help_text="When the first firm premium came.")
    policy_number = models.CharField(max_length=100, blank=True)
    reason = models.CharField(
        max_length=500, blank=True, help_text="Why it was referred or declined, failed, or became stale."
    )
    details = models.JSONField(default=dict, help_text="Further facts of the request. Nothing sensitive.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["copy_id"], name="quote_request_copy"),
            models.Index(fields=["tenant_id", "-updated_at", "-id"], name="quote_request_updated"),
            models.Index(fields=["request_token"], name="quote_request_token"),
            models.Index(
                fields=["valid_until"],
                name="quote_request_valid",
                condition=models.Q(state__in=("estimated", "quoted", "referred", "selected")),
            ),
            models.Index(fields=["updated_at"], name="quote_request_failed", condition=models.Q(state="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.state}"


class Subjectivity(BatchWrittenModel):
    """A condition of a quote that is to be met: pay, sign, send a document, answer more."""

    batch_call: ClassVar = "context.changeset.subjectivities.find(id).mark_done()"

    class Kind(models.TextChoices):
        """What is to be done."""

        PAY = "pay", "Pay"
        SIGN = "sign", "Sign"
        UPLOAD = "upload", "Send a document"
        ANSWER = "answer", "Answer"

    class Owner(models.TextChoices):
        """Who is to do it."""

        AGENT = "agent", "Agent"
        INSURED = "insured", "Insured"
        CARRIER = "carrier", "Carrier"

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    quote_request_id = models.UUIDField("quote request")
    code = models.CharField(max_length=64, help_text="The carrier's code, unique in its quote.")
    kind = models.CharField(max_length=20, choices=Kind)
    text = models.CharField(max_length=300)
    owner = models.CharField(max_length=20, choices=Owner)
    due_on = models.DateField(null=True)
    path = models.CharField(max_length=300, blank=True, help_text="The path of the answer that is missing, if any.")
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True, help_text="When the carrier no longer required it.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "subjectivities"
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["copy_id"], name="subjectivity_copy")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["quote_request_id", "code"], name="subjectivity_code_once")
        ]

    def __str__(self) -> str:
        return self.text

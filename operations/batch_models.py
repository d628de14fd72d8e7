"""Batch operations: one order over many forms, and its items, each of which succeeds or fails by itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from operations.state_words import ITEM_WORDS
from tenants.managers import TenantModel


class ItemState(models.TextChoices):
    """The state of one item."""

    QUEUED = "queued", ITEM_WORDS["queued"]
    IN_PROGRESS = "in_progress", ITEM_WORDS["in_progress"]
    COMPLETED = "completed", ITEM_WORDS["completed"]
    FAILED = "failed", ITEM_WORDS["failed"]
    CANCELLED = "cancelled", ITEM_WORDS["cancelled"]


class BatchOperation(TenantModel):
    """An order over many forms. Its state is computed from its items; all times are the database's.

    Its counts of ended items are changed by the statement that ends the items, so they are exact without counting.
    Stored besides them is only what the items cannot say: that it was paused, cancelled or stopped, and when it ended.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200, blank=True)
    arguments = models.BinaryField(help_text="What holds for every item, as the kind declares it; sealed JSON.")
    query = models.JSONField(null=True, help_text="The search that chose the items, if no list did.")
    options = models.JSONField(default=dict, help_text="force, stop_after_failures_percent.")
    is_dry_run = models.BooleanField(default=False)
    priority = models.SmallIntegerField(default=0, help_text="-10 to 10; higher ones run first within the tenant.")
    depends_on = models.UUIDField(null=True, help_text="The operation that must end before this one begins.")
    undoes = models.UUIDField(null=True, help_text="The operation that this one undoes.")
    planned_by = models.UUIDField(null=True, help_text="The dry run whose plan this operation carries out.")
    plan_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of a dry run's results, in hex.")
    total = models.PositiveIntegerField(default=0, help_text="The items that were accepted.")
    completed = models.PositiveIntegerField(default=0, help_text="The items that succeeded.")
    failed = models.PositiveIntegerField(default=0, help_text="The items that failed.")
    cancelled = models.PositiveIntegerField(default=0, help_text="The items that were cancelled.")
    rejected = models.PositiveIntegerField(default=0, help_text="The items that were refused at submission.")
    rejections = models.JSONField(default=list, help_text="Index and reason of the first refused items.")
    estimated_seconds = models.FloatField(null=True)
    created_by_type = models.CharField(max_length=20)
    created_by_id = models.CharField(max_length=64)
    created_by_label = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=10, help_text="Where it was submitted: web, api, admin or job.")
    correlation_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=200, blank=True)
    resume_at = models.DateTimeField(null=True, help_text="When a pause by the circuit breaker ends by itself.")
    faults_in_row = models.PositiveSmallIntegerField(default=0, help_text="Chunks that failed one after another.")
    stretch_started_at = models.DateTimeField(
        null=True, help_text="From when the time left is measured: a start, resume or retry, or its first twentieth."
    )
    stretch_began_with = models.PositiveIntegerField(default=0, help_text="The items that had ended by then.")
    cancelled_at = models.DateTimeField(null=True)
    stopped_reason = models.CharField(max_length=200, blank=True, help_text="Why it was cancelled by itself.")
    finished_at = models.DateTimeField(null=True)
    work_seconds = models.FloatField(default=0.0, help_text="The time of its chunks, over all workers.")
    database_seconds = models.FloatField(default=0.0)
    carrier_calls = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at", "-id"], name="operation_list"),
            models.Index(fields=["tenant_id"], name="operation_open", condition=models.Q(finished_at=None)),
            models.Index(fields=["finished_at"], name="operation_ended"),
        ]
        permissions: ClassVar = [("control_operation", "Can pause, resume and cancel operations")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class OperationItem(TenantModel):
    """One item of an operation and how it ended. The row is the job: a worker claims it by a lease."""

    id = models.UUIDField(primary_key=True, editable=False)
    operation_id = models.UUIDField("operation")
    number = models.PositiveIntegerField(help_text="Its place in the input, from 0.")
    input = models.BinaryField(help_text="The item as the kind's schema describes it; sealed JSON.")
    sender = models.JSONField(
        null=True, help_text="Who corrected it, with their rights then; empty for the operation's creator."
    )
    copy_id = models.UUIDField("copy", null=True, help_text="The copy that it is about, or that it made.")
    application_form_id = models.UUIDField("application form", null=True)
    state = models.CharField(max_length=12, choices=ItemState.choices, default=ItemState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker stopped before it reported the result of an attempt."
    )
    is_final = models.BooleanField(default=False, help_text="Whether only a forced retry tries it again.")
    next_attempt_at = models.DateTimeField(null=True, help_text="Not before this time; empty for at once.")
    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=300, blank=True, help_text="The reason in words, without sensitive values.")
    error_details = models.JSONField(default=list, help_text="Paths, codes and details as in the API's problems.")
    result = models.JSONField(default=dict, help_text="What the kind reports: outcome, counts of changes, new ids.")
    undo = models.JSONField(null=True, help_text="What an undo needs to know; only with versions, no values.")
    version_before = models.PositiveIntegerField(null=True)
    version_after = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True, help_text="The time of its last attempt.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        ordering: ClassVar = ["operation_id", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["operation_id", "number"], name="operation_item_number")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["operation_id", "number"], name="operation_item_queued", condition=models.Q(state="queued")
            ),
            models.Index(
                fields=["leased_until"], name="operation_item_leased", condition=models.Q(state="in_progress")
            ),
            # Completed and cancelled items are read in the order of the input, by the constraint's index.
            models.Index(
                fields=["operation_id", "state"],
                name="operation_item_state",
                condition=models.Q(state__in=["in_progress", "failed"]),
            ),
            models.Index(fields=["copy_id"], name="operation_item_copy"),
        ]

    def __str__(self) -> str:
        return f"Item {self.number} of {self.operation_id}"


class ExportReceipt(TenantModel):
    """The last version of a copy that an export of events has taken; the next one begins after it."""

    copy_id = models.UUIDField("copy", primary_key=True)
    application_form_id = models.UUIDField("application form")
    previous = models.PositiveIntegerField(default=0, help_text="The version with which the export before it ended.")
    version = models.PositiveIntegerField()
    operation_id = models.UUIDField("operation")
    exported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Versions of {self.copy_id} up to {self.version}"


class ImportMapping(TenantModel):
    """A mapping of a file's columns that is used again by its name. It contains names of columns and no values."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=100)
    catalogue = models.CharField(max_length=64)
    mapping = models.JSONField(help_text="From each column to its target, null for one that is not imported.")
    columns_hash = models.CharField(max_length=64, help_text="SHA-256 of the names of the columns, in hex.")
    created_by_type = models.CharField(max_length=20)
    created_by_id = models.CharField(max_length=64)
    created_by_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant_id", "name"], name="import_mapping_name")]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "catalogue", "columns_hash"], name="import_mapping_columns")
        ]

    def __str__(self) -> str:
        return self.name

"""Rows that belong to the unit of work itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from forms.models import OfCopy
from tenants.managers import TenantModel


class IdempotencyRecord(TenantModel):
    """The answer that a keyed request got, committed with the work it asked for and kept for 24 hours."""

    id = models.BigAutoField(primary_key=True)
    client = models.CharField(max_length=100, help_text="Type and id of the actor: two clients may use the same key.")
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(help_text="HMAC of method, path and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "client", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.key}"


class Process(OfCopy):
    """Long work on one copy that calls third parties between two locks.

    While ``held_until`` lies ahead, the copy is not cloned.
    """

    batch_call: ClassVar = "context.changeset.processes.start(kind)"

    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=20)
    step = models.CharField(max_length=60, blank=True, help_text="Where it goes on when it is resumed.")
    details = models.JSONField(default=dict, help_text="What it needs to go on; nothing sensitive.")
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "processes"
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["copy_id", "created_at"], name="process_copy"),
            models.Index(
                fields=["updated_at"], name="process_open", condition=models.Q(state__in=("running", "waiting"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

"""Rows that belong to the unit of work itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class IdempotencyRecord(TenantModel):
    """The answer that a keyed request got, committed with the work it asked for and kept for 24 hours."""

    id = models.BigAutoField(primary_key=True)
    client = models.CharField(max_length=100, help_text="Type and ID of the actor. Two clients may use the same key.")
    key = models.CharField(max_length=260, help_text="With the index of the entry, if the request is a list.")
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

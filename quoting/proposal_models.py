"""Links by which a customer opens a proposal without signing in. Imported by ``quoting.models``."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from uuid_utils.compat import uuid7

from tenants.managers import TenantModel


class ProposalLink(TenantModel):
    """A link to one proposal as it was when the link was made. Only the hash of its secret is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    copy_id = models.UUIDField("copy")
    version = models.PositiveIntegerField(help_text="The version of the copy that the proposal is about.")
    secret_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret, as hexadecimal text.")
    content = models.JSONField(help_text="The proposal as it was, with personal values masked.")
    expires_at = models.DateTimeField(help_text="When the link ends.")
    revoked_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True, help_text="When the link was opened last.")
    made_by_id = models.CharField(max_length=64)
    made_by_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["copy_id", "-created_at"], name="proposal_link_copy")]

    def __str__(self) -> str:
        return f"Proposal of {self.copy_id}"

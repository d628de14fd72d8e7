"""The table of mails about accounts in the shared database: also those that were requested for an unknown address."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from uuid_utils.compat import uuid7


class AccountMailKind(models.TextChoices):
    """The kind of a mail."""

    RESET = "reset", "Password reset"
    INVITATION = "invitation", "Invitation"
    CHANGED = "changed", "Change by staff"


class AccountMail(models.Model):
    """A mail that waits to be sent; the row is the job, and is deleted when the mail is sent or given up."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=16, choices=AccountMailKind.choices)
    email = models.EmailField(help_text="The address, whether or not it has an account.")
    origin = models.CharField(max_length=300, blank=True, help_text="The address of the product, for the link.")
    change = models.CharField(max_length=200, blank=True, help_text="What was changed, in words.")
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["created_at"]
        indexes: ClassVar = [models.Index(fields=["next_attempt_at"], name="account_mail_due")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.created_at:%Y-%m-%d %H:%M}"

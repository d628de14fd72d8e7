"""The table of sign-ins in the shared database: which session belongs to whom, and from where it began."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class UserSession(models.Model):
    """A session of a user, which is valid as long as Django's own row with its key is."""

    session_key = models.CharField(primary_key=True, max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True, help_text="The network address of the sign-in.")
    user_agent = models.CharField(max_length=200, blank=True, help_text="The browser's own words.")
    company_checked_at = models.DateTimeField(
        null=True, help_text="When the issuer of the company last vouched for the user; empty for other sign-ins."
    )
    company_proof = models.BinaryField(null=True, help_text="What the issuer said, sealed.")

    class Meta:
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.user_id} since {self.started_at:%Y-%m-%d %H:%M}"

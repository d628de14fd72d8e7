"""The tables of rate limits in the shared database: a row per scope, and rows for single tenants and API clients."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from tenants.history import History
from tenants.limits.memory import LimitMemory, StoredLimits
from tenants.limits.scopes import Limit


class LimitNumbers(models.Model):
    """The numbers that a limit consists of."""

    is_on = models.BooleanField("switched on", default=True, help_text="Without it nothing is counted or refused.")
    amount = models.PositiveIntegerField(
        validators=[MinValueValidator(1)], help_text="The most uses of one caller in any window."
    )
    window = models.PositiveIntegerField(
        "window in seconds", validators=[MinValueValidator(1)], help_text="60 is a minute, 3600 an hour, 86400 a day."
    )
    per_address = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="The most uses of all callers of one network address together. Empty: addresses are not counted.",
    )
    note = models.TextField(blank=True, help_text="Why it is set like this, for the next person.")
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def limit(self) -> Limit | None:
        """Return the limit, None if it is switched off."""
        if not self.is_on:
            return None
        return Limit(amount=self.amount, window=self.window, per_address=self.per_address)


class RateLimit(LimitNumbers):
    """The limit of one scope for all callers. A scope without a row has its default."""

    scope = models.CharField(max_length=40, primary_key=True)

    history: ClassVar[Any] = History(untracked=("modified",))
    #: What this process knows of all limits.
    memory: ClassVar[LimitMemory]

    class Meta:
        ordering: ClassVar = ["scope"]
        verbose_name = "rate limit"

    def __str__(self) -> str:
        return self.scope


class OwnRateLimit(LimitNumbers):
    """The limit of one scope for the callers of a tenant, or for one API client; the client's comes first."""

    scope = models.CharField(max_length=40)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Each user and API client of this tenant gets the limit.",
    )
    api_client = models.ForeignKey(
        "tenants.ApiClient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="API client",
        help_text="This API client gets the limit, whatever its tenant has.",
    )

    history: ClassVar[Any] = History(untracked=("modified",))

    class Meta:
        ordering: ClassVar = ["scope", "pk"]
        verbose_name = "own rate limit"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "tenant"], name="own_limit_once_per_tenant"),
            models.UniqueConstraint(fields=["scope", "api_client"], name="own_limit_once_per_client"),
            models.CheckConstraint(
                name="own_limit_of_tenant_or_client",
                condition=models.Q(tenant=None) ^ models.Q(api_client=None),
                violation_error_message="Choose a tenant or an API client, not both.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} of {self.tenant or self.api_client}"


def read_limits() -> StoredLimits:
    """Return all stored limits, in two queries."""
    own = list(OwnRateLimit.objects.all())
    return StoredLimits(
        scopes={row.scope: row.limit() for row in RateLimit.objects.all()},
        tenants={(row.scope, row.tenant_id): row.limit() for row in own if row.tenant_id is not None},
        clients={(row.scope, str(row.api_client_id)): row.limit() for row in own if row.api_client_id is not None},
    )


RateLimit.memory = LimitMemory(read_limits)

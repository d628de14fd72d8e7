"""Tables of carrier links: the settings of each link (shared), and its traffic log (in the tenant's database)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from tenants.history import History
from tenants.managers import TenantModel
from tenants.models import Tenant

#: The shortest and the longest time limit of a call, in seconds.
_SECONDS: tuple[MinValueValidator, MaxValueValidator] = (MinValueValidator(0.1), MaxValueValidator(120))


class CarrierLink(models.Model):
    """The link to a carrier: its address, credentials and limits. A tenant's own row replaces that of all tenants.

    Secrets are encrypted. During a rotation the previous callback secret is accepted as well.
    """

    class Mode(models.TextChoices):
        """The way in which the carrier responds, where it differs from the carrier's draft."""

        CARRIER = "", "As the carrier states"
        SYNC = "sync", "Immediately (sync)"
        POLL = "poll", "Accepts, then is polled (poll)"
        CALLBACK = "callback", "Accepts, then calls back (callback)"
        MANUAL = "manual", "By hand (manual)"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    catalogue = models.CharField(max_length=64, help_text="The code of its catalogue.")
    carrier = models.CharField(max_length=64, help_text="The code of the carrier in that catalogue.")
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Leave empty for the settings of all tenants.",
    )
    is_enabled = models.BooleanField("turned on", default=True)
    mode = models.CharField(max_length=20, choices=Mode, default=Mode.CARRIER, blank=True)
    base_url = models.CharField("address", max_length=500, help_text="Such as https://quotes.carrier.example/api.")
    portal_url = models.CharField(
        "carrier's own pages",
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["https"])],
        help_text="Where agents go on at the carrier itself. Leave empty if the carrier has no such pages.",
    )
    is_simulator = models.BooleanField(
        "simulator",
        default=False,
        help_text="The carrier's test system: quotes of test forms are requested only there.",
    )
    client_id = models.CharField("client ID", max_length=200)
    client_secret = models.BinaryField(null=True)
    callback_secret = models.BinaryField(null=True)
    previous_callback_secret = models.BinaryField(null=True)
    previous_callback_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    timeout_seconds = models.FloatField("time limit of a call (s)", default=15, validators=_SECONDS)
    connect_seconds = models.FloatField("time limit to connect (s)", default=3, validators=_SECONDS)
    slow_seconds = models.FloatField(
        "slow call (s)", default=10, validators=_SECONDS, help_text="A call that takes longer counts as failed."
    )
    per_minute = models.PositiveIntegerField(
        "requests per minute",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(60_000)],
        help_text="Leave empty for the number that the carrier states.",
    )
    most_in_flight = models.PositiveIntegerField(
        "calls at the same time",
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="Of all processes together.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    history: ClassVar[Any] = History(
        secrets=("client_secret", "callback_secret", "previous_callback_secret"),
        untracked=("previous_callback_secret_until", "updated_at"),
    )

    class Meta:
        ordering: ClassVar = ["catalogue", "carrier", "tenant"]
        permissions: ClassVar = [
            ("test_carrierlink", "Can make a test call"),
            ("reset_breaker", "Can close a carrier's circuit breaker"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["catalogue", "carrier", "tenant"],
                name="carrier_link_once_per_tenant",
                nulls_distinct=False,
                violation_error_message="This carrier already has link settings for this tenant.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier} ({self.tenant.name})" if self.tenant else self.carrier


class CarrierCall(TenantModel):
    """One HTTP request to a carrier and its result, without any sensitive value, token or secret."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    link_id = models.UUIDField()
    catalogue = models.CharField(max_length=64)
    carrier = models.CharField(max_length=64)
    operation = models.CharField(max_length=20)
    status = models.PositiveSmallIntegerField(null=True, help_text="The HTTP status, empty without a response.")
    error = models.CharField(max_length=20, blank=True, help_text="The reason of a failure.")
    detail = models.CharField(max_length=100, blank=True)
    duration = models.PositiveIntegerField(help_text="In milliseconds.")
    copy_id = models.UUIDField("copy", null=True)
    request_id = models.UUIDField("quote request", null=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    body = models.JSONField(null=True, help_text="The request with personal values masked.")
    reply = models.JSONField(null=True, help_text="The known fields of the response, without its texts.")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="carrier_call_log"),
            models.Index(fields=["carrier", "-created_at"], name="carrier_call_by_carrier"),
            models.Index(
                fields=["copy_id", "-created_at"], name="carrier_call_by_copy", condition=Q(copy_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.carrier}: {self.status or self.error}"

"""The table of company sign-ins in the shared database: the OpenID Connect issuer of a tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from uuid_utils.compat import uuid7

from tenants.history import History


class CompanySignIn(models.Model):
    """How the users of a tenant sign in with the accounts of their company. The secret is sealed in storage."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.OneToOneField("tenants.Tenant", on_delete=models.CASCADE, related_name="company_sign_in")
    issuer = models.CharField(max_length=500, help_text="Such as https://login.example.com/tenant, without a slash.")
    client_id = models.CharField("client ID", max_length=200)
    client_secret = models.BinaryField(null=True)
    mail_domains = ArrayField(
        models.CharField(max_length=253),
        help_text="The domains of the tenant's addresses, separated by commas. Others are refused.",
    )
    is_enabled = models.BooleanField(default=False, help_text="Whether the sign-in page offers it.")
    is_required = models.BooleanField(
        "only this way", default=False, help_text="Users of the tenant cannot sign in with a password."
    )
    adds_accounts = models.BooleanField(
        default=False, help_text="Somebody without an account gets one at the first sign-in, as an agent."
    )
    session_minutes = models.PositiveSmallIntegerField(
        "minutes until the next check",
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text="After so many minutes the issuer is asked whether the account still exists, by its refresh token. "
        "Without one the user signs in again.",
    )

    history: ClassVar[Any] = History(secrets=("client_secret",))

    class Meta:
        ordering: ClassVar = ["tenant__name"]

    def __str__(self) -> str:
        return f"{self.issuer} ({self.tenant})"

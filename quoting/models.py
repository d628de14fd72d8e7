"""Producer licenses and carrier appointments of a tenant, which say where it may sell.

They belong to one tenant, and gates are read with its forms, so they are in the tenant's database behind row-level
security and move and end with the tenant. They name carriers, products and lines by the codes of its catalogue.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from quoting.message_models import CarrierMessage
from quoting.proposal_models import ProposalLink
from tenants.managers import TenantModel

__all__ = ["CarrierAppointment", "CarrierMessage", "DatedPermission", "ProducerLicense", "ProposalLink"]

_STATE = RegexValidator(r"\A[A-Z]{2}\Z", "Use the two capital letters of a state, such as OH.")
_CODE_LENGTH = 64


def _codes(name: str, *, help_text: str, **options: Any) -> ArrayField[list[str], list[str]]:
    field: models.CharField[str, str] = models.CharField(max_length=_CODE_LENGTH, **options)
    return ArrayField(field, verbose_name=name, default=list, blank=True, help_text=help_text)


class DatedPermission(TenantModel):
    """The time of a license or an appointment."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    valid_from = models.DateField("from", help_text="The first day.")
    valid_until = models.DateField("until", null=True, blank=True, help_text="The last day. Leave empty for no end.")

    class Meta(TenantModel.Meta):
        abstract = True

    def clean(self) -> None:
        """Refuse a time that ends before it begins. Raises ``ValidationError``."""
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": "The last day is before the first one."})


class ProducerLicense(DatedPermission):
    """A license to sell insurance in one state: of the whole agency, or of one user of it."""

    user_id = models.UUIDField(
        "user", null=True, blank=True, help_text="The user who holds it. Leave empty for the whole agency."
    )
    state = models.CharField(max_length=2, validators=[_STATE])
    lines = _codes("lines of business", help_text="Codes, separated by commas. Leave empty for all.")
    number = models.CharField(max_length=60, help_text="The number that the state issued.")

    class Meta(DatedPermission.Meta):
        ordering: ClassVar = ["state", "number", "id"]
        verbose_name = "producer license"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="license_ends_after_its_begin",
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "user_id", "state", "number", "valid_from"],
                name="license_once",
                nulls_distinct=False,
                violation_error_message="This license is already recorded with this first day.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.number}"


class CarrierAppointment(DatedPermission):
    """An appointment by a carrier, which lets the agency sell its products."""

    carrier = models.CharField(max_length=_CODE_LENGTH, help_text="The carrier's code.")
    states = _codes("states", help_text="Such as OH, TX. Leave empty for all.", validators=[_STATE])
    lines = _codes("lines of business", help_text="Codes, separated by commas. Leave empty for all.")
    products = _codes("products", help_text="Codes, separated by commas. Leave empty for all.")
    producer_code = models.CharField(max_length=60, help_text="The code by which the carrier knows the agency.")

    class Meta(DatedPermission.Meta):
        ordering: ClassVar = ["carrier", "producer_code", "id"]
        verbose_name = "carrier appointment"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="appointment_ends_after_its_begin",
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.carrier} {self.producer_code}"

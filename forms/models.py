"""Rows of the forms app: application forms and declinations of a tenant; the catalogue's models come from
``forms.catalogue``.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from forms.catalogue import models as catalogue_models
from tenants.scoping import TenantModel

__all__ = ["ApplicationForm", "Declination", "catalogue_models"]


class ApplicationForm(TenantModel):
    """One insured's application at one tenant. Its state is derived from its copies, never stored."""

    id = models.UUIDField(primary_key=True, editable=False)
    catalogue = models.CharField(max_length=64, help_text="Code of the catalogue that it is asked by.")
    as_of = models.DateField(null=True, blank=True, help_text="Evaluation date; empty means today at the tenant.")
    created_by_type = models.CharField(max_length=20)
    created_by_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["tenant_id", "-created_at"], name="form_created")]

    def __str__(self) -> str:
        return f"Application form {self.id}"


class Declination(TenantModel):
    """Proof that surplus lines were opened lawfully: which admitted products declined, by which rules, on which inputs,
    when.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    copy_id = models.UUIDField("copy")
    version = models.PositiveIntegerField(help_text="The copy's version that opened the product.")
    product = models.CharField(max_length=64, help_text="The surplus product that opened.")
    line = models.CharField(max_length=64)
    release_id = models.IntegerField("release")
    declines = models.JSONField(help_text="Each admitted product with its reasons (rule and text).")
    inputs = models.JSONField(help_text="Path and value of every answer that those rules read; sensitive ones masked.")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["copy_id", "version", "product"], name="declination_once_per_opening")
        ]

    def __str__(self) -> str:
        return f"{self.product} opened on {self.copy_id}"

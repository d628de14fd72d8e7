"""The table of logos in the shared database, apart from tenants, so that no request loads a picture with its tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Logo(models.Model):
    """The logo of one tenant as a PNG; ``code`` is the id in its address."""

    tenant = models.OneToOneField("tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="+")
    code = models.UUIDField(unique=True)
    picture = models.BinaryField()

    objects: ClassVar[models.Manager[Logo]]

    def __str__(self) -> str:
        return str(self.code)

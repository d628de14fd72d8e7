"""Carrier packages: the publishers that are trusted, and the imports."""

from __future__ import annotations

import base64
import binascii
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ValidationError
from django.db import models

from catalogue.models.catalogues import Catalogue


def check_public_key(text: str) -> None:
    """Raise ``ValidationError`` unless ``text`` is base64 of the 32 bytes of an Ed25519 public key."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ValidationError("Enter the publisher's public key: 44 characters, such as AbCd…=.") from error


class PackagePublisher(models.Model):
    """A publisher whose carrier packages may be imported, by its public key (Ed25519)."""

    name = models.CharField(max_length=100, unique=True)
    public_key = models.CharField(max_length=44, validators=[check_public_key], help_text="32 bytes in base64.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PackageImport(models.Model):
    """An import of a carrier package into a catalogue's draft. Never altered."""

    catalogue = models.ForeignKey(Catalogue, on_delete=models.CASCADE, related_name="package_imports", editable=False)
    carrier = models.CharField(max_length=64, editable=False, help_text="The code of the carrier.")
    version = models.PositiveIntegerField(editable=False, help_text="The version of the package.")
    publisher = models.CharField(max_length=100, editable=False)
    signed_by = models.CharField(max_length=64, editable=False, help_text="The id of the key that signed the package.")
    checksum = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the signed content.")
    imported_at = models.DateTimeField(auto_now_add=True)
    imported_by_id = models.CharField("imported by", max_length=64, editable=False)

    class Meta:
        verbose_name = "carrier package"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.carrier} version {self.version}"

"""Releases: published catalogues, which never change."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from catalogue.models.catalogues import Catalogue


class Release(models.Model):
    """One published catalogue. The database refuses every change and deletion of these rows."""

    id = models.AutoField(primary_key=True)
    catalogue = models.ForeignKey(Catalogue, on_delete=models.PROTECT, related_name="releases", editable=False)
    number = models.PositiveIntegerField(editable=False, help_text="The number of the release within its catalogue.")
    content = models.BinaryField(help_text="The whole definition as compressed JSON.")
    checksum = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the definition.")
    draft_fingerprint = models.CharField(
        max_length=32, blank=True, editable=False, help_text="That of the draft rows which were published."
    )
    notes = models.TextField(blank=True, editable=False)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by_id = models.CharField("published by", max_length=64, editable=False)

    #: Sentences for the person who has just published it; not stored.
    notices: tuple[str, ...] = ()

    class Meta:
        ordering: ClassVar = ["catalogue", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["catalogue", "number"], name="release_number_once")]

    def __str__(self) -> str:
        return f"Release {self.number} of {self.catalogue}"

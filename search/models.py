"""Rows of the search index: one entry per copy, its words, and the trigrams of all words."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.managers import TenantModel


class SearchEntry(TenantModel):
    """The search entry of a copy: the version and release its words were taken from. Written by the relay and by
    ``rebuild_search``, never an older version over a newer one.
    """

    copy_id = models.UUIDField("copy", primary_key=True, editable=False)
    version = models.PositiveIntegerField()
    release_id = models.IntegerField("release")
    format = models.PositiveSmallIntegerField(
        help_text="The version of the indexing rules that the entry was made with."
    )
    indexed_at = models.DateTimeField()
    words_digest = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text="A digest of the texts of its words: where it stays the same, so do they.",
    )

    class Meta:
        verbose_name_plural = "search entries"
        ordering: ClassVar = ["copy_id"]

    def __str__(self) -> str:
        return f"{self.copy_id} at version {self.version}"


class SearchWord(TenantModel):
    """A word by which a copy is found. Contains no sensitive answer; personal ones are for readers who may see them."""

    id = models.BigAutoField(primary_key=True)
    copy_id = models.UUIDField("copy")
    # In byte order, so that prefixes of words are ranges of the index.
    word = models.CharField(max_length=40, db_collation="C")
    weight = models.PositiveSmallIntegerField()
    is_personal = models.BooleanField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["copy_id", "word"], name="search_word_once")]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant_id", "word"], include=["copy_id", "weight", "is_personal"], name="search_word_found"
            )
        ]

    def __str__(self) -> str:
        return f"{self.word} of {self.copy_id}"


class SearchSpelling(TenantModel):
    """A trigram of a word that some copy of the tenant contains: leads from a misspelled word to known ones."""

    id = models.BigAutoField(primary_key=True)
    trigram = models.CharField(max_length=3, db_collation="C")
    word = models.CharField(max_length=40, db_collation="C")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "trigram", "word"], name="search_spelling_once")
        ]

    def __str__(self) -> str:
        return f"{self.trigram} of {self.word}"


class IndustryPattern(models.Model):
    """The businesses in one ZIP code, by size class and industry. Shared by all tenants; loaded from a public file."""

    zip_code = models.CharField("ZIP code", max_length=5, primary_key=True)
    counts = models.JSONField(help_text="Size class -> industry code -> number of businesses.")

    class Meta:
        ordering: ClassVar = ["zip_code"]

    def __str__(self) -> str:
        return self.zip_code


class IndustryPatternFile(models.Model):
    """A loaded file of business patterns; the latest is in use."""

    name = models.CharField(max_length=200)
    zip_codes = models.PositiveIntegerField("ZIP codes")
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name

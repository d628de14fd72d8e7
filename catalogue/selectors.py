"""Selectors of catalogues for lists and pages."""

from __future__ import annotations

from catalogue.models import Catalogue


def list_published_catalogues(*, first: str) -> list[tuple[str, str]]:
    """Return code and title of each catalogue with a release, by title; the one with the code ``first`` comes first."""
    rows = Catalogue.objects.filter(releases__isnull=False).distinct().values_list("code", "title")
    return sorted(rows, key=lambda row: (row[0] != first, row[1].casefold()))

"""Compares the releases of a catalogue: the renames between two, those of a draft, and the labels of what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec
import zstandard

from catalogue.models import Catalogue, Release
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors
from rules.definition.past_labels import PastLabels, past_labels_of
from rules.definition.renames import Places, Renames, faults_against, places_of, renames_of

_MOST_PAIRS: Final = 1024
_MOST_PAST: Final = 32
#: Labels are taken from so many earlier releases.
_MOST_EARLIER: Final = 50
#: The keys of renames in a release's JSON: a release without them is not decoded.
_KEYS: Final = (b'"was":', b'"choices_were":')


@lru_cache(maxsize=_MOST_PAIRS)
def renames_between(before_id: int, after_id: int) -> tuple[Renames, ...]:
    """Return the renames of each release after ``before_id`` up to ``after_id``, in order; releases without renames are
    left out. Empty for two catalogues, and for a release that is not later.
    """
    ends = {row.pk: row for row in Release.objects.filter(pk__in=(before_id, after_id)).defer("content")}
    before, after = ends.get(before_id), ends.get(after_id)
    if before is None or after is None or before.catalogue_id != after.catalogue_id:
        return ()
    later = Release.objects.filter(
        catalogue_id=after.catalogue_id, number__gt=before.number, number__lte=after.number
    ).order_by("number")
    found = (_renames_in(row) for row in later.only("content").iterator(chunk_size=10))
    return tuple(renames for renames in found if renames is not None)


@lru_cache(maxsize=_MOST_PAIRS)
def release_number(release_id: int) -> int:
    """Return the number of a release among those of its catalogue. Raises ``Release.DoesNotExist``."""
    number: int = Release.objects.values_list("number", flat=True).get(pk=release_id)
    return number


@lru_cache(maxsize=_MOST_PAST)
def past_labels(release_id: int) -> PastLabels:
    """Return the labels of what earlier releases of the same catalogue asked and ``release_id`` does not."""
    present = Release.objects.get(pk=release_id)
    earlier = Release.objects.filter(catalogue_id=present.catalogue_id, number__lt=present.number)
    rows = earlier.order_by("-number").only("content")[:_MOST_EARLIER].iterator(chunk_size=1)
    return past_labels_of(_read(present), (_read(row) for row in rows))


def check_renames(catalogue: Catalogue, draft: CatalogueDefinition) -> None:
    """Raise ``CatalogueErrors`` where ``draft`` renames what no release of ``catalogue`` had, or what cannot follow."""
    if renames_of(draft).is_empty:
        return
    faults = faults_against(draft, _earlier(catalogue))
    if faults:
        raise CatalogueErrors(faults)


def _earlier(catalogue: Catalogue) -> Iterator[Places]:
    for row in catalogue.releases.order_by("-number").only("content").iterator(chunk_size=1):
        yield places_of(_read(row))


def _renames_in(row: Release) -> Renames | None:
    content = zstandard.decompress(bytes(row.content))
    if not any(key in content for key in _KEYS):
        return None
    renames = renames_of(_definition(content))
    return None if renames.is_empty else renames


def _read(row: Release) -> CatalogueDefinition:
    return _definition(zstandard.decompress(bytes(row.content)))


def _definition(content: bytes) -> CatalogueDefinition:
    return msgspec.json.decode(content, type=CatalogueDefinition)

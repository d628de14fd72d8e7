"""Publishes a catalogue's draft as an immutable release, and returns the current release, compiled.

Redis holds the id of the current release, so that all processes see a publish at once; the database decides if Redis
has no id or is down. Publishing owns its transaction (ADR 0003) and may not run inside another one, because processes
may see only committed releases.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Final

import msgspec
import zstandard
from django.db import connection, transaction
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from catalogue.drafts import read_draft
from catalogue.models import Catalogue, Release
from catalogue.publish_hooks import Published, run_hooks, stricter_questions
from catalogue.release_history import check_renames, past_labels, renames_between
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition, Sensitivity
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue

_CACHE: Final = "default"
#: The lifetime of the id in Redis, in seconds; it repairs the id after a database was restored or emptied.
_CACHE_SECONDS: Final = 60
_MAX_COMPILED: Final = 32
_MAX_SENSITIVITIES: Final = 256

#: Sets the current release unless a later one is set: the slower of two publishers must not win.
_ADVANCE: Final = """
local known = tonumber(redis.call('GET', KEYS[1]) or '') or 0
if known <= tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


class NoRelease(LookupError):
    """The release does not exist, or the catalogue has never been published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRelease:
    """A release with its compiled catalogue. ``id`` is unique over all catalogues, ``number`` within one."""

    id: int
    number: int
    catalogue_code: str
    compiled: CompiledCatalogue


def publish(catalogue: Catalogue, *, actor_id: str, notes: str = "") -> Release:
    """Publish the draft of ``catalogue`` and make it current everywhere; return the release.

    A draft equal to the current release makes no new release; the current one is returned. ``notices`` of the release
    are sentences for the person who publishes. Raises ``CatalogueErrors`` and publishes nothing if the draft is
    faulty, ``RuntimeError`` inside a transaction.
    """
    with transaction.atomic(durable=True):
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        before = locked.releases.order_by("-number").values_list("id", flat=True).first()
        release = _release_of(locked, actor_id=actor_id, notes=notes)
    _set_current(locked.code, release.id)
    if before is not None and before != release.id:
        stricter = stricter_questions(sensitivities_of(before), sensitivities_of(release.id))
        published = Published(catalogue=locked.code, release_id=release.id, stricter=stricter)
        release.notices = run_hooks(published)
    return release


def _release_of(catalogue: Catalogue, *, actor_id: str, notes: str) -> Release:
    """Return the latest release if it equals the draft, else a new one. The catalogue's row must be locked."""
    draft = read_draft(catalogue)
    content = _checked_content(draft)
    check_renames(catalogue, draft)
    checksum = hashlib.sha256(content).hexdigest()
    latest = catalogue.releases.defer("content").order_by("-number").first()
    if latest and latest.checksum == checksum:
        return latest
    return Release.objects.create(
        catalogue=catalogue,
        number=latest.number + 1 if latest else 1,
        content=zstandard.compress(content),
        checksum=checksum,
        notes=notes,
        published_by_id=actor_id,
    )


def _checked_content(draft: CatalogueDefinition) -> bytes:
    """Return ``draft`` as the JSON of its release. Raises ``CatalogueErrors`` for a faulty draft."""
    content = msgspec.json.encode(draft)
    try:
        definition = msgspec.json.decode(content, type=CatalogueDefinition)
    except msgspec.ValidationError as error:
        remedy = "Correct the row in the admin, or load the catalogue's file again."
        raise CatalogueErrors(
            [CatalogueFault("bad_value", "", f"A draft row contains an invalid value: {error}.", remedy)]
        ) from error
    check_catalogue(definition)
    return content


def current(catalogue_code: str) -> CompiledRelease:
    """Return the current release of a catalogue. Raises ``NoRelease``."""
    cached = _cached_id(catalogue_code)
    if cached is not None:
        try:
            release = get(cached)
        except NoRelease:
            release = None
        if release is not None and release.catalogue_code == catalogue_code:
            return release
    latest = (
        Release.objects.filter(catalogue__code=catalogue_code).order_by("-number").values_list("id", flat=True).first()
    )
    if latest is None:
        raise NoRelease(f"Catalogue {catalogue_code!r} has never been published.")
    if cached is not None:
        _drop_cached_id(catalogue_code)
    _set_current(catalogue_code, latest)
    return get(latest)


def get(release_id: int) -> CompiledRelease:
    """Return a release, compiled once in this process. Raises ``NoRelease``."""
    return _compiled.get(release_id)


@lru_cache(maxsize=_MAX_SENSITIVITIES)
def sensitivities_of(release_id: int) -> Mapping[str, Sensitivity]:
    """Return the sensitivity of each question of a release, without compiling it. Raises ``NoRelease``."""
    row = Release.objects.filter(pk=release_id).first()
    if row is None:
        raise NoRelease(f"There is no release {release_id}.")
    sets = read_definition(row).question_sets
    return {question.code: question.sensitivity for part in sets for question in part.questions}


def read_definition(release: Release) -> CatalogueDefinition:
    """Return the definition in ``release``."""
    return msgspec.json.decode(zstandard.decompress(bytes(release.content)), type=CatalogueDefinition)


class _CompiledReleases:
    """The releases that this process compiled and used last. A release never changes, so they are never stale."""

    def __init__(self) -> None:
        self._releases: OrderedDict[int, CompiledRelease] = OrderedDict()
        self._lock = Lock()

    def get(self, release_id: int) -> CompiledRelease:
        """Return a release; one thread compiles it, the others wait."""
        with self._lock:
            release = self._releases.get(release_id)
            if release is None:
                release = self._releases[release_id] = _compile(release_id)
                if len(self._releases) > _MAX_COMPILED:
                    self._releases.popitem(last=False)
            self._releases.move_to_end(release_id)
            return release

    def clear(self) -> None:
        """Drop all releases; only tests, whose releases are rolled back, need this."""
        with self._lock:
            self._releases.clear()


_compiled = _CompiledReleases()


def _compile(release_id: int) -> CompiledRelease:
    row = Release.objects.select_related("catalogue").filter(pk=release_id).first()
    if row is None:
        raise NoRelease(f"There is no release {release_id}.")
    compiled = compile_catalogue(read_definition(row))
    return CompiledRelease(id=row.id, number=row.number, catalogue_code=row.catalogue.code, compiled=compiled)


def forget_compiled_releases() -> None:
    """Drop the compiled releases of this process; for tests, whose releases are rolled back."""
    _compiled.clear()
    sensitivities_of.cache_clear()
    renames_between.cache_clear()
    past_labels.cache_clear()


def _redis() -> Redis:
    return get_redis_connection(_CACHE)


def _key(catalogue_code: str) -> str:
    """Return the Redis key; it names the database, so that two installations can share one Redis."""
    return f"release:{connection.settings_dict['NAME']}:{catalogue_code}"


def _cached_id(catalogue_code: str) -> int | None:
    """Return the id of the current release in Redis, or None."""
    try:
        value = _redis().get(_key(catalogue_code))
    except RedisError:
        return None
    return int(value) if value is not None and value.isdigit() else None


def _set_current(catalogue_code: str, release_id: int) -> None:
    """Publish the current release to every process. Without Redis, they query the database."""
    try:
        _redis().eval(_ADVANCE, 1, _key(catalogue_code), release_id, _CACHE_SECONDS)
    except RedisError:
        return


def _drop_cached_id(catalogue_code: str) -> None:
    """Delete the id in Redis of a release that does not exist: it would prevent setting a smaller id."""
    try:
        _redis().delete(_key(catalogue_code))
    except RedisError:
        return

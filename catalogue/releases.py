"""Publishes a catalogue's draft as a release that never changes, and gives every process the current one, compiled.

Which release is current stands in Redis, so that all processes see a publish at once; the database decides where Redis
does not know or is away. Publishing owns its transaction (see ADR 0003) and may not run inside another: the others are
told only what is committed.
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
from rules.definition.catalogue import CatalogueDefinition, Sensitivity
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue

_CACHE: Final = "default"
#: How long Redis is believed without asking the database again: repairs what a restored or emptied database
#: leaves behind.
_SECONDS_BELIEVED: Final = 60
_COMPILED_KEPT: Final = 32
_SENSITIVITIES_KEPT: Final = 256

#: Sets the current release unless a later one stands there already: of two publishers the slower one must not win.
_ADVANCE: Final = """
local known = tonumber(redis.call('GET', KEYS[1]) or '') or 0
if known <= tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


class NoRelease(LookupError):
    """There is no such release, or the catalogue was never published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRelease:
    """A release that can decide. ``id`` is unique over all catalogues, ``number`` counts the releases of one."""

    id: int
    number: int
    catalogue_code: str
    compiled: CompiledCatalogue


def publish(catalogue: Catalogue, *, actor_id: str, notes: str = "") -> Release:
    """Publish the draft of ``catalogue`` and make it current everywhere; return the release.

    A draft that says what the current release says is no new release: that one is returned. Raises ``CatalogueErrors``
    and publishes nothing where the draft is faulty, ``RuntimeError`` inside of a transaction.
    """
    with transaction.atomic(durable=True):
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        release = _release_of(locked, actor_id=actor_id, notes=notes)
    _tell(locked.code, release.id)
    return release


def _release_of(catalogue: Catalogue, *, actor_id: str, notes: str) -> Release:
    """Return the latest release if it says what the draft says, else a new one. The catalogue's row must be locked."""
    content = _checked_content(read_draft(catalogue))
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
    """Return the JSON of ``draft``, which is what it will be read from. Raises ``CatalogueErrors`` for a faulty one."""
    content = msgspec.json.encode(draft)
    try:
        definition = msgspec.json.decode(content, type=CatalogueDefinition)
    except msgspec.ValidationError as error:
        remedy = "Mend the row in the admin, or load the catalogue's file again."
        raise CatalogueErrors(
            [CatalogueFault("bad_value", "", f"A draft row holds a wrong value: {error}.", remedy)]
        ) from error
    compile_catalogue(definition)
    return content


def current(catalogue_code: str) -> CompiledRelease:
    """Return the current release of a catalogue. Raises ``NoRelease``."""
    known = _known(catalogue_code)
    if known is not None:
        try:
            release = get(known)
        except NoRelease:
            release = None
        if release is not None and release.catalogue_code == catalogue_code:
            return release
    latest = (
        Release.objects.filter(catalogue__code=catalogue_code).order_by("-number").values_list("id", flat=True).first()
    )
    if latest is None:
        raise NoRelease(f"Catalogue {catalogue_code!r} was never published.")
    if known is not None:
        _forget(catalogue_code)
    _tell(catalogue_code, latest)
    return get(latest)


def get(release_id: int) -> CompiledRelease:
    """Return a release, compiled once in this process. Raises ``NoRelease``."""
    return _compiled.get(release_id)


@lru_cache(maxsize=_SENSITIVITIES_KEPT)
def sensitivities_of(release_id: int) -> Mapping[str, Sensitivity]:
    """Return the sensitivity of each question of a release, without compiling it. Raises ``NoRelease``."""
    row = Release.objects.filter(pk=release_id).first()
    if row is None:
        raise NoRelease(f"There is no release {release_id}.")
    sets = read_definition(row).question_sets
    return {question.code: question.sensitivity for part in sets for question in part.questions}


def read_definition(release: Release) -> CatalogueDefinition:
    """Return what ``release`` says."""
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
                if len(self._releases) > _COMPILED_KEPT:
                    self._releases.popitem(last=False)
            self._releases.move_to_end(release_id)
            return release

    def clear(self) -> None:
        """Forget all of them: only tests, whose releases are undone, need to."""
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
    """Forget what this process has compiled: for tests, whose releases are undone."""
    _compiled.clear()
    sensitivities_of.cache_clear()


def _redis() -> Redis:
    return get_redis_connection(_CACHE)


def _key(catalogue_code: str) -> str:
    """Return the Redis key; it names the database, so that two installations can share one Redis."""
    return f"release:{connection.settings_dict['NAME']}:{catalogue_code}"


def _known(catalogue_code: str) -> int | None:
    """Return the id of the current release as Redis knows it, None where it does not."""
    try:
        value = _redis().get(_key(catalogue_code))
    except RedisError:
        return None
    return int(value) if value is not None and value.isdigit() else None


def _tell(catalogue_code: str, release_id: int) -> None:
    """Let every process know the current release. Without Redis they ask the database."""
    try:
        _redis().eval(_ADVANCE, 1, _key(catalogue_code), release_id, _SECONDS_BELIEVED)
    except RedisError:
        return


def _forget(catalogue_code: str) -> None:
    """Take away what Redis says of a release that is not there: a later id would stand in the way of the right one."""
    try:
        _redis().delete(_key(catalogue_code))
    except RedisError:
        return

"""Publishes a catalogue's draft as an immutable release, and returns the current release, compiled.

Redis holds the id of the current release, so that all processes see a publish at once; the database decides if Redis
has no id or is down. Processes that listen (``catalogue.publish_notices``) compile a release at its notice. Publishing
owns its transaction (ADR 0003) and may not run inside another one, because processes may see only committed releases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec
import zstandard
from django.db import connection, transaction
from django_redis import get_redis_connection
from redis import Redis
from redis.exceptions import RedisError

from catalogue.compiled_releases import CompiledReleases
from catalogue.drafts import read_draft
from catalogue.golden_cases import date_cases, drop_sensitive_answers, faults_of, run_cases
from catalogue.models import Catalogue, Release
from catalogue.publish_hooks import Published, run_hooks, stricter_questions
from catalogue.publish_work import call_in_publish
from catalogue.release_history import check_renames, past_labels, renames_between
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition, Sensitivity, without_shadow
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue

_CACHE: Final = "default"
#: The lifetime of the id in Redis, in seconds; it repairs the id after a database was restored or emptied.
_CACHE_SECONDS: Final = 60
_MAX_COMPILED: Final = 32
#: The mark of a shadow rule in a release's JSON: a release without it is not decoded to leave them out.
_SHADOW: Final = b'"shadow":true'
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
    faulty or decides a golden case in another way than expected, ``RuntimeError`` inside a transaction.
    """
    with transaction.atomic(durable=True):
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        before = locked.releases.order_by("-number").values_list("id", flat=True).first()
        release, compiled = _release_of(locked, actor_id=actor_id, notes=notes)
        if compiled is not None:
            call_in_publish(release)
    if compiled is not None:
        _catalogues[release.id] = locked.code
        made = CompiledRelease(id=release.id, number=release.number, catalogue_code=locked.code, compiled=compiled)
        _compiled.put(release.id, made)
    advance(locked.code, release.id)
    if compiled is not None:
        _notify(release.id)
    if before is not None and before != release.id:
        stricter = stricter_questions(sensitivities_of(before), sensitivities_of(release.id))
        published = Published(catalogue=locked.code, release_id=release.id, stricter=stricter)
        release.notices = run_hooks(published)
    return release


def _release_of(catalogue: Catalogue, *, actor_id: str, notes: str) -> tuple[Release, CompiledCatalogue | None]:
    """Return the latest release if it equals the draft, with None, else a new one with its compiled catalogue. The
    catalogue's row must be locked.
    """
    draft = read_draft(catalogue)
    content, compiled = _checked_content(draft)
    check_renames(catalogue, draft)
    checksum = hashlib.sha256(content).hexdigest()
    latest = catalogue.releases.defer("content").order_by("-number").first()
    if latest and latest.checksum == checksum:
        date_cases(latest)
        return latest, None
    if faults := faults_of(run_cases(catalogue, compiled)):
        raise CatalogueErrors(faults)
    made = Release.objects.create(
        catalogue=catalogue,
        number=latest.number + 1 if latest else 1,
        content=zstandard.compress(content),
        checksum=checksum,
        notes=notes,
        published_by_id=actor_id,
    )
    drop_sensitive_answers(made, compiled, before=latest.pk if latest else 0)
    date_cases(made)
    return made, compiled


def check_draft(draft: CatalogueDefinition) -> None:
    """Raise ``CatalogueErrors`` for a faulty draft."""
    _checked_content(draft)


def _checked_content(draft: CatalogueDefinition) -> tuple[bytes, CompiledCatalogue]:
    """Return ``draft`` as the JSON of its release, and compiled. Raises ``CatalogueErrors`` for a faulty draft."""
    content = msgspec.json.encode(draft)
    try:
        definition = msgspec.json.decode(content, type=CatalogueDefinition)
    except msgspec.ValidationError as error:
        remedy = "Correct the row in the admin, or load the catalogue's file again."
        raise CatalogueErrors(
            [CatalogueFault("bad_value", "", f"A draft row contains an invalid value: {error}.", remedy)]
        ) from error
    return content, check_catalogue(definition).compiled


def current(catalogue_code: str) -> CompiledRelease:
    """Return the current release of a catalogue. Raises ``NoRelease``."""
    return get(current_id(catalogue_code))


def current_id(catalogue_code: str) -> int:
    """Return the id of the current release of a catalogue, without compiling it. Raises ``NoRelease``."""
    cached = _cached_id(catalogue_code)
    if cached is not None and catalogue_of(cached) == catalogue_code:
        return cached
    latest = (
        Release.objects.filter(catalogue__code=catalogue_code).order_by("-number").values_list("id", flat=True).first()
    )
    if latest is None:
        raise NoRelease(f"Catalogue {catalogue_code!r} has never been published.")
    if cached is not None:
        _drop_cached_id(catalogue_code)
    advance(catalogue_code, latest)
    return latest


def get(release_id: int) -> CompiledRelease:
    """Return a release, compiled once in this process. Raises ``NoRelease``."""
    return _compiled.get(release_id)


def catalogue_of(release_id: int) -> str:
    """Return the code of the catalogue of a release, "" for an unknown one."""
    known = _catalogues.get(release_id)
    if known is None:
        known = Release.objects.filter(pk=release_id).values_list("catalogue__code", flat=True).first() or ""
        if known:
            _catalogues[release_id] = known
    return known


#: The catalogue of each release, which never changes.
_catalogues: dict[int, str] = {}


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


def content_without_shadow(release: Release) -> tuple[bytes, str]:
    """Return the JSON of ``release`` without its shadow rules, which only staff see, and the SHA-256 of it."""
    content = zstandard.decompress(bytes(release.content))
    if _SHADOW not in content:
        return content, release.checksum
    shown = msgspec.json.encode(without_shadow(msgspec.json.decode(content, type=CatalogueDefinition)))
    return shown, hashlib.sha256(shown).hexdigest()


def _compile(release_id: int) -> CompiledRelease:
    row = Release.objects.select_related("catalogue").filter(pk=release_id).first()
    if row is None:
        raise NoRelease(f"There is no release {release_id}.")
    _catalogues[row.id] = row.catalogue.code
    compiled = compile_catalogue(read_definition(row))
    return CompiledRelease(id=row.id, number=row.number, catalogue_code=row.catalogue.code, compiled=compiled)


_compiled: Final = CompiledReleases(_compile, most=_MAX_COMPILED)


def forget_compiled_releases() -> None:
    """Drop the compiled releases of this process; for tests, whose releases are rolled back."""
    _compiled.clear()
    _catalogues.clear()
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


def advance(catalogue_code: str, release_id: int) -> None:
    """Make a committed release the current one of every process, unless a later one is. Without Redis, they query the
    database.
    """
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


def notice_channel() -> str:
    """Return the Redis channel on which new releases are announced; it names the database, as keys do."""
    return f"releases:{connection.settings_dict['NAME']}"


def _notify(release_id: int) -> None:
    """Announce a new release to the processes that listen. One that misses it compiles the release when it needs it."""
    try:
        _redis().publish(notice_channel(), release_id)
    except RedisError:
        return

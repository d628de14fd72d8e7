"""Publishes a catalogue's draft as an immutable release, and returns the current release, compiled.

Redis holds the pointer to the current release, so that all processes see a publish at once; the database decides if
Redis has none or is down. During the roll-out of a guarded release (``catalogue.roll_outs``), the current release is
that of the tenant in scope, or of the one that the caller names. Processes that listen (``catalogue.publish_notices``)
compile a release at its notice. Publishing owns its transaction (ADR 0003) and may not run inside another one, because
processes may see only committed releases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec
import zstandard
from django.db import connection, transaction
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from catalogue.compiled_releases import CompiledReleases
from catalogue.draft_fingerprint import draft_fingerprints
from catalogue.drafts import read_draft
from catalogue.golden_cases import date_cases, drop_sensitive_answers, faults_of, run_cases
from catalogue.models import Catalogue, Release
from catalogue.models.roll_outs import UNDER_WAY
from catalogue.publish_hooks import Published, run_hooks, stricter_questions
from catalogue.publish_work import call_in_publish
from catalogue.release_history import check_renames, past_labels, renames_between
from catalogue.release_pointer import (
    CACHE,
    Pointer,
    cached_pointer,
    drop_cached_pointer,
    positions_of,
    read_pointer,
    refresh_pointer,
    release_in_force,
    set_pointer,
)
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition, Sensitivity, without_shadow
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue
from tenants.current_tenant import current_scope

_MAX_COMPILED: Final = 32
#: The mark of a shadow rule in a release's JSON: a release without it is not decoded to leave them out.
_SHADOW: Final = b'"shadow":true'
_MAX_SENSITIVITIES: Final = 256


class NoRelease(LookupError):
    """The release does not exist, or the catalogue has never been published."""


class NeverPublished(NoRelease):
    """The catalogue has never been published, or there is no such catalogue."""

    def __init__(self, catalogue_code: str) -> None:
        super().__init__(f"Catalogue {catalogue_code!r} has never been published. Publish it, or name another one.")


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
    faulty, decides a golden case in another way than expected, or while a roll-out is under way;
    ``RuntimeError`` inside a transaction.
    """
    with transaction.atomic(durable=True):
        locked = Catalogue.objects.select_for_update().get(pk=catalogue.pk)
        refuse_during_roll_out(locked)
        before = release_in_force(locked)
        release, compiled = make_release(locked, before, actor_id=actor_id, notes=notes)
        if compiled is not None:
            call_in_publish(release)
    if compiled is None:
        refresh_pointer(locked.code)
        return release
    set_pointer(locked.code, Pointer(release.id, release.id))
    announce(release, compiled)
    if before is not None:
        stricter = stricter_questions(sensitivities_of(before.id), sensitivities_of(release.id))
        published = Published(catalogue=locked.code, release_id=release.id, stricter=stricter)
        release.notices = run_hooks(published).notices
    return release


def make_release(
    catalogue: Catalogue, before: Release | None, *, actor_id: str, notes: str
) -> tuple[Release, CompiledCatalogue | None]:
    """Return the release in force, ``before``, if it equals the draft, with None, else a new one with its compiled
    catalogue. The catalogue's row must be locked. Raises ``CatalogueErrors``.
    """
    # Before the rows are read: a row that is changed in between then makes the fingerprint differ.
    fingerprint = draft_fingerprints([catalogue.pk])[catalogue.pk]
    draft = read_draft(catalogue)
    content, compiled = _checked_content(draft)
    check_renames(catalogue, draft)
    checksum = hashlib.sha256(content).hexdigest()
    if before is not None and before.checksum == checksum:
        date_cases(before)
        return before, None
    if faults := faults_of(run_cases(catalogue, compiled)):
        raise CatalogueErrors(faults)
    latest = catalogue.releases.defer("content").order_by("-number").first()
    made = Release.objects.create(
        catalogue=catalogue,
        number=latest.number + 1 if latest else 1,
        content=zstandard.compress(content),
        checksum=checksum,
        draft_fingerprint=fingerprint,
        notes=notes,
        published_by_id=actor_id,
    )
    drop_sensitive_answers(made, compiled, before=latest.pk if latest else 0)
    date_cases(made)
    return made, compiled


def announce(release: Release, compiled: CompiledCatalogue) -> None:
    """Put a committed new release into this process, and announce it to the processes that listen."""
    code = release.catalogue.code
    _catalogues[release.id] = code
    made = CompiledRelease(id=release.id, number=release.number, catalogue_code=code, compiled=compiled)
    _compiled.put(release.id, made)
    _notify(release.id)


def refuse_during_roll_out(catalogue: Catalogue) -> None:
    """Raise ``CatalogueErrors`` while a roll-out of ``catalogue`` is under way."""
    under_way = catalogue.roll_outs.filter(state__in=UNDER_WAY).select_related("release").first()
    if under_way is not None:
        text = f"The roll-out of release {under_way.release.number} is under way."
        remedy = "Wait until it is done, or take it back first."
        raise CatalogueErrors([CatalogueFault("roll_out_under_way", "", text, remedy)])


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


def current(catalogue_code: str, *, tenant_id: UUID | None = None) -> CompiledRelease:
    """Return the current release of a catalogue; see ``current_id``. Raises ``NoRelease``."""
    return get(current_id(catalogue_code, tenant_id=tenant_id))


def current_id(catalogue_code: str, *, tenant_id: UUID | None = None) -> int:
    """Return the id of the current release of a catalogue, without compiling it. Raises ``NoRelease``.

    It is that of ``tenant_id``, by default of the tenant in scope; without either it is the release of the tenants
    that do not follow a roll-out.
    """
    if tenant_id is None:
        scope = current_scope()
        tenant_id = scope.tenant.id if scope is not None and scope.tenant is not None else None
    cached = cached_pointer(catalogue_code)
    if cached is not None:
        release_id = cached.release_of(tenant_id)
        if catalogue_of(release_id) == catalogue_code:
            return release_id
    pointer = read_pointer(catalogue_code)
    if pointer is None:
        raise NeverPublished(catalogue_code)
    if cached is not None:
        drop_cached_pointer(catalogue_code)
    set_pointer(catalogue_code, pointer)
    return pointer.release_of(tenant_id)


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
    return sensitivities_in(read_definition(row))


def sensitivities_in(definition: CatalogueDefinition) -> dict[str, Sensitivity]:
    """Return the sensitivity of each question of a definition."""
    return {question.code: question.sensitivity for part in definition.question_sets for question in part.questions}


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
    positions_of.cache_clear()


def notice_channel() -> str:
    """Return the Redis channel on which new releases are announced; it names the database, as keys do."""
    return f"releases:{connection.settings_dict['NAME']}"


def _notify(release_id: int) -> None:
    """Announce a new release to the processes that listen. One that misses it compiles the release when it needs it."""
    try:
        get_redis_connection(CACHE).publish(notice_channel(), release_id)
    except RedisError:
        return

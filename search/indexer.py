"""Updates the search index: reads copies as they are now, with the current release, and writes their words.

The catalogue defines which answers are indexed, personal or sensitive, and may have changed since the copy was saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connections

from batch.storage.summary import search_texts
from catalogue import releases
from catalogue.release_history import renames_between
from copies.codec import decode_document
from copies.document import Document, walk_containers
from copies.models import Copy
from forms.models import ApplicationForm
from presentation.visibility import NOBODY, PERSONAL, PUBLIC, Visibility
from rules.flow.followed_renames import follow_renames
from search.index import FORMAT, Entry, forget_unused_spellings, remove_entries, write_entries
from search.models import SearchEntry
from search.words import Texts
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

CHUNK: Final = 200
#: The copies to index, with the catalogues of their forms.
TO_INDEX: Final = KeptPlan(
    "search_to_index",
    f"""SELECT c.id, c.version, c.release_id, c.title::text, c.document, f.catalogue::text
      FROM {Copy._meta.db_table} c
      JOIN {ApplicationForm._meta.db_table} f ON f.id = c.application_form_id AND f.tenant_id = c.tenant_id
     WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)""",  # noqa: S608 - our own names
    {"tenant": "uuid", "ids": "uuid[]"},
    {
        "id": "uuid", "version": "integer", "release_id": "integer", "title": "text", "document": "bytea",
        "catalogue": "text",
    },
)  # fmt: skip


class _ToIndex(NamedTuple):
    """One row of ``TO_INDEX``."""

    pk: UUID
    version: int
    release_id: int | None
    title: str
    document: bytes
    catalogue: str


@dataclass(kw_only=True, slots=True)
class Rebuilt:
    """The progress of a rebuild: copies ``looked_at``, ``stale`` ones read again, entries ``without_copy`` removed,
    rows of ``forgotten`` spellings deleted.
    """

    looked_at: int = 0
    stale: int = 0
    without_copy: int = 0
    forgotten: int = 0


def index_copies(copy_ids: Sequence[UUID], *, tenant: Tenant, rewrite_words: bool = False) -> int:
    """Update the entries of these copies; a deleted copy leaves the index. Return how many were written.

    With ``rewrite_words``, words are written even where they seem to be there. Safe during saves and other writers: an
    entry never returns to an earlier version.
    """
    with use_tenant(tenant), connections[tenant.database_alias].cursor() as cursor:
        cursor.execute(TO_INDEX.call, {"tenant": tenant.id, "ids": list(copy_ids)})
        copies = [_ToIndex(*row) for row in cursor.fetchall()]
    today = {code: releases.current(code, tenant_id=tenant.id) for code in {copy.catalogue for copy in copies}}
    entries = [_entry(copy, today[copy.catalogue]) for copy in copies]
    remove_entries(set(copy_ids) - {entry.copy_id for entry in entries}, tenant=tenant)
    return write_entries(sorted(entries, key=lambda entry: entry.copy_id), tenant=tenant, rewrite_words=rewrite_words)


def index_stricter(catalogue: str, codes: Collection[str], *, tenant: Tenant) -> int:
    """Update the entries of the catalogue's copies that answer one of the questions ``codes``, which became stricter;
    return how many were written.
    """
    last: UUID | None = None
    written, today = 0, releases.current_id(catalogue, tenant_id=tenant.id)
    while True:
        with use_tenant(tenant):
            forms = ApplicationForm.objects.filter(catalogue=catalogue).order_by().values("pk")
            rows = Copy.objects.filter(application_form_id__in=forms).order_by("pk")
            rows = rows.only("id", "release_id", "document")
            found = list((rows if last is None else rows.filter(pk__gt=last))[:CHUNK])
        if not found:
            break
        last = found[-1].pk
        concerned = [
            copy.pk
            for copy in found
            if renames_between(copy.release_id or 0, today)
            or _answers_any(decode_document(bytes(copy.document)), codes)
        ]
        written += index_copies(concerned, tenant=tenant) if concerned else 0
    if written:
        forget_unused_spellings(tenant=tenant)
    return written


def pending_entry(copy: Any, release: releases.CompiledRelease) -> Entry:
    """Return the texts of ``copy``, which waits to be indexed, under the current ``release``."""
    return _entry(copy, release)


def _answers_any(document: Document, codes: Collection[str]) -> bool:
    return any(
        code in codes and answer.is_answered
        for _, container in walk_containers(document)
        for code, answer in container.answers.items()
    )


def rebuild_search(tenant: Tenant, *, dry_run: bool, everything: bool = False) -> Iterator[Rebuilt]:
    """Read every copy again whose entry is of another version, release or format, or (``everything``) all copies.

    Yields the totals after each chunk. A rebuild that was interrupted continues where it stopped. With ``dry_run``,
    only counts.
    """
    done = Rebuilt()
    for copy_ids, amount in _chunks(tenant, everything=everything):
        done.looked_at += amount
        done.stale += len(copy_ids)
        if copy_ids and not dry_run:
            index_copies(copy_ids, tenant=tenant, rewrite_words=everything)
        yield done
    with use_tenant(tenant):
        gone = list(
            SearchEntry.objects.exclude(pk__in=Copy.objects.order_by().values("pk")).values_list("pk", flat=True)
        )
    done.without_copy = len(gone)
    if not dry_run:
        remove_entries(gone, tenant=tenant)
        done.forgotten = forget_unused_spellings(tenant=tenant)
    yield done


def _chunks(tenant: Tenant, *, everything: bool) -> Iterator[tuple[list[UUID], int]]:
    """Yield, chunk by chunk in the order of ids, the copies to read again and the number examined."""
    last: UUID | None = None
    while True:
        with use_tenant(tenant):
            rows = Copy.objects.order_by("pk") if last is None else Copy.objects.order_by("pk").filter(pk__gt=last)
            versions = dict(rows.values_list("pk", "version")[:CHUNK])
            forms = dict(Copy.objects.filter(pk__in=versions).values_list("pk", "application_form_id"))
            catalogues = dict(ApplicationForm.objects.filter(pk__in=set(forms.values())).values_list("pk", "catalogue"))
            entries = SearchEntry.objects.filter(pk__in=versions, format=FORMAT)
            known = {pk: stored for pk, *stored in entries.values_list("pk", "version", "release_id")}
        if not versions:
            return
        yield (
            [
                copy_id
                for copy_id, version in versions.items()
                if (code := catalogues.get(forms[copy_id])) is not None
                and (everything or known.get(copy_id) != [version, releases.current_id(code, tenant_id=tenant.id)])
            ],
            len(versions),
        )
        last = max(versions)


def _entry(copy: Any, release: releases.CompiledRelease) -> Entry:
    """Return the texts of ``copy`` under ``release``; sensitive (``spi``) answers contribute none."""
    catalogue, document = release.compiled, decode_document(copy.document)
    if copy.release_id not in (None, release.id):
        follow_renames(document, renames_between(copy.release_id, release.id))
    others, personal = search_texts(catalogue, document)
    insured = document.answers.get(catalogue.definition.title_question)
    level = Visibility(catalogue, NOBODY).of(catalogue.definition.title_question, insured)
    name = insured.value if insured and insured.active and isinstance(insured.value, str) else ""
    return Entry(
        copy_id=copy.pk,
        version=copy.version,
        release_id=release.id,
        texts=Texts(
            names=f"{copy.title} {name if level is PUBLIC else ''}",
            others=others,
            personal_names=name if level is PERSONAL else "",
            personal=personal,
        ),
    )

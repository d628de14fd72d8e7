"""The one search of the product: filters lists of copies, and ranks the matches.

A copy that was just saved is found at once: while its index action is in the outbox, its own row is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from django.db import connections, router
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from actions.kinds import IndexForm
from actions.models import OutboxAction
from catalogue import releases
from catalogue.releases import CompiledRelease
from copies.models import Copy
from forms.models import ApplicationForm
from search.index import Entry
from search.indexer import pending_entry
from search.queries import find_hits
from search.words import Texts

C = TypeVar("C", bound=Copy)

#: The latest copies that wait to be indexed are read from their own rows, at most this many: while the relay is down
#: for longer, the search lags but stays fast.
MOST_PENDING: Final = 200


class Ranked(NamedTuple):
    """A matched copy; a higher score is a better match."""

    score: int
    copy_id: UUID


def search_forms(copies: QuerySet[C], text: str, *, personal: bool) -> QuerySet[C]:
    """Return the ``copies`` that contain every word of ``text`` in title or indexed answers, or whose id starts with
    it; all of them if ``text`` is empty.

    ``personal`` answers are searched only for readers who may see them: a match would reveal the answer.
    """
    if not text.strip():
        return copies
    hits = find_hits(text, sees_personal=personal, pending=pending_entries())
    if hits.scores is not None:
        return copies.filter(pk__in=list(hits.scores))
    return copies.filter(pk__in=RawSQL(f"SELECT copy_id FROM ({hits.sql}) AS hits", hits.parameters))  # noqa: S608, S611


def rank_forms(
    copies: QuerySet[C], text: str, *, personal: bool, limit: int, after: Ranked | None = None, offset: int = 0
) -> list[Ranked]:
    """Return at most ``limit`` matches among ``copies``, best first and of equal scores the newest first: those behind
    ``after``, less the first ``offset``.
    """
    hits = find_hits(text, sees_personal=personal, pending=pending_entries())
    if hits.scores is not None:
        kept = copies.filter(pk__in=list(hits.scores)).order_by().values_list("pk", flat=True)
        ranked = sorted((Ranked(hits.scores[copy_id], copy_id) for copy_id in kept), reverse=True)
        if after is not None:
            ranked = [one for one in ranked if one < after]
        return ranked[offset : offset + limit]
    sql, parameters = copies.order_by().values("pk").query.sql_with_params()
    behind = "WHERE (hits.score, kept.id) < (%s, %s)" if after else ""
    with connections[router.db_for_read(Copy)].cursor() as cursor:
        cursor.execute(
            f"""SELECT hits.score, kept.id
                  FROM ({hits.sql}) AS hits JOIN ({sql}) AS kept (id) ON kept.id = hits.copy_id {behind}
                 ORDER BY hits.score DESC, kept.id DESC LIMIT %s OFFSET %s""",  # noqa: S608 - composed by this room
            [*hits.parameters, *parameters, *(after or ()), limit, offset],
        )
        return [Ranked(*row) for row in cursor.fetchall()]


def pending_entries() -> list[Entry]:
    """Return the latest copies of the scope that wait to be indexed, read from their own rows; a copy saved under an
    earlier release from its document, because questions may be more sensitive by now.
    """
    waiting = OutboxAction.objects.filter(kind=IndexForm.kind).order_by("-created_at").values_list("copy_id", flat=True)
    columns = ("id", "application_form_id", "version", "release_id", "title", "summary")
    rows = Copy.objects.filter(pk__in=list(waiting[:MOST_PENDING])).order_by()
    copies = list(rows.only(*columns, "search_text", "search_personal"))
    today = _current_releases(copies)
    outdated = [
        copy.pk
        for copy in copies
        if copy.application_form_id in today and copy.release_id != today[copy.application_form_id].id
    ]
    documents = {copy.pk: copy for copy in rows.filter(pk__in=outdated)} if outdated else {}
    return [
        pending_entry(documents[copy.pk], today[copy.application_form_id])
        if copy.pk in documents
        else Entry(
            copy_id=copy.pk,
            version=copy.version,
            release_id=copy.release_id or 0,
            texts=Texts(
                names=f"{copy.title} {copy.summary.get('insured') or ''}",
                others=copy.search_text,
                personal=copy.search_personal,
            ),
        )
        for copy in copies
    ]


def _current_releases(copies: Sequence[Copy]) -> dict[UUID, CompiledRelease]:
    """Return the current release of each copy's form, by form."""
    forms = ApplicationForm.objects.filter(pk__in={copy.application_form_id for copy in copies}).order_by()
    found = forms.values_list("pk", "catalogue", "tenant_id") if copies else ()
    return {form: releases.current(catalogue, tenant_id=tenant_id) for form, catalogue, tenant_id in found}

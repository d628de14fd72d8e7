"""``/copies/{id}/changes`` and ``/copies/{id}/history``: catching up with a copy, and its past."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from copies.history import changes_of, list_revisions
from copies.models import CopyRevision
from partner_engine.api.bodies import ChangesQuery, PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import decode_number, encode_number, next_link
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from partner_engine.copy_changes import changes_response
from partner_engine.copy_visibility import past_sensitivities, visibility_of
from presentation import shapes
from presentation.visibility import Visibility
from tenants.access import Right


class Changes(Endpoint):
    """What changed on a copy since a version."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Catch up with a copy",
        "What changed after version `since`, folded to one entry per path, with the products that moved. 404 "
        "`no_such_version` for a version that is yet to come.",
        query=ChangesQuery,
        answers={200: shapes.ChangesShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Catch up."""
        query = self.query(ChangesQuery)
        context = find_copy(self, id, ReadQuery())
        shape = changes_response(context, query.since, actor=self.actor)
        return self.answer(shape, etag=version_tag(context.version))


class History(Endpoint):
    """The versions of a copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List a copy's versions",
        "Who saved what and when, the newest first. Read a copy as it stood with `GET /copies/{id}?at_version=`.",
        query=PageQuery,
        answers={200: shapes.HistoryPage},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """List versions."""
        query = self.query(PageQuery)
        context = find_copy(self, id, ReadQuery())
        revisions = list_revisions(id)
        if query.cursor:
            revisions = revisions.filter(version__lt=decode_number(query.cursor))
        found = list(revisions[: query.limit + 1])
        shown = found[: query.limit]
        today = visibility_of(context, actor=self.actor)
        # What a version changed was recorded in it and in the one before.
        then = [today.at(past_sensitivities(row.release_id for row in found[at : at + 2])) for at in range(len(shown))]
        results = [_revision(revision, visibility) for revision, visibility in zip(shown, then, strict=True)]
        count = sum(visibility.personal_shown for visibility in then)
        note_personal_read(actor=self.actor, copy_id=id, count=count)
        cursor = encode_number(shown[-1].version) if len(found) > query.limit else ""
        parameters = {name: str(value) for name, value in request.GET.items() if name != "cursor"}
        return self.answer(shapes.HistoryPage(results, next_link(request.path, parameters, cursor)))


def _revision(revision: CopyRevision, visibility: Visibility) -> shapes.Revision:
    return shapes.Revision(
        version=revision.version,
        created_at=revision.created_at,
        by=shapes.By(revision.actor_type, revision.actor_id, revision.source),
        label=revision.actor_label,
        release=revision.release_id,
        correlation_id=revision.correlation_id,
        changes=shapes.changes(changes_of(revision), visibility),
    )

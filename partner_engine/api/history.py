"""``/copies/{id}/changes`` and ``/copies/{id}/history``: changes since a version, and the list of versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.context import BatchContext
from copies.history import cause_of, changes_of, evaluations, list_revisions
from copies.models import CopyRevision
from partner_engine.api.bodies import ChangesQuery, PageQuery, ReadQuery
from partner_engine.api.copies import find_copy, respond_to_read
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.pagination import decode_number, encode_number, next_page
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from partner_engine.copy_changes import changes_since_version, earlier_outcomes, moved_products
from partner_engine.copy_visibility import past_sensitivities, visibility_of
from partner_engine.decision_export import DecisionExport, export_decision
from presentation import shapes
from presentation.visibility import Visibility
from tenants.access import Right
from tenants.limits.scopes import EXPORT


class Changes(Endpoint):
    """The changes of a copy since a version."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Catch up with a copy",
        "The changes after version `since`, merged to one entry per path, with the products whose outcome or premium "
        "changed. 404 `no_such_version` for a version that does not exist yet.",
        query=ChangesQuery,
        responses={200: shapes.ChangesShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ChangesQuery) -> HttpResponse:
        def build(context: BatchContext) -> shapes.ChangesShape:
            return changes_since_version(context, query.since, actor=self.actor)

        return respond_to_read(self, id, ReadQuery(), build)


class History(Endpoint):
    """The versions of a copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List a copy's versions",
        "The saved versions with their actor, time and changes, newest first. Read a past version with "
        "`GET /copies/{id}?at_version=`.",
        query=PageQuery,
        responses={200: shapes.HistoryPage},
    )
    def get(self, request: Request, id: UUID, *, query: PageQuery) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        revisions = list_revisions(id)
        if query.cursor:
            revisions = revisions.filter(version__lt=decode_number(query.cursor))
        rows = list(revisions[: query.limit + 1])
        shown = rows[: query.limit]
        current = visibility_of(context, actor=self.actor)
        # The values before and after a change were recorded under the releases of two versions.
        past = [
            current.at(past_sensitivities(row.release_id for row in rows[index : index + 2]))
            for index in range(len(shown))
        ]
        decided = evaluations(id, first=rows[-1].version, last=rows[0].version) if rows else {}
        results = [_revision(row, seen, decided) for row, seen in zip(shown, past, strict=True)]
        count = sum(visibility.personal_shown for visibility in past)
        note_personal_read(actor=self.actor, copy_id=id, count=count)
        cursor = encode_number(shown[-1].version) if len(rows) > query.limit else ""
        return self.respond(shapes.HistoryPage(results, next_page(request, cursor)))


class Decision(Endpoint):
    """The decision of a version, to be checked outside."""

    rights: ClassVar = {"GET": Right.READ_FORMS}
    limits: ClassVar = {"GET": EXPORT}

    @documented(
        "Export a decision",
        "The decision of a version with its document as it is stored (sensitive answers sealed), its release, its day "
        "and its link in the hash chain, for `verify_decision.py`, which computes it again without this system. Needs "
        "the rights `answers:pii` and `catalogue:read` too.",
        query=ReadQuery,
        responses={200: DecisionExport},
    )
    def get(self, request: Request, id: UUID, *, query: ReadQuery) -> HttpResponse:
        context = find_copy(self, id, query)
        exported = export_decision(context)
        note_personal_read(actor=self.actor, copy_id=id, count=exported.personal)
        return self.respond(exported.decision)


class HistoryHead(Endpoint):
    """The last link of a copy's hash chain."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read the head of a copy's history",
        "The last link of the hash chain over all versions. Keep it outside of this system: `verify_history` compares "
        "it later, and finds versions that were altered or removed.",
        responses={200: shapes.HistoryHead},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        copy = find_copy(self, id, ReadQuery()).copy
        head = shapes.HistoryHead(
            copy_id=str(copy.id), version=copy.version, chain=copy.chain.hex(), created_at=copy.updated_at
        )
        return self.respond(head)


def _revision(revision: CopyRevision, visibility: Visibility, decided: Mapping[int, bytes]) -> shapes.Revision:
    earlier = decided.get(revision.version - 1)
    moved = moved_products(earlier, decided[revision.version], visibility)
    return shapes.Revision(
        version=revision.version,
        created_at=revision.created_at,
        by=shapes.By(revision.actor_type, revision.actor_id, revision.source),
        label=revision.actor_label,
        release=revision.release_id,
        cause=cause_of(revision),
        correlation_id=revision.correlation_id,
        changes=shapes.changes(changes_of(revision), visibility),
        eligibility=moved,
        before=earlier_outcomes(earlier, moved, visibility),
        chain=bytes(revision.chain).hex(),
    )

"""``/copies/{id}/proposals``: values of documents and models that wait for a person, who confirms or dismisses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, TypeAlias
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes import proposals
from batch.changes.changeset import Changeset
from batch.changes.proposals import Pick, ProposedValue
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import ProposalChanged
from batch.idempotency import StoredResponse
from copies.paths import lower_row_ids
from partner_engine.api.bodies import DryRunQuery, NewProposals, PickedProposals, ReadQuery
from partner_engine.api.copies import find_copy, respond_to_read
from partner_engine.api.copy_response import saved_changes
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_fields
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from partner_engine.error_statuses import status_of
from partner_engine.problems import Fault, Refused
from presentation import shapes
from tenants.access import Right

Settle: TypeAlias = Callable[[Changeset, list[Pick]], None]


class PlacedProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed value for the answer at ``path``, and the present answer or null."""

    path: str
    answer: str | float | bool | list[str] | None
    proposed: shapes.ProposalShape


class ProposalList(msgspec.Struct, frozen=True):
    """The proposed values of the copy at ``version``."""

    version: int
    proposals: list[PlacedProposal]


class Proposals(Endpoint):
    """The proposed values of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List proposals",
        "The values that documents, models and renewals propose, each beside the present answer. Personal values are "
        "masked without the right `answers:pii`.",
        query=ReadQuery,
        responses={200: ProposalList, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: ReadQuery) -> HttpResponse:
        return respond_to_read(self, id, query, self._shape)

    @documented(
        "Propose answers",
        "Stores values beside the answers, with their source and confidence, until a person confirms or dismisses "
        "them. Rules, prices, search and events never read them. All values are checked as answers are, and with a "
        "single error none is stored. Secret questions take no proposals (`secret_not_proposable`), rows must exist, "
        "and a value that the answer has already is left out.",
        body=NewProposals,
        responses={200: (shapes.ChangesShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewProposals) -> HttpResponse:
        values = [
            ProposedValue(
                path=lower_row_ids(one.path),
                value=one.value,
                locator=one.locator,
                confidence=one.confidence,
                pointer=f"/proposals/{place}",
            )
            for place, one in enumerate(body.proposals)
        ]

        def change(context: BatchContext) -> None:
            with errors_of_fields({"name": "/source/name"}):
                proposals.propose(context.changeset, values, type_=body.source.type, name=body.source.name)

        return save_copy(self, id, change=change, respond=_respond)

    def _shape(self, context: BatchContext) -> ProposalList:
        changeset, _ = context.current_view()
        visibility = visibility_of(context, actor=self.actor)
        placed = [
            PlacedProposal(
                path=path,
                answer=visibility.answer(path, answer) if answer.is_answered else None,
                proposed=shapes.proposal(path, proposed, visibility),
            )
            for path, answer, proposed in proposals.list_proposals(changeset.document)
        ]
        note_personal_read(actor=self.actor, copy_id=context.copy.id, count=visibility.personal_shown)
        return ProposalList(context.version, placed)


class _Settling(Endpoint):
    """An order on proposals that a person has read."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    def settle(self, id: UUID, body: PickedProposals, settle: Settle, *, dry_run: bool = False) -> HttpResponse:
        """Carry ``settle`` out on the proposals of ``body``; of a dry run report the effects only."""
        picks = [
            Pick(path=lower_row_ids(one.path), key=one.id, pointer=f"/proposals/{place}")
            for place, one in enumerate(body.proposals)
        ]

        def change(context: BatchContext) -> None:
            with _changed_ones(picks):
                settle(context.changeset, picks)

        if dry_run:
            context = find_copy(self, id, ReadQuery())
            change(context)
            return self.respond(saved_changes(context, context.preview(), dry_run=True))
        return save_copy(self, id, change=change, respond=_respond)


class AcceptProposals(_Settling):
    """The confirmation of proposals."""

    @documented(
        "Confirm proposals",
        "Makes proposed values the caller's answers, all of them or none. Send it only when a person has looked at "
        "them. If a proposal is no longer the one with this `id`, because somebody answered or another proposal "
        "replaced it: 409 `proposal_changed`. With `dry_run=true` nothing is written; the response lists what would "
        "change: outcomes, premiums, what is needed.",
        body=PickedProposals,
        query=DryRunQuery,
        responses={200: (shapes.ChangesShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: PickedProposals, query: DryRunQuery) -> HttpResponse:
        return self.settle(id, body, proposals.accept, dry_run=query.dry_run)


class DismissProposals(_Settling):
    """The dismissal of proposals."""

    @documented(
        "Dismiss proposals",
        "Takes proposed values away, all of them or none; the answers stay as they are. A proposal that is no longer "
        "the one with this `id`: 409 `proposal_changed`.",
        body=PickedProposals,
        responses={200: (shapes.ChangesShape, shapes.Receipt)},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: PickedProposals) -> HttpResponse:
        return self.settle(id, body, proposals.dismiss)


@contextmanager
def _changed_ones(picks: list[Pick]) -> Iterator[None]:
    """Name each proposal that is no longer as it was read."""
    try:
        yield
    except ProposalChanged as error:
        pointers = {pick.path: pick.pointer for pick in picks}
        text = "This proposal was answered, replaced or removed meanwhile."
        faults = [Fault(pointer=pointers[path], path=path, code=error.code, detail=text) for path in error.paths]
        raise Refused(status_of(error), error.code, str(error), faults=faults) from error


def _respond(context: BatchContext, result: SaveResult, value: None) -> StoredResponse:
    return json_response(saved_changes(context, result), version=result.version)

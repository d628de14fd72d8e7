"""``/copies/{id}/quote_requests`` and ``/quote_requests``: requests to carriers and what they replied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, get_args
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from batch.changes.mutators.quote_requests import QuoteRequestMutator
from batch.changes.mutators.subjectivities import SubjectivityMutator
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.idempotency import StoredResponse
from partner_engine.api import quote_shapes as shapes
from partner_engine.api.bodies import PageQuery, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.form_list import lists_tests
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.pagination import Page, next_page, page
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from partner_engine.problems import Refused
from presentation.visibility import Reader
from quoting import selectors, service
from quoting.expiry import today_at
from quoting.real_time import current_results
from tenants.access import Right

Act: TypeAlias = Callable[[BatchContext], QuoteRequestMutator]

_AFTER = "The response is the request as it is after the change."


class CopyQuoteRequests(Endpoint):
    """The quote requests of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List a copy's quote requests",
        "The requests of the copy to carriers, newest first, with what was asked, what the carrier replied and what it "
        "changed. A quote whose last day is over is `expired` at once. Personal values are masked without the right "
        "`answers:pii`.",
        query=PageQuery,
        responses={200: shapes.QuoteRequestPage, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID, *, query: PageQuery) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        rows = selectors.list_quote_requests(id, tenant=self.tenant)
        found = page(rows, order="-event", cursor=query.cursor, limit=query.limit)
        return self.respond_with_content_tag(_page_shape(self, request, found), version=context.version)

    @documented(
        "Request quotes",
        "Queues a request for each product in `products`, or for all open ones, in one save; the carriers are called "
        "afterwards. `refused` names the products that are not requested with the reason: our rules decline or lock "
        "them, or need more answers; a license or an appointment is missing; a request is running, or there is a "
        "current quote. Requests that failed, expired or are stale are sent again. With `draft` the requests are only "
        "prepared, in state `draft`, and no carrier is called until somebody requests quotes.",
        body=shapes.NewQuoteRequests,
        responses={201: shapes.RequestedShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.NewQuoteRequests) -> HttpResponse:
        def respond(context: BatchContext, result: SaveResult, requested: service.RequestedQuotes) -> StoredResponse:
            shape = _shapes(self).requested(requested, copy_id=id)
            return json_response(shape, version=result.version, status=201)

        ask = service.prepare_quotes if body.draft else service.request_quotes
        return save_copy(self, id, change=lambda context: ask(context, products=body.products), respond=respond)


class RealTimeEligibility(Endpoint):
    """The carriers' own views of a copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List real-time eligibility",
        "What carriers that are asked while the form is filled in think of the present answers, with their messages. "
        "A save never waits for them: results come a moment later, and none comes from a carrier that is broken. "
        "Results about other answers are left out.",
        responses={200: shapes.RealTimeResults, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        names = shapes.RealTimeResult.__struct_fields__
        rows = [{name: getattr(row, name) for name in names} for row in current_results(context)]
        shape = shapes.RealTimeResults([shapes.RealTimeResult(**row) for row in rows])
        return self.respond_with_content_tag(shape, version=context.version)


class QuoteRequests(Endpoint):
    """The quote requests of all forms."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "List quote requests",
        "The quote requests of all forms that are not archived, the last changed first. `state` filters by states, "
        "separated by commas; `carrier` and `product` by codes.",
        query=shapes.QuotesQuery,
        responses={200: shapes.QuoteRequestPage},
    )
    def get(self, request: Request, *, query: shapes.QuotesQuery) -> HttpResponse:
        states = [state for state in query.state.split(",") if state]
        if unknown := set(states) - set(get_args(shapes.State)):
            raise Refused.parameter("state", f"There is no state {min(unknown)!r} of quote requests.")
        rows = selectors.list_all_quote_requests(
            tenant=self.tenant,
            states=states,
            carrier=query.carrier,
            product=query.product,
            tests=lists_tests(query.test, self.actor),
        )
        return self.respond(
            _page_shape(self, request, page(rows, order="-updated", cursor=query.cursor, limit=query.limit))
        )


class QuoteRequest(Endpoint):
    """One quote request."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Read a quote request",
        "What was asked, what the carrier replied, its subjectivities, and the state.",
        responses={200: shapes.QuoteRequestShape},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        row = selectors.access_quote_request(id, tenant=self.tenant)
        subjectivities = selectors.subjectivities_of([id]).get(id, [])
        return self.respond(_shapes(self).request(row, copy_id=row.copy_id, subjectivities=subjectivities))


class SelectQuote(Endpoint):
    """The selection of a quote for binding."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Select a quote",
        "Selects a bindable, current quote for binding, instead of one of the same line that was selected. An "
        f"indication, a stale and an expired quote are refused with 409. {_AFTER}",
        body=Nothing,
        responses={200: shapes.QuoteRequestShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return _act(self, id, lambda context: service.select(context, id))


class DeselectQuote(Endpoint):
    """The end of a selection."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Deselect a quote",
        f"Undoes the selection of a quote. {_AFTER}",
        body=Nothing,
        responses={200: shapes.QuoteRequestShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return _act(self, id, lambda context: service.deselect(context, id))


class WithdrawQuote(Endpoint):
    """The withdrawal of a request."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Withdraw a quote request",
        f"Ends the request, at the carrier too if it may know of it. {_AFTER}",
        body=shapes.Withdrawal,
        responses={200: shapes.QuoteRequestShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.Withdrawal) -> HttpResponse:
        return _act(self, id, lambda context: service.withdraw(context, id, reason=body.reason))


class AskAgain(Endpoint):
    """A new request for the same quote."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Ask the carrier again",
        "Queues the request once more with the present answers; the new quote replaces the old one at the carrier. A "
        f"request that is running is refused with 409. {_AFTER}",
        body=Nothing,
        responses={200: shapes.QuoteRequestShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        return _act(self, id, lambda context: service.ask_again(context, id))


class EnterQuote(Endpoint):
    """A quote that an agent enters for a carrier that decides by hand."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Enter a quote by hand",
        "Records what the underwriter of a carrier that decides by hand said. Carriers that send their quotes "
        f"themselves are refused with 409. {_AFTER}",
        body=shapes.EnteredQuote,
        responses={200: shapes.QuoteRequestShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: shapes.EnteredQuote) -> HttpResponse:
        def enter(context: BatchContext) -> QuoteRequestMutator:
            quote = shapes.entered_quote(body, now=context.save_context.now)
            return service.enter_answer(context, id, quote)

        return _act(self, id, enter)


class BridgeQuote(Endpoint):
    """The way to the carrier's own pages."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Go on at the carrier",
        "Returns the address of the carrier's own pages and records the event `bridged_to_off_platform_carrier`. A "
        "carrier without such pages is refused with 409.",
        body=Nothing,
        responses={200: shapes.BridgeShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        def respond(context: BatchContext, result: SaveResult, url: str) -> StoredResponse:
            return json_response(shapes.BridgeShape(url), version=result.version)

        copy_id = selectors.copy_of_request(id)
        return save_copy(self, copy_id, change=lambda context: service.bridge(context, id), respond=respond)


class SubjectivityDone(Endpoint):
    """Whether a subjectivity of a quote is done."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Mark a subjectivity as done",
        "Records that a condition of the quote is met, or with `done: false` that it is not. One that the carrier no "
        "longer requires is refused with 409.",
        body=shapes.DoneMark,
        responses={200: shapes.SubjectivityShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, subjectivity_id: UUID, *, body: shapes.DoneMark) -> HttpResponse:
        def change(context: BatchContext) -> SubjectivityMutator:
            return service.set_done(context, id, subjectivity_id, is_done=body.done)

        def respond(context: BatchContext, result: SaveResult, changed: SubjectivityMutator) -> StoredResponse:
            return json_response(shapes.subjectivity_shape(changed.row), version=result.version)

        return save_copy(self, selectors.copy_of_request(id), change=change, respond=respond)


def _act(endpoint: Endpoint, request_id: UUID, act: Act) -> HttpResponse:
    """Change one request under the lock of its copy, and respond with it."""

    def respond(context: BatchContext, result: SaveResult, request: QuoteRequestMutator) -> StoredResponse:
        subjectivities = [one.row for one in context.changeset.subjectivities.of_quote(request.id)]
        shape = _shapes(endpoint).request(
            request.row,
            copy_id=context.copy.id,
            subjectivities=[row for row in subjectivities if row.closed_at is None],
        )
        return json_response(shape, version=result.version)

    return save_copy(endpoint, selectors.copy_of_request(request_id), change=act, respond=respond)


def _shapes(endpoint: Endpoint) -> shapes.QuoteShapes:
    return shapes.QuoteShapes(Reader.for_actor(endpoint.actor), today=today_at(endpoint.tenant))


def _page_shape(endpoint: Endpoint, request: Request, found: Page[Any]) -> shapes.QuoteRequestPage:
    subjectivities = selectors.subjectivities_of(row.id for row in found.rows)
    build = _shapes(endpoint)
    results = [
        build.request(row, copy_id=row.copy_id, subjectivities=subjectivities.get(row.id, ())) for row in found.rows
    ]
    return shapes.QuoteRequestPage(results, next_page(request, found.next_cursor))

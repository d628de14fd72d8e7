"""``/quote_requests/{id}/binding``, ``/consent``, ``/assistance``: from a quote to a policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from msgspec.structs import replace
from rest_framework.request import Request

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import NotFound
from batch.idempotency import StoredResponse
from forms.models import QuoteRequest
from partner_engine.api.binding_shapes import (
    BindingPlan,
    BindingShape,
    BindOrder,
    NewAssistance,
    NewConsent,
    binding_plan,
    binding_shape,
)
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_fields
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, save_copy
from quoting import binding
from tenants.access import Right

_CONSENT_POINTERS = {"accepted_by": "/accepted_by"}
_ORDER_POINTERS = {"accepted_by": "/consent/accepted_by"}
_NOTE_POINTERS = {"note": "/note"}


class Binding(Endpoint):
    """The binding of one quote."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.BIND_QUOTES}

    @documented(
        "Read a binding",
        "The way of a quote to a policy: the binding so far, the terms with the wording of the consent, the answers "
        "that are still needed, open subjectivities, and the reasons for which the quote cannot be bound now.",
        responses={200: BindingPlan, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        context = batch.find(_copy_of(id), scope=self.tenant, actor=self.actor)
        shape = binding_plan(context.copy.id, binding.prepare(context, id))
        return self.respond_with_content_tag(shape, version=context.version)

    @documented(
        "Bind a quote",
        "Requests the carrier to bind the quote, which is selected by that. The result comes later: as the state of "
        "this binding, and as the events `quote_request.bound` and `binding.refused`. Nothing of the copy can be "
        "changed until then. A bound copy is locked.",
        body=BindOrder,
        responses={202: BindingShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: BindOrder) -> HttpResponse:
        consent = _consent(body.consent) if body.consent else None

        def bind(context: BatchContext) -> None:
            with errors_of_fields(_ORDER_POINTERS):
                binding.bind(context, id, consent=consent, payment_method=body.payment_method_id)

        return _save(self, id, bind, status=202)


class ConsentToBind(Endpoint):
    """The consent of the insured to one quote."""

    rights: ClassVar = {"POST": Right.BIND_QUOTES}

    @documented(
        "Record a consent",
        "Records who agreed to the wording with this hash. The consent is void as soon as the application, the quote, "
        "its premium or the wording changes.",
        body=NewConsent,
        responses={200: BindingShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewConsent) -> HttpResponse:
        def consent(context: BatchContext) -> None:
            with errors_of_fields(_CONSENT_POINTERS):
                binding.give_consent(context, id, _consent(body))

        return _save(self, id, consent, status=200)


class BindAssistance(Endpoint):
    """Help with binding one quote."""

    rights: ClassVar = {"POST": Right.BIND_QUOTES, "DELETE": Right.BIND_QUOTES}

    @documented(
        "Ask for help with binding",
        "Asks the administrators of the tenant for help, by mail and with a process that waits for a person.",
        body=NewAssistance,
        responses={202: BindingShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewAssistance) -> HttpResponse:
        def ask(context: BatchContext) -> None:
            with errors_of_fields(_NOTE_POINTERS):
                binding.ask_for_help(context, id, note=body.note)

        return _save(self, id, ask, status=202)

    @documented(
        "End the help with binding",
        "Records that the help was given, which ends the process that waits for it.",
        body=Nothing,
        responses={200: BindingShape},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        return _save(self, id, lambda context: binding.end_help(context, id), status=200)


def _consent(body: NewConsent) -> binding.GivenConsent:
    return binding.GivenConsent(
        wording_hash=body.wording_hash,
        accepted_by=body.accepted_by,
        acknowledges_disclosures=body.acknowledges_disclosures,
    )


def _copy_of(quote_request_id: UUID) -> UUID:
    """Return the id of the copy of a quote request of the current tenant. Raises ``NotFound``."""
    copy_id = QuoteRequest.objects.filter(pk=quote_request_id).values_list("copy_id", flat=True).first()
    if copy_id is None:
        raise NotFound
    return copy_id


def _save(endpoint: Endpoint, id: UUID, act: Callable[[BatchContext], None], *, status: int) -> HttpResponse:
    def respond(context: BatchContext, result: SaveResult, _: None) -> StoredResponse:
        row = context.changeset.bindings.of(id).row
        # A caller that may only bind is not shown what the form answers.
        seen = row if endpoint.actor.may(Right.READ_FORMS) else replace(row, payment_plan="")
        return json_response(binding_shape(id, seen), version=result.version, status=status)

    return save_copy(endpoint, _copy_of(id), change=act, respond=respond)

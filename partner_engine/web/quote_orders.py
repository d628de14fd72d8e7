"""Orders on quotes, from their grids and from the foot of the answers: request, ask again, withdraw, select, done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from batch.context import BatchContext
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.entered_answer import WrongAnswer, read_answer
from partner_engine.web.problem_pages import problem_part
from partner_engine.web.quotes import respond_with_grid
from presentation.formats import counted
from presentation.product_names import product_name
from quoting import service
from tenants.access import Right

#: An order: it changes the context and returns a sentence, "" for an order without a subject.
Order: TypeAlias = Callable[[HttpRequest, BatchContext], str]
#: The products or requests that one order names.
_MOST: Final = 100


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Execute ``order``: request (``products`` and ``requests`` to ask again), ask-again, withdraw, select or deselect
    (``requests``), or done (the ``condition`` of a request).

    Respond with the grid of the copy, without a body for ``quiet``. The event ``quotes-ordered`` has a sentence. An
    order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    wanted = _ORDERS.get(request.POST.get("order", ""))
    if wanted is None:
        return HttpResponseBadRequest()
    with agent.find_and_lock(copy_id, key=order_key(request, agent)) as context:
        if context.stored_response is None:
            text = wanted(request, context)
            if not text:
                return _refused("Choose what to do this with first.")
            context.save(respond=lambda _: carried_out(text))
        else:
            text = context.stored_response.body.decode()
    response = HttpResponse() if request.POST.get("quiet") else respond_with_grid(request, agent, agent.find(copy_id))
    return trigger_client_event(response, "quotes-ordered", {"text": text})


@require_POST
@for_agents(Right.WRITE_FORMS)
def enter_answer(request: HttpRequest, agent: Agent, copy_id: UUID, request_id: UUID) -> HttpResponse:
    """Store the answer of a carrier that answers by hand, as the agent entered it."""
    fields = {name: request.POST.getlist(name) for name in request.POST}
    with agent.find_and_lock(copy_id, key=order_key(request, agent)) as context:
        if context.stored_response is not None:
            return HttpResponse()
        service.find_request(context, request_id)
        reading = read_context(context, request, agent)
        quote = next(found for found in reading.quotes if found.id == str(request_id))
        now = timezone.now()
        try:
            message = read_answer(
                fields,
                quote,
                currency=reading.catalogue.definition.currency,
                now=now,
                today=now.astimezone(reading.reader.zone).date(),
            )
        except WrongAnswer as error:
            return _refused(str(error))
        service.enter_answer(context, request_id, message)
        context.save(respond=lambda _: carried_out())
    return HttpResponse()


def _request(request: HttpRequest, context: BatchContext) -> str:
    """Request the named products and ask again for the named requests; return what was done, "" for nothing."""
    products = request.POST.get("products", "").split()[:_MOST]
    again = _names(request)
    if not products and not again:
        return ""
    refused = []
    number = len(again)
    if products:
        done = service.request_quotes(context, products=products)
        number += len(done.requested)
        compiled = context.release.compiled
        refused = [f"{product_name(compiled, code)}: {refusal.text}" for code, refusal in done.refused.items()]
    for request_id in again:
        service.ask_again(context, request_id)
    said = [f"{counted(number, 'quote').capitalize()} requested."]
    return " ".join([*said, *refused])


def _ask_again(request: HttpRequest, context: BatchContext) -> str:
    """Ask again for the named requests."""
    ids = _names(request)
    for request_id in ids:
        service.ask_again(context, request_id)
    return f"{counted(len(ids), 'quote')} requested again." if ids else ""


def _one_by_one(act: Callable[[BatchContext, str], object], text: str) -> Order:
    """Return an order that calls ``act`` with each named request, and says ``text``."""

    def order_each(request: HttpRequest, context: BatchContext) -> str:
        ids = _names(request)
        for request_id in ids:
            act(context, request_id)
        return text if ids else ""

    return order_each


def _done(request: HttpRequest, context: BatchContext) -> str:
    """Mark a condition as met."""
    for request_id in _names(request)[:1]:
        service.set_done(context, request_id, request.POST.get("condition", ""), is_done=True)
        return "The condition is marked as done."
    return ""


def _names(request: HttpRequest) -> list[str]:
    """Return the ids of the named requests."""
    return list(dict.fromkeys(request.POST.get("requests", "").split()))[:_MOST]


def _refused(text: str) -> HttpResponse:
    return problem_part(status=422, text=text)


_ORDERS: Final[dict[str, Order]] = {
    "request": _request,
    "ask-again": _ask_again,
    "withdraw": _one_by_one(service.withdraw, "The request is withdrawn."),
    "select": _one_by_one(service.select, "The quote is selected."),
    "deselect": _one_by_one(service.deselect, "The quote is no longer selected."),
    "done": _done,
}

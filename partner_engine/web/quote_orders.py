"""Orders on quotes, from their grids and from the foot of the answers: request, ask again, withdraw, select, done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.entered_answer import WrongAnswer, read_answer
from partner_engine.web.quotes import respond_with_grid
from presentation.formats import counted
from quoting import service
from tenants.access import Right

#: The products or requests that one order names.
_MOST: Final = 100


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Execute ``order``: request (``products`` and ``requests`` to ask again), ask-again, withdraw, select or deselect
    (``requests``), or done (the ``condition`` of a request).

    Respond with the grid of the copy, without a body for ``quiet``. The event ``quotes-ordered`` has a sentence.
    """
    wanted = _ORDERS.get(request.POST.get("order", ""))
    if wanted is None:
        return HttpResponseBadRequest()
    known = {row.id for row in agent.find(copy_id).attached.get("quote_requests", ())}
    try:
        if not known.issuperset(_ids(request)):
            return HttpResponse(status=404)
        text = wanted(request, agent, copy_id)
    except ValueError:
        return HttpResponseBadRequest()
    if text is None:
        return _refused("Nothing could be requested.")
    response = HttpResponse() if request.POST.get("quiet") else respond_with_grid(request, agent, agent.find(copy_id))
    return trigger_client_event(response, "quotes-ordered", {"text": text})


@require_POST
@for_agents(Right.WRITE_FORMS)
def enter_answer(request: HttpRequest, agent: Agent, copy_id: UUID, request_id: UUID) -> HttpResponse:
    """Store the answer of a carrier that answers by hand, as the agent entered it."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    quote = next((found for found in reading.quotes if found.id == str(request_id)), None)
    if quote is None:
        return HttpResponse(status=404)
    now = timezone.now()
    fields = {name: request.POST.getlist(name) for name in request.POST}
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
    service.enter_answer(request_id, message, scope=agent.tenant, actor=agent.actor)
    return HttpResponse()


def _request(request: HttpRequest, agent: Agent, copy_id: UUID) -> str | None:
    """Request the named products and ask again for the named requests; return what was done, None for nothing."""
    products = request.POST.get("products", "").split()[:_MOST]
    again = _ids(request)
    number, refused = 0, {}
    if products:
        done = service.request_quotes(copy_id, products=products, scope=agent.tenant, actor=agent.actor)
        number, refused = len(done.requested), done.refused
    for request_id in again:
        service.ask_again(request_id, scope=agent.tenant, actor=agent.actor)
    number += len(again)
    if not number and not refused:
        return None
    said = [f"{counted(number, 'quote')} requested."] if number else []
    said += [f"{product}: {refusal.text}" for product, refusal in refused.items()]
    return " ".join(said)


def _ask_again(request: HttpRequest, agent: Agent, copy_id: UUID) -> str | None:
    """Ask again for the named requests."""
    ids = _ids(request)
    for request_id in ids:
        service.ask_again(request_id, scope=agent.tenant, actor=agent.actor)
    return f"{counted(len(ids), 'quote')} requested again." if ids else None


def _one_by_one(act: Callable[..., object], text: str) -> Callable[[HttpRequest, Agent, UUID], str | None]:
    """Return an order that calls ``act`` with each named request, and says ``text``."""

    def order_each(request: HttpRequest, agent: Agent, copy_id: UUID) -> str | None:
        ids = _ids(request)
        for request_id in ids:
            act(request_id, scope=agent.tenant, actor=agent.actor)
        return text if ids else None

    return order_each


def _done(request: HttpRequest, agent: Agent, copy_id: UUID) -> str | None:
    """Mark a condition as met."""
    condition = UUID(request.POST.get("condition", ""))
    with agent.find_and_lock(copy_id) as context:
        context.changeset.subjectivities.find(condition).mark_done()
        context.save()
    return "The condition is marked as done."


def _ids(request: HttpRequest) -> list[UUID]:
    """Return the named requests. Raises ``ValueError``."""
    return [UUID(found) for found in request.POST.get("requests", "").split()[:_MOST]]


def _refused(text: str) -> HttpResponse:
    response = HttpResponse(status=422)
    response.headers["X-Problem"] = text.encode("ascii", "replace").decode()
    return response


_ORDERS: Final[dict[str, Callable[[HttpRequest, Agent, UUID], str | None]]] = {
    "request": _request,
    "ask-again": _ask_again,
    "withdraw": _one_by_one(service.withdraw, "The request is withdrawn."),
    "select": _one_by_one(service.select, "The quote is selected."),
    "deselect": _one_by_one(service.deselect, "The quote is no longer selected."),
    "done": _done,
}

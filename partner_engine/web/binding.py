"""The page that binds one quote. Answers are saved as on the form page; each response has the parts of this page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from batch.binding_errors import CannotBind
from batch.context import BatchContext
from batch.errors import LooksSensitive, WrongState, WrongValue
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.answer_input import Answered
from partner_engine.web.copies import save_answers
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.meanwhile import changed_by
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.binding import BindPage, build_bind_page
from partner_engine.web.pages.faults import build_faults
from partner_engine.web.pages.form_page import build_head
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.shell import QUOTES, build_lock
from partner_engine.web.rendering import shown_version
from partner_engine.web.visitors import Visitor
from quoting import binding, service
from quoting.refusals import CannotBeQuoted
from tenants.access import Right

#: What a person can correct on the page.
_CORRECTABLE: Final = (CannotBind, CannotBeQuoted, WrongValue, WrongState, LooksSensitive)


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID, quote_id: UUID) -> HttpResponse:
    """Show the page that binds a quote of a copy."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    page = _page(context, reading, agent, quote_id)
    log_personal_reads(reading, context, agent)
    shown = {
        "page": page,
        "shell": shell_of(context, reading, agent, route=QUOTES),
        "faults": build_faults(reading),
        "copy_id": context.copy.id,
        "release": context.release.id,
    }
    return render(request, "web/bind.html", agent.context(**shown))


@require_POST
@for_agents(Right.WRITE_FORMS)
def answer(request: HttpRequest, agent: Agent, copy_id: UUID, quote_id: UUID) -> HttpResponse:
    """Save ``answers`` as the form page does; respond with the parts of this page."""

    def respond(reading: Reading, answered: Answered) -> HttpResponse:
        page = _page(answered.context, reading, agent, quote_id)
        return _respond(request, reading, page, said=_said(page))

    return save_answers(request, agent, partial(agent.find_and_lock, copy_id), respond=respond)


@require_GET
@for_agents(Right.READ_FORMS)
def catch_up(request: HttpRequest, agent: Agent, copy_id: UUID, quote_id: UUID) -> HttpResponse:
    """Return the parts of the page as they are now, for what others and the carrier changed."""
    context = agent.find(copy_id)
    reading, since = read_context(context, request, agent), shown_version(request)
    page = _page(context, reading, agent, quote_id)
    log_personal_reads(reading, context, agent)
    theirs = changed_by(context.copy.id, since=since, until=context.version) if since else {}
    said = page.standing.title if page.standing else ""
    return _respond(request, reading, page, said=said, theirs=theirs, token=get_token(request))


@require_POST
@for_agents(Right.BIND_QUOTES)
def order(request: HttpRequest, agent: Agent, copy_id: UUID, quote_id: UUID) -> HttpResponse:
    """Execute ``order``: bind, help, end-help, ask-again, or done (of the subjectivity ``id``). A refusal is shown on
    the page.

    An order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    orders: dict[str, Callable[[BatchContext], None]] = {
        "bind": lambda context: _bind(context, quote_id, request.POST),
        "help": lambda context: binding.ask_for_help(context, quote_id, note=request.POST.get("note", "")),
        "end-help": lambda context: binding.end_help(context, quote_id),
        "ask-again": lambda context: _ask_again(context, quote_id),
        "done": lambda context: _mark_done(context, request.POST.get("id", "")),
    }
    wanted = orders.get(request.POST.get("order", ""))
    if wanted is None:
        return HttpResponseBadRequest()
    problem, result = "", None
    with agent.find_and_lock(copy_id, key=order_key(request, agent)) as context:
        if context.stored_response is None:
            try:
                wanted(context)
                result = context.save(respond=lambda _: carried_out())
            except _CORRECTABLE as error:
                problem = str(error)
        if not problem:
            reading = read_context(context, request, agent, result=result)
            page = _page(context, reading, agent, quote_id)
            return _respond(request, reading, page, said=page.standing.title if page.standing else "Saved.")
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    return _respond(request, reading, _page(context, reading, agent, quote_id), said=problem, problem=problem)


def _bind(context: BatchContext, quote_id: UUID, posted: Any) -> None:
    consent = None
    if posted.get("agrees") == "yes":
        consent = binding.GivenConsent(
            wording_hash=posted.get("wording_hash", ""),
            accepted_by=posted.get("accepted_by", ""),
            acknowledges_disclosures=True,
        )
    method = posted.get("payment_method", "")
    binding.bind(context, quote_id, consent=consent, payment_method=UUID(method) if method else None)


def _ask_again(context: BatchContext, quote_id: UUID) -> None:
    service.ask_again(context, quote_id)


def _mark_done(context: BatchContext, subjectivity_id: str) -> None:
    context.changeset.subjectivities.find(subjectivity_id).mark_done()


def _page(context: BatchContext, reading: Reading, agent: Visitor, quote_id: UUID) -> BindPage:
    prepared = binding.prepare(context, quote_id)
    methods: Any = context.attached.get("payment_methods", ())
    return build_bind_page(reading, prepared, methods=methods, may_bind=agent.actor.may(Right.BIND_QUOTES))


def _said(page: BindPage) -> str:
    return f"Saved. {page.left} still needed." if page.left else "Saved. Nothing is needed any more."


def _respond(  # noqa: PLR0913 - the parts and the event of one response
    request: HttpRequest,
    reading: Reading,
    page: BindPage,
    *,
    said: str,
    problem: str = "",
    **details: object,
) -> HttpResponse:
    """Return the parts of the page; the event ``copy-saved`` carries the version and the text to announce."""
    shown = {
        "page": page,
        "head": build_head(reading),
        "lock": build_lock(reading),
        "faults": build_faults(reading),
        "copy_id": reading.facts.id,
        "problem": problem,
    }
    response = render(request, "web/parts/bind_saved.html", shown)
    event = {"version": reading.facts.version, "said": said, **details}
    return trigger_client_event(response, "copy-saved", event)

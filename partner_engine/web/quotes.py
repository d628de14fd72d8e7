"""The view *Quotes* of a form: the live grid, its opened rows, and the answers of carriers that people enter."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from batch.context import BatchContext
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import page_around, shell_of
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.shell import QUOTES
from partner_engine.web.quote_opened import opened_row
from partner_engine.web.quote_reading import grid_of
from partner_engine.web.quote_records import count_declinations
from tenants.access import Right

_ALL: Final = "all"


@require_GET
@for_agents(Right.READ_FORMS)
def index(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the quotes of a copy, with ``copies=all`` those of all copies of its form. A request by htmx gets only the
    grid with the head around it.
    """
    return respond_with_grid(request, agent, agent.find(copy_id))


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID, request_id: UUID) -> HttpResponse:
    """Return the opened row of one request."""
    context = agent.find(copy_id)
    shown = opened_row(context, read_context(context, request, agent), request_id)
    return HttpResponse(status=404) if shown is None else render(request, "web/parts/quote_details.html", shown)


def respond_with_grid(request: HttpRequest, agent: Agent, context: BatchContext) -> HttpResponse:
    """Return the page, or for htmx the grid, the views and the tabs."""
    reading = read_context(context, request, agent)
    shell = shell_of(context, reading, agent, route=QUOTES)
    all_copies = request.GET.get("copies") == _ALL
    is_part = request.headers.get("HX-Request") == "true" and "X-Part" not in request.headers
    return render(
        request,
        "web/parts/quote_parts.html" if is_part else "web/quotes.html",
        agent.context(
            around=page_around(request),
            shell=shell,
            head=shell.head,
            grid=grid_of(reading, shell, all_copies=all_copies),
            all_copies=all_copies,
            copy_id=context.copy.id,
            now=reading.reader.now.isoformat(),
            declinations=count_declinations(context.copy.id),
        ),
    )

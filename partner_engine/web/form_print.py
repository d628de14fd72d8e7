"""A form as a page for the customer, to print or to save as PDF with the browser."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.printed_form import build_printed_form
from presentation.formats import day
from tenants.access import Right

PRINT: Final = "web:print"


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the summary, the products and the answers of a copy as text, without anything internal."""
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    log_personal_reads(reading, context, agent)
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=PRINT),
        form=build_printed_form(reading),
        agency=agent.tenant.name,
        phone=agent.tenant.phone,
        email=agent.tenant.email,
        logo_id=agent.tenant.logo_id,
        prepared=day(reading.reader.now.astimezone(reading.reader.zone).date()),
        copy_id=context.copy.id,
    )
    return render(request, "web/form_print.html", shown)

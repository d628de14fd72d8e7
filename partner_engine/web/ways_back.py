"""What would take the declines of a form's products back, loaded by its page after the products themselves."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from rules.explain.declined_products import ways_back_of
from tenants.access import Right


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the line of each declined product that says what would take its decline back.

    The save does not wait for it, and all products together share the decisions of one explanation.
    """
    context = agent.find(copy_id)
    reading = read_context(context, request, agent)
    changeset, evaluation = context.current_view()
    outcomes = evaluation.eligibility.items()
    declined = [
        code for code, outcome in outcomes if outcome.outcome == "decline" and code in reading.catalogue.products
    ]
    found = ways_back_of(
        reading.catalogue,
        changeset.document,
        declined,
        as_of=evaluation.as_of,
        reveal=changeset.sealing.reveal,
        visibility=reading.visibility,
    )
    return render(request, "web/parts/ways_back.html", {"found": found.items()})

"""The products of one form beside the worklist, as the form page has them; of a deleted form too."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from batch import service as batch
from batch.errors import NotFound
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.pages.products import build_panel
from tenants.access import Right


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the products of a copy by line, with state and price, and links to its views. No answers are shown."""
    context = batch.find(copy_id, scope=agent.tenant, actor=agent.actor, archived=True)
    if context.copy.fields.deleted_at is not None:
        raise NotFound
    panel = build_panel(read_context(context, request, agent).as_record())
    shown = {"panel": panel, "copy_id": context.copy.id, "is_deleted": context.form.deleted_at is not None}
    return render(request, "web/parts/peek.html", shown)

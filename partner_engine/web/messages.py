"""Commands on the posted messages of the form page: post and dismiss."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from batch.errors import UnknownNeighbour
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copies import respond_to_save
from tenants.access import Right


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Execute ``order``: post ``text``, or dismiss the message ``id``. A missing message counts as dismissed."""
    wanted = request.POST.get("order", "")
    if wanted not in ("post", "dismiss"):
        return HttpResponseBadRequest()
    with agent.find_and_lock(copy_id) as context:
        before, loaded = context.evaluation, context.version
        messages = context.changeset.messages
        if wanted == "post":
            messages.add(request.POST.get("text", ""))
        else:
            with suppress(UnknownNeighbour):
                messages.find(request.POST.get("id", "")).dismiss()
        result = context.save()
        response = respond_to_save(request, agent, context, result, before=before, version=loaded)
    return trigger_client_event(response, "message-posted", {}) if wanted == "post" else response

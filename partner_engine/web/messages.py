"""Commands on the posted messages of the form page: post and dismiss."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from batch.errors import UnknownRecord
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_view import read_context
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.save_response import Saved, respond_to_repetition, respond_to_save
from tenants.access import Right


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Execute ``order``: post ``text``, or dismiss the message ``id``. A missing message counts as dismissed.

    An order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    wanted = request.POST.get("order", "")
    if wanted not in ("post", "dismiss"):
        return HttpResponseBadRequest()
    with agent.find_and_lock(copy_id, key=order_key(request, agent)) as context:
        if context.stored_response is not None:
            response = respond_to_repetition(request, agent, context)
            return trigger_client_event(response, "message-posted", {}) if wanted == "post" else response
        before, loaded = context.evaluation, context.version
        messages = context.changeset.messages
        if wanted == "post":
            messages.add(request.POST.get("text", ""))
        else:
            with suppress(UnknownRecord):
                messages.find(request.POST.get("id", "")).dismiss()
        result = context.save(respond=lambda _: carried_out())
        reading = read_context(context, request, agent, result=result)
        saved = Saved(reading=reading, result=result, before=before, version=loaded)
        response = respond_to_save(request, saved)
    return trigger_client_event(response, "message-posted", {}) if wanted == "post" else response

"""The cloning of a form from its page: for the same term, or for the next one."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from batch.errors import IdempotencyReplay
from batch.idempotency import IdempotencyKey, StoredResponse
from partner_engine.web.access import Agent, for_agents
from scenarios.cloning import Clone, CloneOrder, clone_form
from tenants.access import Right

_CLONE: Final = "clone"
_RENEW: Final = "renew"
_KEY: Final = re.compile(r"[0-9a-f]{32}")


@require_POST
@for_agents(Right.WRITE_FORMS)
def clone(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Clone or renew the form of the copy and redirect to the new form.

    The name of the pressed button is the order, its value the key of the page: a second press leads to the same form.
    """
    wanted = next((name for name in (_CLONE, _RENEW) if name in request.POST), "")
    value = request.POST.get(wanted, "")
    if not _KEY.fullmatch(value):
        return HttpResponseBadRequest()
    fingerprint = hashlib.sha256(f"{request.path}\n{wanted}".encode()).digest()
    key = IdempotencyKey(f"page:{agent.actor.type}:{agent.actor.id}", f"{wanted}:{value}", fingerprint)
    order = CloneOrder(is_renewal=wanted == _RENEW, idempotency=key, respond=_form_id)
    try:
        made = clone_form(copy_id, order, scope=agent.tenant, actor=agent.actor)
    except IdempotencyReplay:
        made = clone_form(copy_id, order, scope=agent.tenant, actor=agent.actor)
    return redirect("web:copy", UUID(made.earlier.body.decode()) if made.earlier else made.form_id)


def _form_id(made: Clone) -> StoredResponse:
    """Return the record of a clone: the id of the new form."""
    return StoredResponse(201, {}, str(made.form_id).encode())

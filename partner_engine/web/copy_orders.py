"""Orders on the copies of a form, from its tabs: a new copy, its name, base mark, lock and deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from batch import service as batch
from batch.changes.mutators.copy_fields import CopyFieldsMutator
from batch.context import BatchContext
from batch.errors import NotFound
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_around, shown_route
from partner_engine.web.copy_view import read_context
from partner_engine.web.order_keys import carried_out, order_key
from partner_engine.web.pages.shell import ANSWERS
from partner_engine.web.save_response import Saved, respond_to_repetition, respond_to_save
from tenants.access import Right

_ORDERS: Final[dict[str, Callable[[CopyFieldsMutator, HttpRequest], None]]] = {
    "rename": lambda copy, request: copy.rename(_line(request, "title")),
    "base": lambda copy, _: copy.make_base(),
    "lock": lambda copy, request: copy.lock(reason=_line(request, "reason")),
    "unlock": lambda copy, _: copy.unlock(),
    "delete": lambda copy, _: copy.delete(),
    "restore": lambda copy, _: copy.restore(),
}


@require_GET
@for_agents(Right.READ_FORMS)
def tabs(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Return the tabs of the form's copies as they are now, also to a page whose copy was deleted meanwhile."""
    try:
        return _tabs(request, agent, agent.find(copy_id))
    except NotFound:
        context = agent.find(copy_id, archived=True)
        if context.form.deleted_at is not None or context.copy.id != copy_id:
            raise
    reading = read_context(context, request, agent)
    shell = replace(shell_around(reading, route=shown_route(request) or ANSWERS), may_add=False)
    return render(request, "web/parts/tabs.html", {"shell": shell, "oob": True})


@require_POST
@for_agents(Right.WRITE_FORMS)
def add(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Make a copy of the copy with the name ``title``. The event ``copy-made`` carries its address.

    An order with the ``X-Order-Key`` of an earlier one is not executed again.
    """
    key, title = order_key(request, agent), _line(request, "title")
    with batch.build_copy(copy_id, scope=agent.tenant, actor=agent.actor, title=title, idempotency=key) as context:
        if context.stored_response is not None:
            made = context.stored_response.body.decode()
        else:
            made = str(context.copy.id)
            context.save(respond=lambda _: carried_out(made))
    return _lead_to(HttpResponse(), request, made)


@require_POST
@for_agents(Right.WRITE_FORMS)
def order(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Execute ``order`` (rename, base, lock, unlock, delete or restore) on the copy ``of`` of the same form,
    by default the shown one.

    The page shows the copy ``copy_id``, and gets what the order changed on it. The event ``copy-made`` carries the
    address that the page should go to, if it is another one: of the base after the deletion of the shown copy, of a
    restored copy with ``open``.
    """
    wanted, of = request.POST.get("order", ""), _uuid(request.POST.get("of") or str(copy_id))
    if wanted not in _ORDERS or of is None:
        return HttpResponseBadRequest()
    form = agent.find(copy_id).form
    with agent.find_and_lock(of, key=order_key(request, agent), archived=wanted == "restore") as context:
        if context.form.id != form.id or context.copy.id != of:
            raise NotFound
        title, before, loaded = context.copy.fields.title, context.evaluation, context.version
        if context.stored_response is None:
            _ORDERS[wanted](context.changeset.copy, request)
            result = context.save(respond=lambda _: carried_out())
            if of == copy_id and wanted not in ("delete", "restore"):
                saved = Saved(
                    reading=read_context(context, request, agent, result=result),
                    result=result,
                    before=before,
                    version=loaded,
                    is_everything=wanted != "rename",
                )
                return respond_to_save(request, saved)
    if wanted == "delete" and of == copy_id:
        base = str(form.fields.base_copy_id or form.id)
        return _lead_to(_deleted(request, of, title, shown=True), request, base)
    shown = agent.find(copy_id)
    if wanted == "delete":
        return _tabs(request, agent, shown, deleted={"id": of, "title": title})
    if wanted == "restore" and request.POST.get("open"):
        return _lead_to(HttpResponse(), request, str(of))
    if of == copy_id or wanted == "base":
        return respond_to_repetition(request, agent, shown)
    return _tabs(request, agent, shown)


def _tabs(
    request: HttpRequest, agent: Agent, context: BatchContext, *, deleted: dict[str, object] | None = None
) -> HttpResponse:
    reading = read_context(context, request, agent)
    shell = shell_around(reading, route=shown_route(request) or ANSWERS)
    return render(request, "web/parts/saved_tabs.html", {"shell": shell, "head": shell.head, "deleted": deleted})


def _deleted(request: HttpRequest, copy_id: UUID, title: str, *, shown: bool) -> HttpResponse:
    """Return the message about a deleted copy, with the way back."""
    deleted = {"id": copy_id, "title": title, "shown": shown}
    return render(request, "web/parts/toast.html", {"deleted": deleted})


def _lead_to(response: HttpResponse, request: HttpRequest, copy_id: str) -> HttpResponse:
    """Let ``response`` lead the page to the copy ``copy_id``, in the view that it shows."""
    url = reverse(shown_route(request) or ANSWERS, args=[UUID(copy_id)])
    return trigger_client_event(response, "copy-made", {"url": url}, after="settle")


def _line(request: HttpRequest, name: str) -> str:
    """Return the field ``name`` of the request as one line of at most 200 characters."""
    return " ".join(request.POST.get(name, "").replace("\0", " ").split())[:200]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

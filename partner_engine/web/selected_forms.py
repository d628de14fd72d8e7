"""Deletes the forms that are selected in the worklist, all or none, and restores them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from batch import service as batch
from batch.context import BatchContext
from batch.errors import BatchError, CopyIsLocked
from batch.save import Fault
from forms.selectors import list_deleted_forms, list_forms
from partner_engine.copy_visibility import InsuredNames
from partner_engine.web.access import Agent, for_agents, refuse
from partner_engine.web.pages.worklist_address import read_address
from partner_engine.web.visitors import WAIT_SECONDS
from presentation.formats import listed
from presentation.visibility import Reader
from tenants.access import Right

#: The most forms that one page of the list can select.
MOST_SELECTED: Final = 100
_MOST_NAMED: Final = 3
_SELECT: Final = f"Select the forms to delete first, {MOST_SELECTED} at most."


@require_POST
@for_agents(Right.WRITE_FORMS)
def delete(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Delete the forms of the copies in ``copy``, and load the list of the address again, which offers to undo it. If
    one of them is locked or in use, nothing is deleted.
    """
    copies = _selected(request)
    if not copies:
        return refuse(request, 422, "No forms are selected", _SELECT)
    deleted, refused = _change(copies, agent, _archive)
    if not deleted:
        return refuse(request, 409, "These forms were not deleted", _refusal(refused, agent))
    parameters = [("deleted", str(copy)) for copy in deleted] + ([("of", str(len(copies)))] if refused else [])
    shown = read_address(request.GET).address()
    address = f"{reverse('web:forms')}{shown}{'&' if len(shown) > 1 else ''}{urlencode(parameters)}"
    return HttpResponse(headers={"HX-Redirect": address})


@require_POST
@for_agents(Right.WRITE_FORMS)
def restore(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Restore the deleted forms of the copies in ``copy``, and go to the list that the address requests."""
    copies = list(list_deleted_forms().filter(pk__in=_selected(request)).values_list("pk", flat=True))
    if copies:
        _, refused = _change(copies, agent, _put_back, archived=True)
        if refused:
            return refuse(request, 409, "These forms were not restored", _why(next(iter(refused.values()))))
    shown = read_address(request.GET).address()
    return redirect(f"{reverse('web:forms')}{shown if len(shown) > 1 else ''}")


def _selected(request: HttpRequest) -> list[UUID]:
    """Return the ids in ``copy``, each once; none if one of them is no id, or if there are too many."""
    texts = request.POST.getlist("copy")
    try:
        found = list(dict.fromkeys(map(UUID, texts)))
    except ValueError:
        return []
    return found if len(found) <= MOST_SELECTED else []


def _change(
    copies: Sequence[UUID], agent: Agent, change: Callable[[BatchContext], None], *, archived: bool = False
) -> tuple[list[UUID], Mapping[UUID, Fault]]:
    """Apply ``change`` to all copies under their locks; return those that were saved, and the refusals of others. If a
    copy is locked, missing or in use, none is saved.
    """
    with batch.find_and_lock_many(
        copies, scope=agent.tenant, actor=agent.actor, wait=WAIT_SECONDS, archived=archived
    ) as chunk:
        chunk.apply_each(lambda _, context: change(context))
        chunk.check()
        refused = dict(chunk.errors)
        for identity, context in chunk.contexts.items():
            if context.copy.fields.locked_at is not None:
                refused[identity] = CopyIsLocked()
        if refused:
            return [], refused
        results = chunk.save()
    failed = {found.id: found.error for found in results if found.error is not None}
    return [found.id for found in results if found.error is None], failed


def _archive(context: BatchContext) -> None:
    context.changeset.application_form.archive()


def _put_back(context: BatchContext) -> None:
    context.changeset.application_form.restore()


def _refusal(refused: Mapping[UUID, Fault], agent: Agent) -> str:
    """Return which forms hinder the order, and why the first does."""
    names = InsuredNames(Reader.for_actor(agent.actor))
    rows = list_forms().filter(pk__in=list(refused))[:_MOST_NAMED]
    named = listed(names.of(copy, copy.catalogue) or copy.title or "New application" for copy in rows)
    why = _why(next(iter(refused.values())))
    return f"Nothing was deleted. {named}{': ' if named else ''}{why}"


def _why(fault: Fault) -> str:
    return str(fault) if isinstance(fault, BatchError) else "It could not be saved. Try again."

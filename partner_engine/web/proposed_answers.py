"""The page of proposed answers: what confirming them together would change, and both orders."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from batch.changes.proposals import Pick, accept, dismiss
from batch.context import BatchContext
from batch.errors import BatchError, InvalidAnswers, ProposalChanged
from partner_engine.web.access import Agent, for_agents
from partner_engine.web.copy_shell import shell_of
from partner_engine.web.copy_view import log_personal_reads, read_context
from partner_engine.web.pages.links import link_to
from partner_engine.web.pages.proposed_answers import build_proposed, picks_of
from partner_engine.web.pages.versions import Effect, effects
from tenants.access import Right

PROPOSED: Final = "web:proposed-answers"
#: A request has at most 1,000 fields.
_MOST: Final = 900
#: The faults that a refusal names.
_MOST_NAMED: Final = 3
_CHANGED: Final = (
    "Somebody answered or proposed something else meanwhile. Nothing was changed. Look again, then repeat it."
)
_NONE: Final = "Choose at least one proposed answer."
_TOO_MANY: Final = f"Nothing was changed. Choose at most {_MOST} proposed answers at a time."
_ORDERS: Final = {"accept": accept, "dismiss": dismiss}


@require_GET
@for_agents(Right.READ_FORMS)
def show(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Show the proposed answers, of the question set ``set`` if one is named, and what confirming all would change."""
    return _show(request, agent, agent.find(copy_id), only=request.GET.get("set", ""))


@require_POST
@for_agents(Right.WRITE_FORMS)
def settle(request: HttpRequest, agent: Agent, copy_id: UUID) -> HttpResponse:
    """Confirm (``order`` accept) or dismiss the proposals named by ``pick``, all or none; then show the form."""
    order = _ORDERS.get(request.POST.get("order", ""))
    picks = [_pick(text) for text in request.POST.getlist("pick")]
    only = request.POST.get("set", "")
    if order is None or None in picks:
        return HttpResponseBadRequest()
    if not 0 < len(picks) <= _MOST:
        return _show(request, agent, agent.find(copy_id), only=only, problem=_TOO_MANY if picks else _NONE)
    try:
        with agent.find_and_lock(copy_id) as context:
            order(context.changeset, [pick for pick in picks if pick is not None])
            context.save()
    except ProposalChanged:
        return _show(request, agent, agent.find(copy_id), only=only, problem=_CHANGED, status=409)
    except InvalidAnswers as error:
        context = agent.find(copy_id)
        reading = read_context(context, request, agent)
        text = " ".join(f"{link_to(reading, fault.path).text}: {fault.text}" for fault in error.faults[:_MOST_NAMED])
        return _show(request, agent, context, only=only, problem=f"Nothing was changed. {text}")
    return redirect("web:copy", copy_id=context.copy.id)


def _show(
    request: HttpRequest, agent: Agent, context: BatchContext, *, only: str, problem: str = "", status: int = 422
) -> HttpResponse:  # fmt: skip
    reading = read_context(context, request, agent)
    groups = build_proposed(reading, only=only)
    picks = picks_of(groups)
    log_personal_reads(reading, context, agent)
    shown = agent.context(
        shell=shell_of(context, reading, agent, route=PROPOSED),
        groups=groups,
        number=len(picks),
        effects=_preview(agent, context.copy.id, picks) if picks and reading.is_writable else (),
        only=only,
        problem=problem,
        copy_id=context.copy.id,
        writable=reading.is_writable and agent.actor.may(Right.WRITE_FORMS),
    )
    return render(request, "web/proposed_answers.html", shown, status=status if problem else 200)


def _preview(agent: Agent, copy_id: UUID, picks: list[str]) -> tuple[Effect, ...] | None:
    """Return what confirming ``picks`` would do to the products, None where they cannot be confirmed together."""
    context = agent.find(copy_id)
    _, before = context.current_view()
    try:
        accept(context.changeset, [pick for text in picks if (pick := _pick(text))])
        after = context.preview().evaluation
    except BatchError:
        return None
    return effects(context.release.compiled, before, after)


def _pick(text: str) -> Pick | None:
    """Return the proposal that ``text`` names, None for a malformed one."""
    path, _, key = text.rpartition(" ")
    return Pick(path=path, key=key) if path and key and len(text) < 600 else None
